"""Studies: outcomes of all kinds, and functions that do what functions do."""

from __future__ import annotations

import logging
import pickle
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bonas
from conftest import score


def study(**settings: Any) -> bonas.Study:
    return bonas.Study("nasbench201", **{"strategy": "random", "budget": 10, **settings})


class Tensor:
    """Stands for a tensor of one number."""

    def __float__(self) -> float:
        return 0.25


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (1, 1.0),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64(0.1), 0.1),
        (np.int64(3), 3.0),
        (np.array(0.5), 0.5),
        (Tensor(), 0.25),
        ({"score": np.float32(0.5)}, 0.5),
        (-1e150, -1e150),
    ],
)
def test_scores(value: Any, expected: float) -> None:
    ours = study()
    trial = ours.ask()[0]
    ours.tell(trial, value)
    assert ours.evaluations[0].score == expected
    assert ours.best.architecture == trial.architecture


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "score NaN is not finite"),
        (float("inf"), "score inf is not finite"),
        (np.float32("nan"), "score NaN is not finite"),
        (1e200, "beyond"),
        (None, "the score is None"),
        ("0.5", "of type str"),
        (True, "of type bool"),
        ((0.5, 1.0), "of type tuple"),
        (np.zeros(2), "of type ndarray"),
        (1j, "of type complex"),
        (10**400, "too large a number"),
        ({"score": None}, "`score` is None"),
        ({"accuracy": 0.5}, "nothing reads `accuracy`"),
        ({}, "the result has no `score`"),
        ({1: 0.5}, "the name of a measure is 1"),
    ],
)
def test_what_is_no_score_is_a_failed_trial_with_its_reason(value: Any, words: str) -> None:
    ours = study()
    ours.optimize(lambda cell: value if len(ours.evaluations) == 1 else 0.5, 3)
    failed = ours.evaluations[1]
    assert failed.score is None
    assert failed.failed is not None and words in failed.failed
    assert [e.score for e in ours.evaluations] == [0.5, None, 0.5]
    with pytest.raises((bonas.TrialError, bonas.ArgumentTypeError)):
        ours.tell(ours.ask()[0], value)
    assert len(ours.evaluations) == 3
    with pytest.raises(bonas.TrialError, match="trial 4"):
        ours.optimize(lambda cell: value, on_failure="stop")
    assert len(ours.evaluations) == 3


def test_a_function_that_raises_is_a_failed_trial(caplog: pytest.LogCaptureFixture) -> None:
    ours = study()

    def flaky(cell: bonas.Architecture) -> float:
        if len(ours.evaluations) % 2:
            raise RuntimeError("out of\nmemory\x1b[0m")
        return 0.5

    with caplog.at_level(logging.WARNING, logger="bonas"):
        ours.optimize(flaky)
    assert [e.failed for e in ours.evaluations][:2] == [None, "RuntimeError: out of memory [0m"]
    assert len(ours.evaluations) == 10
    assert "Traceback" in caplog.text
    with pytest.raises(ZeroDivisionError):
        study().optimize(lambda cell: 1 / 0, on_failure="stop")


def test_an_exception_without_a_text_and_one_with_a_long_one() -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

    def fails(cell: bonas.Architecture) -> float:
        if len(ours.evaluations) == 1:
            raise Mute
        if len(ours.evaluations) == 2:
            raise ValueError("long " * 10_000)
        return 0.5

    ours = study()
    ours.optimize(fails, 4)
    reasons = [e.failed for e in ours.evaluations]
    assert reasons[:2] == [None, "Mute"] and reasons[3] is None
    assert reasons[2] is not None and reasons[2].startswith("ValueError: long") and len(reasons[2]) == 400


@pytest.mark.parametrize("budget", [None, 3])
def test_all_failed_is_a_warning(budget: int | None) -> None:
    with pytest.warns(bonas.BonasWarning, match="no trial has a score") as caught:
        study(budget=budget).optimize(lambda cell: float("nan"), 3)
    assert len(caught) == 1


