"""Comparisons of strategies on a table of scores."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _bonas
from ._arrays import columns
from ._bonas import Architecture, Space
from ._errors import ArgumentTypeError, DataError, SettingError
from ._study import _Bar, _count, _space_section

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
        file. Isomorphic rows are one architecture with the mean of their values. None: the table inside the program, 1,236
        cells of NAS-Bench-201 trained on digits.
    strategies
        Names, or mappings of ``name`` and settings; ``label`` tells two of one name apart. None given: all.
    space, search, report
        Of a table: its space, the column that strategies see, and the one that is reported (None: that of the search). A
        minus in front turns the sign.
    seeds, budget
        Runs of each strategy, and unique architectures of a run.
    path
        A folder that keeps the runs: the same call goes on there. None: nothing is kept.
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
    named = [{"name": s} if isinstance(s, str) else dict(s) for s in strategies]
    sections: dict[str, object] = {"seeds": seeds, "budget": budget, **settings}
    if table is not None:
        sections["table"] = _table_section(space, search, report, table_settings)
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
        return _in_folder(table, sections, Path(os.fspath(path)), at_once, progress)
    with tempfile.TemporaryDirectory(prefix="bonas-") as folder:
        done = _in_folder(table, sections, Path(folder) / "compared", at_once, progress)
    return Comparison(done.summary, done.text, None, done._results)


def _table_section(
    space: Space | str | None, search: str | None, report: str | None, more: Mapping[str, object] | None
) -> dict[str, object]:
    if space is None:
        raise SettingError("space: say of which space the architectures of the table are")
    if search is None:
        raise SettingError("search: name the column that strategies see")
    # The path is that of the file, whatever the configuration says.
    return {
        "path": "table.csv",
        "space": _table_space(space),
        "search": search,
        "report": report,
        **(more or {}),
    }


def _table_space(space: Space | str) -> object:
    section = _space_section(space)
    name = str(section["name"])
    if section["text"] is None:
        return name
    # A comparison reads the file, where there is one.
    path = Path(name.removeprefix("file:")).absolute()
    if not path.is_file():
        raise SettingError(
            f"space: there is no file {path}; write space.toml to it, and take bonas.spaces.from_file"
        )
    return f"file:{path}"


def _in_folder(
    table: Any, sections: dict[str, object], folder: Path, threads: int | None, progress: bool | None
) -> Comparison:
    if table is None or isinstance(table, (str, os.PathLike)):
        return _run(None if table is None else Path(os.fspath(table)), sections, folder, threads, progress)
    with tempfile.TemporaryDirectory(prefix="bonas-") as beside:
        file = Path(beside) / "table.csv"
        _write(columns(table), file)
        return _run(file, sections, folder, threads, progress)


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
