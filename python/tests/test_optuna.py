"""The sampler, with the real Optuna."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import bonas
from bonas.integrations.optuna import BonasSampler
from conftest import score

optuna = pytest.importorskip("optuna")
optuna.logging.set_verbosity(optuna.logging.WARNING)

OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
SPACE = bonas.spaces.get("nasbench201")
STRATEGY = {"name": "bonas", "batch": 4, "initial": 4}


def study(sampler: BonasSampler, direction: str = "maximize", **settings: Any) -> Any:
    return optuna.create_study(direction=direction, sampler=sampler, **settings)


def test_define_by_run_has_the_history_of_a_study() -> None:
    sampler = BonasSampler(SPACE, STRATEGY, 3, names=[f"edge{i}" for i in range(6)])
    options = SPACE.choice_counts
    assert options == [5] * 6

    def objective(trial: Any) -> float:
        # In any order, and by values of any kind.
        chosen = [trial.suggest_categorical(f"edge{i}", OPS) for i in reversed(range(6))][::-1]
        return score(SPACE.from_choices([OPS.index(op) for op in chosen]))

    ours = study(sampler)
    ours.optimize(objective, n_trials=12)
    expected = bonas.Study(SPACE, STRATEGY, 3)
    expected.optimize(score, 12)
    assert [e.architecture for e in sampler.study.evaluations] == [
        e.architecture for e in expected.evaluations
    ]
    assert [t.value for t in ours.trials] == [e.score for e in expected.evaluations]
    assert ours.best_value == expected.best.score


def test_minimise_fail_and_prune() -> None:
    sampler = BonasSampler("nasbench201", STRATEGY)

    def objective(trial: Any) -> float:
        cell = sampler.suggest(trial)
        if trial.number == 1:
            raise ValueError
        if trial.number == 2:
            raise optuna.TrialPruned
        if trial.number == 3:
            return float("nan")
        return -score(cell)

    ours = study(sampler, "minimize")
    ours.optimize(objective, n_trials=16, catch=(ValueError,))
    known = sampler.study.evaluations
    assert [e.failed for e in known[:5]] == [None, "the trial failed", "pruned", "the trial failed", None]
    assert sampler.study.best.score == -ours.best_value
    assert max(e.score for e in known[8:] if e.score is not None) > (known[0].score or 0)


def test_values_that_are_no_scores_are_failures() -> None:
    sampler = BonasSampler(SPACE, STRATEGY)
    values = [0.5, float("inf"), -1e200, 0.7]

    def objective(trial: Any) -> float:
        sampler.suggest(trial)
        return values[trial.number]

    ours = study(sampler)
    ours.optimize(objective, n_trials=4)
    assert [t.value for t in ours.trials] == values
    known = sampler.study.evaluations
    assert [e.score for e in known] == [0.5, None, None, 0.7]
    assert known[1].failed == "score inf is not finite"
    # As first observations of another sampler they are left out.
    ours.sampler = later = BonasSampler(SPACE, STRATEGY)
    ours.optimize(lambda trial: score(later.suggest(trial)), n_trials=1)
    assert len(later.study.evaluations) == 3


def test_a_sampler_is_of_one_study() -> None:
    sampler = BonasSampler(SPACE, STRATEGY)
    first, second = study(sampler), study(sampler)
    trial = first.ask()
    sampler.suggest(trial)
    with pytest.raises(bonas.SettingError, match="make another BonasSampler"):
        second.ask()
    first.tell(trial, 0.5)
    assert [e.score for e in sampler.study.evaluations] == [0.5]


def test_trials_on_threads() -> None:
    sampler = BonasSampler("nasbench201", "random")
    together = threading.Barrier(2, timeout=20)

    def objective(trial: Any) -> float:
        cell = sampler.suggest(trial)
        together.wait()
        return score(cell)

    ours = study(sampler)
    ours.optimize(objective, n_trials=8, n_jobs=2)
    assert len({sampler.study.space.from_choices(list(t.params.values())).key for t in ours.trials}) == 8
    assert len(sampler.study.evaluations) == 8


def test_a_stored_study_goes_on(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/optuna.db"

    def objective(trial: Any) -> float:
        return score(SPACE.from_choices([trial.suggest_int(f"choice{i}", 0, 4) for i in range(6)]))

    first = optuna.create_study(
        direction="maximize", storage=storage, study_name="s", sampler=optuna.samplers.RandomSampler(seed=1)
    )
    first.optimize(objective, n_trials=6)
    sampler = BonasSampler(SPACE, STRATEGY)
    again = optuna.load_study(storage=storage, study_name="s", sampler=sampler)
    again.optimize(objective, n_trials=4)
    known = [e.architecture.key for e in sampler.study.evaluations]
    assert len(known) == len(set(known)) == len({t.value for t in again.trials})
    assert sampler.study.best.score == again.best_value


def test_a_folder_goes_on(tmp_path: Path) -> None:
    sampler = BonasSampler(SPACE, STRATEGY, path=tmp_path / "a")
    ours = study(sampler)
    ours.optimize(lambda trial: score(sampler.suggest(trial)), n_trials=3)
    # A trial that is never told, as that of a process that was killed.
    trial = ours.ask()
    lost = sampler.suggest(trial)
    sampler.study.close()
    later = BonasSampler(SPACE, STRATEGY, path=tmp_path / "a")
    study(later).optimize(lambda trial: score(later.suggest(trial)), n_trials=2)
    assert [e.architecture for e in later.study.evaluations][3] == lost
    assert len(later.study.evaluations) == 5


@pytest.mark.parametrize(
    ("suggest", "words"),
    [
        (
            lambda t: t.suggest_float("choice0", 0, 1),
            "a categorical or a whole number, not FloatDistribution",
        ),
        (lambda t: t.suggest_int("choice0", 1, 8, log=True), "not IntDistribution"),
        (lambda t: t.suggest_int("choice0", 0, 5), "has 6 values, and the choice has 5 options"),
        (lambda t: t.suggest_categorical("choice0", OPS[:4]), "has 4 values"),
        (
            lambda t: t.suggest_float("lr", 0, 1),
            "'lr' is no choice of space nasbench201; its choices are choice0",
        ),
        (lambda t: t.suggest_int("choice0", 0, 4), "suggested no choice1, choice2"),
    ],
)
def test_what_does_not_fit_is_refused(suggest: Any, words: str) -> None:
    def objective(trial: Any) -> float:
        suggest(trial)
        return 0.5

    with pytest.raises(bonas.SettingError, match=words):
        study(BonasSampler(SPACE, STRATEGY)).optimize(objective, n_trials=1)


def test_enqueued_trials() -> None:
    sampler = BonasSampler(SPACE, STRATEGY)
    ours = study(sampler)
    ours.enqueue_trial({f"choice{i}": 3 for i in range(6)})
    ours.optimize(lambda trial: score(sampler.suggest(trial)), n_trials=3)
    assert len(sampler.study.evaluations) == 3 and len(ours.trials) == 3
    # One choice by hand: sooner or later it is another than the sampler's.
    for _ in range(40):
        ours.enqueue_trial({"choice0": 3})
    with pytest.raises(bonas.SettingError, match="set by hand"):
        ours.optimize(lambda trial: score(sampler.suggest(trial)), n_trials=40)


def test_spaces_and_studies_that_do_not_fit() -> None:
    with pytest.raises(bonas.SpaceError, match="not one of independent choices"):
        BonasSampler("mnasnet")
    with pytest.raises(bonas.SettingError, match="expected 6 different names"):
        BonasSampler(SPACE, names=["a"] * 6)
    with pytest.raises(ValueError, match="multi-objective"):
        optuna.create_study(directions=["minimize", "maximize"], sampler=BonasSampler(SPACE)).optimize(
            lambda trial: (0.0, 0.0), n_trials=1
        )