def test_scores_beyond_the_limits_are_scores() -> None:
    def measured(cell: bonas.Architecture) -> dict[str, float]:
        return {"latency": 9.0, **({"score": 0.5} if len(ours.evaluations) else {})}

    ours = study(limits=["latency <= 3"], budget=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.optimize(measured)
    assert [e.score for e in ours.evaluations] == [None, 0.5, 0.5]


def test_a_number_is_the_measure_that_is_the_score(tmp_path: Path) -> None:
    ours = study(score="-loss", path=tmp_path / "a")
    ours.optimize(lambda cell: 2.0, 1)
    ours.close()
    with bonas.Study.open(tmp_path / "a") as again:
        again.optimize(lambda cell: 3.0, 1)
        again.tell(again.ask()[0], {"loss": 4.0, "epochs": 3})
        assert [e.score for e in again.evaluations] == [-2.0, -3.0, -4.0]


def test_what_nothing_reads_is_ignored_beside_a_score() -> None:
    ours = study(score="accuracy", limits=["latency <= 3"])
    trial = ours.ask()[0]
    ours.tell(trial, {"accuracy": 0.5, "latency": 1, "epochs": 3, "note": "text"})
    ours.optimize(lambda cell: {"accuracy": 0.5, "latency": 1, "loss": float("nan")}, 1)
    assert [e.score for e in ours.evaluations] == [0.5, 0.5]
    trial = ours.ask()[0]
    with pytest.raises(bonas.TrialError, match="has no `latency`"):
        ours.tell(trial, {"accuracy": 0.5, "latencey": 1})
    with pytest.raises(bonas.TrialError, match="nothing reads `acuracy`"):
        ours.tell(trial, {"acuracy": 0.5, "latency": 1})


def test_a_measure_called_like_a_column() -> None:
    pytest.importorskip("pandas")
    ours = study(limits=["batch <= 3"])
    ours.optimize(lambda cell: {"score": 0.5, "batch": 2.5}, 2)
    assert list(ours.history["measure.batch"]) == [2.5, 2.5]
    assert set(ours.history["batch"]) <= {0, 1}


def test_known_scores_are_finite() -> None:
    ours = study()
    cell = ours.space.sample(rng=1)
    assert ours.add_known([cell, cell], [0.5, 0.7]) == 1
    assert ours.best.score == 0.5
    with pytest.raises(bonas.DataError, match=r"y\[1\] is nan"):
        ours.add_known([ours.space.sample(rng=2), cell], [0.5, float("nan")])


def test_known_measures_are_judged() -> None:
    ours = study(strategy="nsga2", limits=["latency <= 3"], objective="-latency")
    cells = ours.space.sample(3, rng=1)
    with pytest.raises(bonas.DataError, match="measures lack 'latency'"):
        ours.add_known(cells, [0.1, 0.9, 0.5])
    with pytest.raises(bonas.DataError, match="nothing reads 'size'"):
        ours.add_known(cells, [0.1, 0.9, 0.5], {"latency": [1, 9, 2], "size": [1, 1, 1]})
    with pytest.raises(bonas.DataError, match="has 2 numbers for 3 architectures"):
        ours.add_known(cells, [0.1, 0.9, 0.5], {"latency": [1, 9]})
    assert ours.add_known(cells, [0.1, 0.9, 0.5], {"latency": [1, 9, 2]}) == 3
    assert ours.best.score == 0.5 and ours.best.measures == {"latency": 2.0, "-latency": -2.0}
    assert [e.feasible for e in ours.evaluations] == [True, False, True]


def test_all_failed_in_a_folder(tmp_path: Path) -> None:
    ours = study(path=tmp_path / "a", budget=3)
    with pytest.warns(bonas.BonasWarning, match="all 3 architectures failed: the score is None") as caught:
        ours.optimize(lambda cell: None)  # type: ignore[arg-type, return-value]
    assert len(caught) == 1
    assert ours.ended == "budget"
    with pytest.raises(bonas.NoScoreError):
        _ = ours.best
    assert issubclass(bonas.NoScoreError, LookupError)


def test_a_keyboard_interrupt_leaves_the_trial_pending() -> None:
    ours = study()

    def interrupted(cell: bonas.Architecture) -> float:
        if len(ours.evaluations) == 2:
            raise KeyboardInterrupt
        return 0.5

    for jobs in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            ours.optimize(interrupted, n_jobs=jobs)
        assert len(ours.evaluations) == 2
    ours.optimize(score, n_jobs=2)
    assert len(ours.evaluations) == 10


def test_what_the_user_asked_for_stays_the_users() -> None:
    ours = study()
    mine = ours.ask(2)
    ours.optimize(score, 3)
    assert [trial.id for trial in ours.pending] == [trial.id for trial in mine]
    ours.tell(mine[1].id, 0.5)
    ours.abandon(mine[0])
    assert len(ours.evaluations) == 4
    for trial, words in [(mine[1], "told before"), (mine[0], "abandoned"), (99, "never handed out")]:
        with pytest.raises(bonas.TrialError, match=words):
            ours.tell(trial, 0.5)
    with pytest.raises(bonas.ArgumentTypeError, match="tell a score, or failed="):
        ours.tell(mine[0])
    with pytest.raises(bonas.SettingError, match="at least 0"):
        ours.tell(-1, 0.5)


def test_a_function_may_use_the_study() -> None:
    ours = study()

    def curious(cell: bonas.Architecture) -> float:
        assert cell.key in {trial.architecture.key for trial in ours.pending}
        return len(ours.evaluations) / 10

    ours.optimize(curious, n_jobs=2)
    assert len(ours.evaluations) == 10


def test_jobs_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)

    def waits(cell: bonas.Architecture) -> float:
        together.wait()
        return score(cell)

    ours = study(strategy={"name": "random", "batch": 9}, budget=9)
    ours.optimize(waits, n_jobs=3)
    assert all(e.failed is None for e in ours.evaluations)


