"""Comparisons on tables."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bonas
from conftest import score

STRATEGIES = ["evolution", {"name": "random", "label": "by chance"}]


def test_the_figures_of_the_command(command: Callable[..., str], in_folder: Path) -> None:
    Path("c.toml").write_text(
        'seeds = 3\nbudget = 20\n[[strategy]]\nname = "evolution"\n[[strategy]]\nname = "random"\nlabel = "by chance"\n'
    )
    command("compare", "c.toml", "--out", "theirs")
    ours = bonas.compare(strategies=STRATEGIES, seeds=3, budget=20, path="ours", threads=1)
    for file in ("config.toml", "summary.json", "results.csv"):
        assert Path("ours", file).read_bytes() == Path("theirs", file).read_bytes()
    assert [row["label"] for row in ours.summary["strategies"]] == ["evolution", "by chance"]
    assert "by chance" in str(ours)
    again = bonas.compare(strategies=STRATEGIES, seeds=3, budget=20, path="ours")
    assert again.summary == ours.summary
    assert len(bonas.compare(strategies=STRATEGIES, seeds=2, budget=20).results) == 80


def test_a_table_of_ones_own() -> None:
    pandas = pytest.importorskip("pandas")
    space = bonas.spaces.get("nasbench201")
    cells = list(dict.fromkeys(space.sample(200, rng=1)))
    everything = space.enumerate()
    twin = next(c for c in everything if c == cells[0] and c.text != cells[0].text)
    values = np.array([score(cell) for cell in cells], dtype=np.float32)
    table = pandas.DataFrame({"arch": [*cells, twin], "val": [*values, values[0] + 1], "other": "text"})
    found = bonas.compare(table, ["random"], space=space, search="val", seeds=2, budget=10, initial=2)
    # Isomorphic rows are one architecture, with the mean of their values.
    assert found.summary["architectures"] == len(cells)
    results = found.results
    assert isinstance(results, pandas.DataFrame) and len(results) == 20
    by_key = {cell.key: float(value) for cell, value in zip(cells, values, strict=True)}
    by_key[cells[0].key] += 0.5
    for text, value in zip(results.arch, results.search, strict=True):
        assert value == pytest.approx(by_key[space.parse(text).key], abs=1e-6)
    texts = {"arch": [cell.text for cell in table.arch], "val": list(table.val)}
    assert (
        bonas.compare(
            texts, ["random"], space="nasbench201", search="val", seeds=2, budget=10, initial=2
        ).summary["strategies"]
        == found.summary["strategies"]
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"strategies": ["evolutoin"]}, "did you mean `?evolution"),
        ({"seeds": 0}, "seeds: 0 is out of range"),
        ({"sedes": 3}, "did you mean `?seeds"),
        ({"strategies": [{"name": "random", "bach": 1}]}, "did you mean `?batch"),
        ({"table": {"arch": []}}, "space: say of which space"),
        ({"table": {"arch": []}, "space": "nasbench201"}, "search: name the column"),
        ({"table": {"cell": [], "val": []}, "space": "nasbench201", "search": "val"}, "no column `arch`"),
        (
            {"table": {"arch": ["?"], "val": [1.0]}, "space": "nasbench201", "search": "val"},
            "^row 1 of the table: ",
        ),
        ({"space": "nasbench201"}, "give a table"),
    ],
)
def test_what_cannot_be_compared(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bonas.compare(**{"seeds": 2, "budget": 10, "strategies": ["random"], **arguments})


SIX = bonas.spaces.get("nasbench201").sample(6, rng=1)
SMALL: dict[str, Any] = {"seeds": 2, "budget": 3, "initial": 2, "search": "val"}


def test_a_space_that_python_declares(in_folder: Path) -> None:
    # A file that only has the name of ours.
    Path("net.toml").write_text('name = "net"\nchoices = [{ name = "a", options = [1, 2, 3] }]\n')
    net = bonas.spaces.Choices("net", {"a": [1, 2], "b": [1, 2]}, rules=["a*b <= 2"])
    good = {"arch": ["a=1,b=1", "a=1,b=2", "a=2,b=1"], "val": [0.1, 0.2, 0.3]}
    found = bonas.compare(good, ["random"], space=net, **SMALL)
    assert found.summary["architectures"] == 3
    bad = {"arch": [*good["arch"], "a=2,b=2"], "val": [0.1, 0.2, 0.3, 0.4]}
    with pytest.raises(bonas.DataError, match=r"^row 4 of the table.*a\*b <= 2"):
        bonas.compare(bad, ["random"], space=net, path="ours", **SMALL)
    assert not Path("ours").exists()
    for _ in range(2):
        assert bonas.compare(good, ["random"], space=net, path="ours", **SMALL).results.equals(found.results)
    assert Path("ours/space.toml").read_text() == net.toml
    Path("table.csv").write_text("arch,val\n" + "".join(f'"a=1,b={b}",{b}\n' for b in (1, 2)))
    assert (
        bonas.compare("table.csv", ["random"], space=net, **SMALL | {"budget": 2}).summary["architectures"]
        == 2
    )
    other = bonas.spaces.Choices("net", {"a": [1, 2], "b": [1, 2, 3]})
    with pytest.raises(bonas.SettingError, match="in another space"):
        bonas.compare(good, ["random"], space=other, path="ours", **SMALL)
    file = bonas.spaces.from_file("net.toml")
    three = {"arch": ["a=1", "a=2", "a=3"], "val": [1, 2, 3]}
    assert bonas.compare(three, ["random"], space=file, **SMALL).summary["architectures"] == 3


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"arch": SIX, "val": [1.0] * 5}, "not of one length: `arch` has 6, `val` has 5"),
        ({"arch": SIX, "val": 5}, "column `val` of the table must be a list, not int"),
        ({"arch": SIX, "val": [1.0] * 6, 5: [1] * 6, "5": [1] * 6}, "two columns `5`"),
        (np.zeros((3, 2)), "path, not ndarray"),
        ({"arch": SIX, "val": [1.0] * 5 + [None]}, r'^row 6 .*\(table_settings=\{"missing": "skip"\}\)'),
        ({"arch": [*SIX, SIX[0]], "val": range(7)}, r"^row 7 of the table: .*; row 1 has"),
        ({"arch": SIX, "value": range(6)}, "^the table: unknown column `val`"),
    ],
)
def test_tables_that_are_none(table: Any, words: str) -> None:
    with pytest.raises(bonas.BonasError, match=words):
        bonas.compare(table, ["random"], space="nasbench201", **SMALL)


def test_columns_of_one_name() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame([[cell, 1, 2] for cell in SIX], columns=["arch", "val", "val"])
    with pytest.raises(bonas.DataError, match="two columns `val`"):
        bonas.compare(table, ["random"], space="nasbench201", **SMALL)


@pytest.mark.parametrize("arguments", [{"strategies": 5}, {"strategies": [5]}, {"path": 5}, {"threads": "x"}])
def test_arguments_of_the_wrong_type(arguments: dict[str, Any]) -> None:
    with pytest.raises(bonas.ArgumentTypeError, match=next(iter(arguments))):
        bonas.compare(**{"seeds": 2, "budget": 10, "strategies": ["random"], **arguments})


def test_a_missing_table_and_a_foreign_folder(in_folder: Path) -> None:
    with pytest.raises(bonas.BonasError, match=r"missing\.csv"):
        bonas.compare("missing.csv", ["random"], space="nasbench201", search="val")
    with pytest.raises(TypeError, match="DataFrame, a mapping of columns or a path, not int"):
        bonas.compare(3, ["random"], space="nasbench201", search="val")
    bonas.Study("nasbench201", path="study").close()
    with pytest.raises(bonas.PathError, match="is the folder of a search"):
        bonas.compare(strategies=["random"], seeds=2, budget=10, path="study")


def test_ctrl_c_ends_a_comparison_that_goes_on_later(in_folder: Path) -> None:
    program = textwrap.dedent("""
        import bonas
        print("begin", flush=True)
        try:
            bonas.compare(strategies=["bonas"], seeds=400, budget=60, path="c", threads=1)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begin\n"
    runs = Path("c/runs.jsonl")
    while not runs.exists() or runs.stat().st_size == 0:
        time.sleep(0.01)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert out == "interrupted\n" and process.returncode == 0
    assert time.monotonic() - begun < 10
    done = len(runs.read_text().splitlines())
    assert 0 < done < 400
    bonas.compare(strategies=["bonas"], seeds=done, budget=60, path="c")
