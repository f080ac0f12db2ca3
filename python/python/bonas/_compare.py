"""Comparisons of strategies on a table of scores."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _bonas
from ._arrays import columns
from ._bonas import Architecture, Space
from ._errors import ArgumentTypeError, BonasError, DataError, SettingError
from ._study import _Bar, _count, _list, _path, _space_section, _strategy

#: The column of architectures in a table.
_ARCH = "arch"


@dataclass(frozen=True)
class Comparison:
    """The figures of strategies on a table.

    Attributes
    ----------
    summary
        All figures: curves, queries to the optimum, tests (``summary.json`` of ``bonas compare``).
    text
        The figures as a text for people.
    path
        The folder with ``report.html``, if one was given.
    """

    summary: Mapping[str, Any]
    text: str
    path: Path | None
    _results: list[dict[str, str]] = field(repr=False)

    @property
    def strategies(self) -> Any:
        """A row for each strategy: what it found, and queries to the optimum; a DataFrame if pandas is installed."""
        return _table([_row(strategy) for strategy in self.summary["strategies"]])

    @property
    def results(self) -> Any:
        """Every query of every run; a DataFrame if pandas is installed."""
        return _table([{name: _value(name, text) for name, text in row.items()} for row in self._results])

    def __str__(self) -> str:
        return self.text


def compare(
    table: Any = None,
    strategies: Iterable[str | Mapping[str, object]] = (),
    *,
    space: Space | str | None = None,
    search: str | None = None,
    report: str | None = None,
    seeds: int = 100,
    budget: int = 150,
    path: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool | None = None,
    table_settings: Mapping[str, object] | None = None,
    constraints: Sequence[Mapping[str, object]] = (),
    objective: Mapping[str, object] | None = None,
    **settings: object,
) -> Comparison:
    """Compare strategies on a table of architectures whose scores are known, as ``bonas compare`` does.

    Parameters
    ----------
    table
        A DataFrame or a mapping with a column ``arch`` of texts or architectures and columns of numbers; or the path of a
        file. Isomorphic rows are one architecture with the mean of their values; two rows of one text with different values
        are an error. None: the table inside the program, 1,236
        cells of NAS-Bench-201 trained on digits.
    strategies
        Names, or mappings of ``name`` and settings; ``label`` tells two of one name apart. None given: all.
    space, search, report
        Of a table: its space, the column that strategies see, and the one that is reported (None: that of the search). A
        minus in front turns the sign.
    seeds, budget
        Runs of each strategy, and unique architectures of a run.
    path
        A folder that keeps the runs: the same call goes on there. A space whose text is in no file is kept there, too, as
        ``space.toml``. None: nothing is kept.
    threads
        Runs at the same time; no result depends on it. None: one for each core.
    progress
        Show a bar of tqdm; None: if tqdm is installed, in a terminal or a notebook.
    table_settings, constraints, objective
        More keys of ``[table]``, the tables ``[[constraint]]``, and ``[objective]``.
    settings
        More keys at the top of the configuration, such as ``batch`` and ``initial``.

    Examples
    --------
    >>> import bonas
    >>> found = bonas.compare(strategies=["evolution", "random"], seeds=3, budget=20)
    >>> [row["label"] for row in found.summary["strategies"]]
    ['evolution', 'random']
    """
    if isinstance(strategies, (str, Mapping)):
        raise ArgumentTypeError("strategies must be a list of strategies, not one of them")
    named = [_strategy(s, f"strategies[{i}]") for i, s in enumerate(_list(strategies, "strategies"))]
    sections: dict[str, object] = {"seeds": seeds, "budget": budget, **settings}
    if table is not None:
        sections["table"] = _table_section(search, report, table_settings, space)
    elif space is not None or search is not None or report is not None or table_settings:
        raise SettingError("table: give a table with its space and columns, or none of them")
    if constraints:
        sections["constraint"] = [dict(constraint) for constraint in constraints]
    if objective is not None:
        sections["objective"] = dict(objective)
    if named:
        sections["strategy"] = named
    at_once = None if threads is None else _count(threads, "threads", least=1)
    if path is not None:
        return _in_folder(table, space, sections, _path(path), at_once, progress)
    with tempfile.TemporaryDirectory(prefix="bonas-") as folder:
        done = _in_folder(table, space, sections, Path(folder) / "compared", at_once, progress)
    return Comparison(done.summary, done.text, None, done._results)


def _table_section(
    search: str | None, report: str | None, more: Mapping[str, object] | None, space: Space | str | None
) -> dict[str, object]:
    if space is None:
        raise SettingError("space: say of which space the architectures of the table are")
    if search is None:
        raise SettingError("search: name the column that strategies see")
    # The path is that of the file, whatever the configuration says.
    return {"path": "table.csv", "search": search, "report": report, **(more or {})}


@contextmanager
def _setting_of(space: Space | str, folder: Path) -> Iterator[str]:
    """Name a space as configurations do; one whose text is in no file gets one in the folder."""
    section = _space_section(space)
    name, text = str(section["name"]), section["text"]
    if text is None:
        yield name
        return
    # The file may be another one by now, or one that only has the name that a space in Python would have.
    file = Path(name.removeprefix("file:")).absolute()
    if _text_in(file) == text:
        yield f"file:{file}"
        return
    kept = folder.absolute() / "space.toml"
    begun = (folder / "config.toml").exists()
    if (begun or kept.exists()) and not _bonas.same_space(_text_in(kept) or "", str(text)):
        raise SettingError(f"path: {folder} is that of something in another space; give another folder")
    if not begun:
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(text), "utf-8")
    try:
        yield f"file:{kept}"
    finally:
        if not (folder / "config.toml").exists():
            # It was not begun.
            kept.unlink(missing_ok=True)
            with suppress(OSError):
                folder.rmdir()


def _text_in(file: Path) -> str | None:
    """Return the text of the space that a file declares; None if it declares none."""
    if not file.is_file():
        return None
    try:
        return _bonas.space(f"file:{file}").toml
    except BonasError:
        return None


def _in_folder(
    table: Any,
    space: Space | str | None,
    sections: dict[str, object],
    folder: Path,
    threads: int | None,
    progress: bool | None,
) -> Comparison:
    if table is None or space is None:
        return _run(None, sections, folder, threads, progress)
    if isinstance(table, (str, os.PathLike)):
        with _setting_of(space, folder) as setting:
            return _run(_path(table, "table"), _in_space(sections, setting), folder, threads, progress)
    with tempfile.TemporaryDirectory(prefix="bonas-") as beside:
        file = Path(beside) / "table.csv"
        _write(columns(table), file)
        with _setting_of(space, folder) as setting:
            try:
                return _run(file, _in_space(sections, setting), folder, threads, progress)
            except BonasError as error:
                if str(file) not in str(error):
                    raise
                raise type(error)(_of_table(str(error), file)) from None


def _in_space(sections: dict[str, object], setting: str) -> dict[str, object]:
    table = sections["table"]
    assert isinstance(table, dict)
    return {**sections, "table": {"space": setting, **table}}


def _of_table(text: str, file: Path) -> str:
    """Say of a table in Python what an error says of its file: rows in place of lines, keywords in place of options."""

    def row(found: re.Match[str]) -> str:
        # The first line has the names of the columns.
        return f"row {int(found[1]) - 1}"

    text = re.sub(rf"{re.escape(str(file))} line (\d+)", lambda found: f"{row(found)} of the table", text)
    text = re.sub(r"(?<=; )line (\d+)(?= has )", row, text)
    text = text.replace('(missing = "skip", --skip-missing)', '(table_settings={"missing": "skip"})')
    return text.replace(str(file), "the table")


def _run(
    file: Path | None, sections: dict[str, object], folder: Path, threads: int | None, progress: bool | None
) -> Comparison:
    with _Bar(None, progress) as bar:
        text = _bonas.compare(sections, file, folder, threads, bar.set)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    with (folder / "results.csv").open(newline="", encoding="utf-8") as results:
        rows = list(csv.DictReader(results))
    return Comparison(summary, text, folder, rows)


def _write(table: Mapping[str, Sequence[Any]], file: Path) -> None:
    """Write columns as CSV; every bit of a float comes back."""
    if _ARCH not in table:
        raise DataError(f"the table has no column `{_ARCH}`; it has {', '.join(map(repr, table)) or 'none'}")
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(table)
        writer.writerows([_cell(value) for value in row] for row in zip(*table.values(), strict=True))


def _cell(value: Any) -> object:
    if isinstance(value, Architecture):
        return value.text
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    # Those of numpy print as numbers, too.
    return repr(float(value)) if isinstance(value, float) else value


def _row(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a strategy that are single numbers."""
    row: dict[str, Any] = {}
    for key, value in strategy.items():
        if isinstance(value, Mapping):
            row.update({f"{key}_{k}": v for k, v in value.items() if not isinstance(v, (Mapping, list))})
        elif not isinstance(value, list):
            row[key] = value
    return row


def _value(name: str, text: str) -> object:
    if name in ("strategy", "arch"):
        return text
    if name in ("seed", "query"):
        return int(text)
    return float(text) if text else math.nan


def _table(rows: list[dict[str, Any]]) -> Any:
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)
