"""The package without the packages that it can use, and long calls that are interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

import pytest

import bonas
from conftest import score


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if only numpy were installed."""
    for name in ("pandas", "networkx", "tqdm", "tqdm.auto", "optuna", "ray"):
        monkeypatch.setitem(sys.modules, name, None)


def test_only_numpy_is_needed(alone: None) -> None:
    study = bonas.Study("nasbench201", "random", budget=4)
    study.optimize(score)
    assert isinstance(study.history, list)
    assert study.history[0]["score"] == study.evaluations[0].score
    table = {"arch": [e.architecture for e in study.evaluations], "val": [e.score for e in study.evaluations]}
    found = bonas.compare(table, ["random"], space="nasbench201", search="val", seeds=2, budget=3, initial=1)
    assert isinstance(found.results, list) and found.strategies[0]["label"] == "random"
    with pytest.raises(NotImplementedError, match="pip install networkx"):
        study.best.architecture.to_networkx()
    with pytest.raises(bonas.SettingError, match="pip install tqdm"):
        bonas.Study("nasbench201", "random", budget=1).optimize(score, progress=True)


def test_importing_the_package_imports_no_other() -> None:
    program = "import sys, bonas; print(sorted({'pandas', 'networkx', 'tqdm', 'optuna', 'ray', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ctrl_c_ends_a_long_fit_at_once() -> None:
    program = textwrap.dedent("""
        import time
        import bonas
        cells = bonas.spaces.get("darts").sample(1500, rng=1)
        scores = [int(cell.key[8:14], 16) for cell in cells]
        print("begin", flush=True)
        try:
            bonas.Surrogate("ensemble").fit(cells, scores)
            print("fitted", flush=True)
        except KeyboardInterrupt:
            print("interrupted", bonas.Surrogate("trees").fit(cells[:20], scores[:20]).fitted, flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begin\n"
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted True\n"
    assert time.monotonic() - begun < 3
    assert process.wait(timeout=20) == 0
