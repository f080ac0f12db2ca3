"""Surrogates and metrics."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bonas
from bonas import metrics
from conftest import score

# Different ones.
CELLS = list(dict.fromkeys(bonas.spaces.get("nasbench201").sample(120, rng=5)))[:90]
SCORES = np.array([score(cell) for cell in CELLS])


@pytest.mark.parametrize("name", bonas.surrogates.names())
def test_every_surrogate_ranks_and_is_kept(name: str, tmp_path: Path) -> None:
    model = bonas.Surrogate(name).fit(CELLS[:60], SCORES[:60])
    posterior = model.predict(CELLS[60:])
    assert len(posterior) == 30
    for values in (posterior.mean, posterior.median, posterior.std):
        assert values.shape == (30,) and values.dtype == np.float64 and np.isfinite(values).all()
    assert metrics.kendall_tau_b(posterior.median, SCORES[60:]) > 0.4
    quantiles = posterior.quantiles([0.1, 0.5, 0.9])
    assert quantiles.shape == (30, 3)
    assert (np.diff(quantiles) >= 0).all()
    assert (quantiles[:, 1] == posterior.median).all()
    draws = posterior.samples(400, rng=1)
    assert draws.shape == (400, 30)
    assert (draws == posterior.samples(400, rng=1)).all()
    assert np.abs(draws.mean(0) - posterior.mean).max() < 6 * posterior.std.max() / 20 + 1e-9
    path = tmp_path / "model.bonas"
    model.save(path)
    for again in (bonas.Surrogate.load(path), pickle.loads(pickle.dumps(model))):
        assert again.name == name
        assert (again.predict(CELLS[60:]).median == posterior.median).all()


def test_joint_draws() -> None:
    model = bonas.Surrogate("graph-gp").fit(CELLS[:30], SCORES[:30])
    draws = model.predict([CELLS[40], CELLS[40], CELLS[41]]).samples(300, rng=1, joint=True)
    assert draws.shape == (300, 3)
    assert np.corrcoef(draws[:, 0], draws[:, 1])[0, 1] > 0.9
    with pytest.raises(
        NotImplementedError, match="no joint posterior; take joint=False, or one of .*graph-gp"
    ):
        bonas.Surrogate("trees").fit(CELLS[:30], SCORES[:30]).predict(CELLS[30:33]).samples(2, joint=True)


def test_what_is_saved_here_the_command_ranks_and_the_other_way_round(
    command: Callable[..., str], in_folder: Path
) -> None:
    bonas.Surrogate("trees", seed=1).fit(CELLS[:60], SCORES[:60]).save("ours.bonas")
    Path("list.txt").write_text("\n".join(cell.text for cell in CELLS[60:]) + "\n")
    command("rank", "--model", "ours.bonas", "--candidates", "list.txt", "--out", "ranked.csv")
    lines = Path("ranked.csv").read_text().splitlines()
    assert len(lines) == 31
    rows = "\n".join(
        f'"{cell.text}",{value!r}' for cell, value in zip(CELLS[:60], SCORES[:60].tolist(), strict=True)
    )
    Path("table.csv").write_text("arch,score\n" + rows + "\n")
    source = ("--table", "table.csv", "--space", "nasbench201", "--train-on", "score")
    command("fit", *source, "--surrogate", "trees", "--out", "theirs.bonas")
    theirs = bonas.Surrogate.load("theirs.bonas").predict(CELLS[60:])
    assert metrics.kendall_tau_b(theirs.median, SCORES[60:]) > 0.5


def test_features_beside_the_graph(tmp_path: Path) -> None:
    latency = np.random.default_rng(3).random(90)
    model = bonas.Surrogate("graph-gp").fit(CELLS[:60], latency[:60], features=latency[:60])
    posterior = model.predict(CELLS[60:], features=latency[60:, None])
    assert metrics.kendall_tau_b(posterior.median, latency[60:]) > 0.8
    without = bonas.Surrogate("graph-gp").fit(CELLS[:60], latency[:60])
    assert abs(metrics.kendall_tau_b(without.predict(CELLS[60:]).median, latency[60:])) < 0.5
    model.save(tmp_path / "m")
    loaded = bonas.Surrogate.load(tmp_path / "m")
    with pytest.raises(bonas.DataError, match="has no features; the model was fitted with some"):
        loaded.predict(CELLS[60:])
    assert (loaded.predict(CELLS[60:], features=latency[60:]).median == posterior.median).all()
    with pytest.raises(bonas.DataError, match="row 0 has 2 features, expected 1"):
        loaded.predict(CELLS[:1], features=np.ones((1, 2)))
    with pytest.raises(bonas.DataError, match="fitted without any"):
        without.predict(CELLS[:1], features=[1.0])
    with pytest.raises(bonas.SettingError, match="takes none"):
        bonas.Surrogate("trees").fit(CELLS[:60], latency[:60], features=latency[:60])
    with pytest.raises(bonas.DataError, match="not a finite number"):
        bonas.Surrogate("graph-gp").fit(CELLS[:3], [1, 2, 3], features=[1.0, np.nan, 2.0])


def test_features_as_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": SCORES, "b": SCORES[::-1].astype(np.float32)})
    model = bonas.Surrogate("graph-gp").fit(pandas.Series(CELLS[:40]), table.a[:40], features=table[:40])
    assert len(model.predict(CELLS[40:50], features=table[40:50])) == 10


def test_arrays_of_all_kinds_give_the_same() -> None:
    expected = bonas.Surrogate("trees").fit(CELLS[:40], SCORES[:40]).predict(CELLS[40:50]).median
    two = np.stack([SCORES[:40], np.zeros(40)], axis=1)
    assert not two[:, 0].flags.contiguous
    for y in (SCORES[:40].tolist(), two[:, 0], SCORES[:40, None], np.asfortranarray(SCORES[:40])):
        assert (
            bonas.Surrogate("trees").fit(tuple(CELLS[:40]), y).predict(CELLS[40:50]).median == expected
        ).all()
    single = bonas.Surrogate("trees").fit(CELLS[:40], SCORES[:40].astype(np.float32)).predict(CELLS[40:50])
    assert single.median == pytest.approx(expected, abs=1e-6)
    texts = [cell.text for cell in CELLS[:40]]
    assert (
        bonas.Surrogate("trees", space="nasbench201").fit(texts, SCORES[:40]).predict(CELLS[40:50]).median
        == expected
    ).all()


@pytest.mark.parametrize(
    ("x", "y", "settings", "error", "words"),
    [
        ([], [], {}, bonas.DataError, "X is empty"),
        (CELLS[:3], [1, 2], {}, bonas.DataError, "y has 2 numbers for 3 architectures"),
        (CELLS[:3], [1, np.nan, 2], {}, bonas.DataError, "score of observation 1 is NaN"),
        (CELLS[:3], [1, np.inf, 2], {}, bonas.DataError, "is inf"),
        (CELLS[:3], [1, 2, 3], {"noise": [1, -1, 0]}, bonas.DataError, "noise of observation 1 is -1"),
        (CELLS[:3], [1, 2, 3], {"noise": [1]}, bonas.DataError, "noise has 1 numbers"),
        (CELLS[:3], ["a", "b", "c"], {}, bonas.DataError, "y cannot be read as numbers"),
        (CELLS[:3], np.zeros((3, 2)), {}, bonas.DataError, "y has 2 dimensions"),
        (CELLS[:3], [1, 2, 3], {"features": np.zeros((2, 1))}, bonas.DataError, "2 rows of features for 3"),
        (
            [*CELLS[:2], bonas.spaces.get("darts").sample(rng=1)],
            [1, 2, 3],
            {},
            bonas.SpaceError,
            "X is of space darts",
        ),
        (["text"], [1], {}, bonas.ArgumentTypeError, "say with space="),
        ([3], [1], {}, bonas.ArgumentTypeError, r"X\[0\] must be an Architecture or a text, not int"),
        (CELLS[0], [1], {}, bonas.ArgumentTypeError, "must be a list"),
    ],
)
def test_data_that_cannot_be_used(
    x: Any, y: Any, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        bonas.Surrogate("graph-gp").fit(x, y, **settings)


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(bonas.SettingError, match="did you mean `?graph-gp"):
        bonas.Surrogate("graph-pg").fit(CELLS[:3], SCORES[:3])
    with pytest.raises(bonas.SettingError, match="prior: "):
        bonas.Surrogate(prior="mac").fit(CELLS[:3], SCORES[:3])
    with pytest.raises(bonas.DataError, match="not fitted"):
        bonas.Surrogate().predict(CELLS)
    fitted = bonas.Surrogate("trees").fit(CELLS[:3], SCORES[:3])
    with pytest.raises(bonas.SpaceError, match="of space darts, expected nasbench201"):
        fitted.predict([bonas.spaces.get("darts").sample(rng=1)])
    assert len(fitted.predict([])) == 0
    assert fitted.predict([]).quantiles([0.5, 0.9]).shape == (0, 2)
    assert fitted.predict([]).samples(3).shape == (3, 0)
    joint = bonas.Surrogate("graph-gp").fit(CELLS[:3], SCORES[:3])
    assert joint.predict([]).samples(2, joint=True).shape == (2, 0)
    for count in (10**12, 2**62):
        for together in (False, True):
            with pytest.raises(
                bonas.SettingError, match=f"count: {count} draws of 2 architectures do not fit"
            ):
                joint.predict(CELLS[:2]).samples(count, joint=together)
    for count in (-1, -(2**70), 2**64 - 1, 2**64):
        with pytest.raises(bonas.SettingError, match="^count: "):
            joint.predict(CELLS[:2]).samples(count)
    with pytest.raises(bonas.SettingError, match="between 0 and 1"):
        fitted.predict(CELLS[:2]).quantiles([1.0])
    (tmp_path / "no").write_bytes(b"nothing")
    with pytest.raises(bonas.DataError, match="cannot load"):
        bonas.Surrogate.load(tmp_path / "no")
    with pytest.raises(OSError, match="missing"):
        bonas.Surrogate.load(tmp_path / "missing")
    with pytest.raises(OSError, match="missing"):
        fitted.save(tmp_path / "missing" / "m")


def test_other_threads_run_while_a_surrogate_is_fitted() -> None:
    cells = bonas.spaces.get("darts").sample(300, rng=1)
    ticks, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    ticking = threading.Thread(target=count)
    ticking.start()
    begun = time.monotonic()
    bonas.Surrogate("graph-gp").fit(cells, [score(cell) for cell in cells])
    seconds = time.monotonic() - begun
    stop.set()
    ticking.join()
    assert ticks[0] > 100 * seconds, f"{ticks[0]} ticks in {seconds} s"


def test_calibration() -> None:
    posterior = bonas.Surrogate("graph-gp").fit(CELLS[:60], SCORES[:60]).predict(CELLS[60:])
    assert 0.5 <= posterior.coverage(SCORES[60:], 0.9) <= 1
    assert np.isfinite(posterior.negative_log_likelihood(SCORES[60:]))
    with pytest.raises(bonas.DataError, match="2 numbers for 30"):
        posterior.coverage([1, 2])


def test_metrics() -> None:
    x, y = [1, 2, 2, 3, 5, np.float32(4)], [1, 3, 2, 2, 4, 6]
    # By hand: 15 pairs, 1 tied in each, 11 in order, 2 not.
    assert metrics.kendall_tau_b(x, y) == pytest.approx(9 / 14)
    assert metrics.spearman([1, 2, 3], [1, 4, 9]) == 1
    assert np.isnan(metrics.kendall_tau_b([1, 1, 1], [1, 2, 3]))
    assert np.isnan(metrics.kendall_tau_b([], []))
    assert metrics.n_at_k([3, 2, 1], [0.1, 0.2, 0.3], 1) == 3
    assert metrics.precision_at_top([1, 2, 3, 4], [1, 2, 4, 3], 0.5) == 1
    for call, words in [
        (lambda: metrics.spearman([1, 2], [1]), "x has 2 numbers, y 1"),
        (lambda: metrics.spearman([1, np.nan], [1, 2]), "x has NaN at 1"),
        (lambda: metrics.n_at_k([1, 2], [1, 2], 0), "at least 1"),
        (lambda: metrics.n_at_k([], [], 1), "at least 2"),
        (lambda: metrics.precision_at_top([1, 2], [1, 2], 2), "at most 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


def test_kendall_as_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(1)
    for n in (2, 5, 50, 500):
        x, y = generator.integers(0, 9, n), generator.integers(0, 9, n)
        assert metrics.kendall_tau_b(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, nan_ok=True)


def test_arguments_of_the_wrong_type() -> None:
    for arguments in ({"name": 5}, {"prior": 5}, {"space": 5}):
        with pytest.raises(bonas.ArgumentTypeError, match=f"{next(iter(arguments))} must be"):
            bonas.Surrogate(**arguments)  # type: ignore[arg-type]
    cells = bonas.spaces.get("nasbench201").sample(12, rng=1)
    model = bonas.Surrogate("trees").fit(cells, range(12))
    posterior = model.predict(cells[:4])
    assert (posterior.quantiles(0.5) == posterior.quantiles([0.5])).all()
    wrong = (
        lambda: posterior.quantiles("x"),
        lambda: posterior.samples(-1),
        lambda: posterior.samples(10**30),
        lambda: posterior.samples(1.5),
        lambda: posterior.coverage([1] * 4, "x"),
        lambda: model.save(5),
        lambda: bonas.Surrogate.load(5),
        lambda: bonas.metrics.n_at_k([1, 2], [1, 2], 10**30),
        lambda: bonas.metrics.n_at_k([1, 2], [1, 2], "x"),
        lambda: bonas.metrics.precision_at_top([1, 2], [1, 2], "x"),
    )
    for call in wrong:
        with pytest.raises(bonas.BonasError):
            call()


def test_what_is_loaded_does_not_say_how_it_was_fitted(tmp_path: Path) -> None:
    cells = bonas.spaces.get("nasbench201").sample(12, rng=1)
    bonas.Surrogate("trees", prior="none", seed=7).fit(cells, range(12)).save(tmp_path / "m")
    loaded = bonas.Surrogate.load(tmp_path / "m")
    assert loaded.prior is None and loaded.seed is None
    with pytest.raises(bonas.SettingError, match="set them"):
        loaded.fit(cells, range(12))
    loaded.prior, loaded.seed = "none", 7
    assert loaded.fit(cells, range(12)).fitted


def test_features_are_those_of_a_call() -> None:
    latency = np.arange(90.0) % 37
    model = bonas.Surrogate("graph-gp").fit(CELLS[:60], latency[:60], features=latency[:60])
    low, high = (model.predict(CELLS[60:61], features=[[number]]) for number in (1.0, 30.0))
    assert low.median[0] + 10 < high.median[0]
    # Draws are of the features of their own call.
    assert low.samples(200, rng=1, joint=True).mean() + 10 < high.samples(200, rng=1, joint=True).mean()
    with pytest.raises(bonas.DataError, match="row 1 of the features has NaN"):
        model.predict(CELLS[60:62], features=[[2.0], [np.nan]])
    with pytest.raises(bonas.DataError, match="has no features"):
        model.predict(CELLS[60:61])
    with pytest.raises(bonas.DataError, match="and had"):
        model.predict(CELLS[:1], features=[[latency[0] + 1]])


def test_acquisitions_give_utilities() -> None:
    posterior = bonas.Surrogate("graph-gp").fit(CELLS[:40], SCORES[:40]).predict(CELLS[40:60])
    assert bonas.surrogates.acquisitions()[:2] == ["ei", "log-ei"]
    best = float(SCORES[:40].max())
    for name in bonas.surrogates.acquisitions():
        utilities = posterior.utilities(name, best, rng=1)
        assert utilities.shape == (20,) and not np.isnan(utilities).any()
        assert (utilities == posterior.utilities(name, best, rng=1)).all()
    assert (posterior.utilities("ei", best) >= 0).all()
    assert (posterior.utilities("median") == posterior.median).all()
    low, high = (posterior.utilities("ucb", gamma=gamma) for gamma in (0.0, 2.0))
    assert (high > low).all()
    with pytest.raises(bonas.SettingError, match="did you mean"):
        posterior.utilities("log-e")
    with pytest.raises(bonas.SettingError, match="incumbent: nan is not finite"):
        posterior.utilities("ei", float("nan"))


def test_bootstrap_intervals() -> None:
    values = np.arange(100.0)
    found = metrics.bootstrap(lambda drawn: values[drawn].mean(), 100, rng=1)
    # The mean of 0..99 has a standard error of 2.89.
    assert found.estimate == 49.5 and 42.5 < found.low < 45.5 and 53.5 < found.high < 56.5
    assert found == metrics.bootstrap(lambda drawn: values[drawn].mean(), 100, rng=1)
    assert np.isnan(metrics.bootstrap(lambda drawn: float("nan"), 5)).all()

    def broken(drawn: Any) -> float:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        metrics.bootstrap(broken, 5)
    with pytest.raises(bonas.SettingError, match="level"):
        metrics.bootstrap(lambda drawn: 1.0, 5, level=1.0)