def test_two_calls_at_the_same_time_share_the_work() -> None:
    ours = study(budget=30)
    errors: list[BaseException] = []

    def call() -> None:
        try:
            ours.optimize(score)
        except BaseException as error:
            errors.append(error)

    calls = [threading.Thread(target=call) for _ in range(3)]
    for one in calls:
        one.start()
    for one in calls:
        one.join()
    assert errors == []
    assert len({e.architecture for e in ours.evaluations}) == len(ours.evaluations) == 30


def test_limits_and_objective() -> None:
    ours = study(
        strategy={"name": "bonas", "batch": 4, "initial": 4},
        budget=12,
        score="accuracy",
        limits=["latency <= 3"],
        objective="-latency",
    )

    def measured(cell: bonas.Architecture) -> dict[str, float]:
        return {"accuracy": score(cell), "latency": np.float32(cell.text.count("conv"))}

    ours.optimize(measured)
    assert ours.best.measures == {
        "latency": ours.best.measures["latency"],
        "-latency": -ours.best.measures["latency"],
    }
    assert ours.best.measures["latency"] <= 3
    assert {e.feasible for e in ours.evaluations} == {True, False}
    assert "latency" in ours.history.columns
    trial = study(limits=["latency <= 3"]).ask()[0]
    assert trial.id == 0
    with pytest.raises(bonas.SettingError, match="objective"):
        study(objective="-latency")
    with pytest.raises(bonas.SettingError, match="is no limit"):
        study(limits=["latency"])
    with pytest.raises(bonas.ArgumentTypeError, match="limits must be a list"):
        study(limits="latency <= 3")


def test_history_is_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    ours = study()
    assert list(ours.history.columns[:4]) == ["architecture", "key", "score", "failed"]
    assert len(ours.history) == 0
    ours.optimize(score)
    table = ours.history
    assert isinstance(table, pandas.DataFrame)
    assert len(table) == 10
    assert table.score.max() == ours.best.score
    assert table.architecture[0] == ours.evaluations[0].architecture.text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strategy": "bonsa"}, "did you mean `?bonas"),
        ({"strategy": {"name": "bonas", "bach": 4}}, "strategy.bach: .*did you mean `batch`"),
        ({"strategy": {"name": "bonas", "batch": "x"}}, "strategy.batch"),
        ({"strategy": {"batch": 4}}, "has no `name`"),
        ({"seed": -1}, "study.seed"),
        ({"seed": 2**63}, "out of range"),
        ({"budget": 0}, "budget: 0 is out of range"),
    ],
)
def test_settings_are_refused_by_name(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(bonas.SettingError, match=words) as caught:
        study(**settings)
    assert isinstance(caught.value, ValueError)


def test_arguments_of_the_wrong_type() -> None:
    with pytest.raises(bonas.SpaceError, match="did you mean `?nasbench201"):
        bonas.Study("nasbench210")
    with pytest.raises(TypeError, match="name of one, not int"):
        bonas.Study(3)  # type: ignore[arg-type]
    for arguments in (
        {"seed": None},
        {"strategy": 5},
        {"path": 5},
        {"path": b"a"},
        {"limits": 5},
        {"patience": "x"},
    ):
        with pytest.raises(bonas.ArgumentTypeError, match=f"{next(iter(arguments))} must be"):
            study(**arguments)
    ours = study(budget=None)
    with pytest.raises(bonas.ArgumentTypeError, match="failed must be a text"):
        ours.tell(0, failed=5)  # type: ignore[arg-type]
    with pytest.raises(bonas.ArgumentTypeError, match="X must be a list"):
        ours.add_known(5, [1])  # type: ignore[arg-type]
    for call in (lambda: ours.ask(10**30), lambda: ours.tell(10**30, 0.5), lambda: study(budget=10**30)):
        with pytest.raises(bonas.SettingError, match="out of range"):
            call()
    with pytest.raises(TypeError, match="function of an architecture"):
        ours.optimize(3, 5)  # type: ignore[arg-type]
    with pytest.raises(bonas.SettingError, match="give a number of trials"):
        ours.optimize(score)
    with pytest.raises(bonas.SettingError, match="at least 1"):
        ours.optimize(score, 3, n_jobs=0)
    with pytest.raises(TypeError, match="whole number, not float"):
        ours.ask(1.5)  # type: ignore[arg-type]
    with pytest.raises(bonas.SettingError, match="on_failure"):
        ours.optimize(score, 3, on_failure="skip")  # type: ignore[arg-type]


def test_a_small_space_is_exhausted_and_repr_says_where_it_is() -> None:
    ours = study(budget=None)
    assert repr(ours) == "<bonas.Study nasbench201, in memory: 0 told, 0 pending>"
    ours.optimize(score, np.int64(3), n_jobs=-1)
    assert repr(ours).endswith("3 told, 0 pending>")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(ours)


def test_a_bar_is_shown_if_it_is_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    study().optimize(score, progress=True)
    assert "10/10" in capfd.readouterr().err
    study().optimize(score)
    assert capfd.readouterr().err == ""
