"""The search algorithm, with the real Ray on this machine."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bonas
from conftest import score

ray = pytest.importorskip("ray")

from ray import tune  # noqa: E402

from bonas.integrations.ray import BonasSearch, architecture  # noqa: E402

# Ray starts its workers by a command in which the path of Python has no quotes, and waits for them without end.
pytestmark = pytest.mark.skipif(
    any(character.isspace() for character in sys.executable),
    reason="Ray does not run from an environment whose path has blanks",
)

STRATEGY = {"name": "bonas", "batch": 4, "initial": 4}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def run(search: BonasSearch, function: Any, folder: Path, samples: int, at_once: int, **settings: Any) -> Any:
    tuner = tune.Tuner(
        function,
        param_space=settings.pop("param_space", {}),
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode=settings.pop("mode", "max"),
            search_alg=search,
            num_samples=samples,
            max_concurrent_trials=at_once,
        ),
        run_config=tune.RunConfig(storage_path=str(folder / "ray"), name="r", verbose=0),
    )
    return tuner.fit()


def test_concurrent_trials(cluster: None, tmp_path: Path) -> None:
    def train(config: dict[str, Any]) -> dict[str, float]:
        assert config["epochs"] == 3
        cell = architecture(config)
        if cell.text.startswith("|none"):
            raise RuntimeError("no input")
        return {"accuracy": -cell.text.count("nor_conv_3x3") / 6}

    search = BonasSearch("nasbench201", path=tmp_path / "a", strategy=STRATEGY)
    results = run(search, train, tmp_path, 10, 2, mode="min", param_space={"epochs": 3})
    assert len(results) == 10
    known = search.study.evaluations
    assert len({e.architecture.key for e in known}) == 10
    failed = [e for e in known if e.score is None]
    assert [e.failed for e in failed] == ["the trial ended with an error"] * results.num_errors
    assert {e.architecture.text.startswith("|none") for e in failed} <= {True}
    best = results.get_best_result()
    assert search.study.best.score == -best.metrics["accuracy"]
    assert architecture(best.config).key in {e.architecture.key for e in known}
    search.close()


def test_a_run_that_is_killed_is_restored(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        import ray
        from ray import tune
        from bonas.integrations.ray import BonasSearch, architecture

        folder = Path(sys.argv[1])

        def train(config):
            time.sleep(0.2)
            cell = architecture(config)
            return {"accuracy": cell.text.count("nor_conv_3x3") / 6 + int(cell.key[8:14], 16) / 0xFFFFFF / 10}

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        if sys.argv[2] == "begin":
            search = BonasSearch(
                "nasbench201", "accuracy", "max", path=folder / "a", strategy={"name": "bonas", "batch": 4, "initial": 4}
            )
            tuner = tune.Tuner(
                train,
                tune_config=tune.TuneConfig(search_alg=search, num_samples=8, max_concurrent_trials=2),
                run_config=tune.RunConfig(storage_path=str(folder / "ray"), name="r", verbose=0),
            )
        else:
            tuner = tune.Tuner.restore(str(folder / "ray" / "r"), trainable=train, restart_errored=True)
        results = tuner.fit()
        print("results", len(results), flush=True)
    """)
    (tmp_path / "program.py").write_text(program)
    arguments = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
    process = subprocess.Popen([*arguments, "begin"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "a" / "journal.jsonl"
    limit = time.monotonic() + 90
    while not (journal.exists() and journal.read_text().count('"told"') >= 3):
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.02)
    process.kill()
    process.wait()
    done = subprocess.run([*arguments, "go on"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "results 8" in done.stdout
    with bonas.Study.open(tmp_path / "a") as study:
        keys = [e.architecture.key for e in study.evaluations]
        assert len(set(keys)) == len(keys) >= 8
        assert all(e.score == pytest.approx(score(e.architecture)) for e in study.evaluations)


def test_budget_and_settings(tmp_path: Path) -> None:
    search = BonasSearch("nasbench201", "accuracy", "max", path=tmp_path / "a", strategy="random", budget=2)
    first, second = search.suggest("a"), search.suggest("b")
    assert isinstance(first, dict) and isinstance(second, dict)
    assert search.suggest("c") is None
    search.on_trial_complete("a", {"accuracy": 0.5})
    search.save(str(tmp_path / "state"))
    search.close()
    again = BonasSearch("nasbench201", "accuracy", "max", path=tmp_path / "a", strategy="random", budget=2)
    again.restore(str(tmp_path / "state"))
    again.on_trial_complete("b", {"accuracy": float("nan")})
    again.on_trial_complete("a", {"accuracy": 0.7})
    assert again.suggest("d") == BonasSearch.FINISHED
    assert [e.score for e in again.study.evaluations] == [0.5, None]
    again.close()
    with pytest.raises(bonas.SettingError, match="lr is to be searched"):
        again.set_search_properties("accuracy", "max", {"lr": tune.uniform(0, 1)})
    with pytest.raises(bonas.SettingError, match="lr is to be searched"):
        again.set_search_properties("accuracy", "max", {"lr": tune.grid_search([0, 1])})
    with pytest.raises(bonas.SettingError, match="space is set by BonasSearch"):
        again.set_search_properties("accuracy", "max", {"space": 3})
    with pytest.raises(bonas.SettingError, match="metric: give BonasSearch"):
        BonasSearch("nasbench201", path=tmp_path / "b").suggest("a")
    with pytest.raises(bonas.SpaceError, match="did you mean"):
        BonasSearch("nasbench210", path=tmp_path / "c")
