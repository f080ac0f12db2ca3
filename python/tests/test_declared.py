"""Spaces that are declared in a file or in Python."""

from __future__ import annotations

import json
import pickle
import resource
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import bonas
from bonas import spaces
from conftest import score
from test_folder import STRATEGY, TOLD, files

NET = """
name = "net"
choices = [
  { name = "blocks", options = [2, 3, 4], ordinal = true },
  { name = "width", options = [16, 32, 64] },
  { name = "act", options = ["relu", "silu"], if = "blocks >= 3" },
]
rules = ["blocks * width <= 200"]
"""
CHOICES = {
    "blocks": {"options": [2, 3, 4], "ordinal": True},
    "width": [16, 32, 64],
    "act": {"options": ["relu", "silu"], "if": "blocks >= 3"},
}


def value(cell: bonas.Architecture) -> float:
    return int(cell.key[8:14], 16) / 0xFFFFFF


def test_a_file_is_the_space_that_python_declares(in_folder: Path) -> None:
    Path("net.toml").write_text(NET)
    file = spaces.from_file("net.toml")
    ours = spaces.Choices("net", CHOICES, rules=["blocks * width <= 200"])
    assert file.name == ours.name == "net" and file.size == ours.size
    assert {a.key for a in file.enumerate()} == {a.key for a in ours.enumerate()}
    assert len({a.key for a in file.enumerate()}) == file.size
    assert file.choice_names == ["blocks", "width", "act"]
    assert spaces.get("file:net.toml") == file == spaces.from_file(Path("net.toml").absolute())
    # Texts that mean the same are one space; architectures of another are not mixed with its own.
    assert file == ours and file.toml != ours.toml
    bonas.Surrogate("trees").fit([file.sample(rng=1), ours.sample(rng=2)], [1, 2])
    other = spaces.Choices("net", CHOICES, rules=["blocks * width <= 100"])
    assert file != other
    with pytest.raises(bonas.SpaceError, match="is of space net, expected net"):
        bonas.Surrogate("trees").fit([file.sample(rng=1), other.sample(rng=1)], [1, 2])


def test_a_study_of_a_file_is_that_of_the_command(command: Callable[..., str], in_folder: Path) -> None:
    Path("net.toml").write_text(NET)
    Path("told.toml").write_text(TOLD.format(budget=8).replace('"nasbench201"', '"file:net.toml"'))
    command("search", "told.toml", "--out", "a")
    while trials := json.loads(command("ask", "a", "-n", 2, "--json"))["trials"]:
        for trial in trials:
            result = value(bonas.Architecture("file:net.toml", trial["architecture"]["text"]))
            command("tell", "a", trial["id"], f"--score={result!r}")
    ours = bonas.Study("file:net.toml", STRATEGY, 3, "b", budget=8)
    while asked := ours.ask(2):
        for one in asked:
            ours.tell(one, value(one.architecture))
    ours.close()
    assert files(Path("b")) == files(Path("a"))
    # The text is kept with the study.
    Path("net.toml").unlink()
    with bonas.Study.open("b") as again:
        assert again.space.name == "net" and len(again.evaluations) == 8


def test_what_python_declares_is_kept_with_a_study_and_pickled(
    command: Callable[..., str], in_folder: Path
) -> None:
    space = spaces.Cells("triangle", ["conv", "pool"], 1, rules=["count(conv) >= 1"])
    ours = bonas.Study(space, "random", path="a")
    ours.optimize(value, 7)
    assert ours.ended is None
    ours.optimize(value, 1)
    assert ours.ended == "exhausted"
    ours.close()
    assert "triangle" in command("runs", ".")
    with bonas.Study.open("a") as again:
        best = again.best.architecture
    assert best in space and pickle.loads(pickle.dumps(best)) == best
    shutil.copytree("a", "b")
    with pytest.raises(bonas.SettingError, match="of space.toml"):
        bonas.Study(spaces.Cells("triangle", ["conv", "pool"], 1), "random", path="b")
    assert space.toml is not None
    Path("t.toml").write_text(space.toml)
    assert spaces.from_file("t.toml").size == space.size


def test_surrogates_keep_the_space(tmp_path: Path) -> None:
    space = spaces.Choices("net", CHOICES)
    cells = space.enumerate()
    model = bonas.Surrogate("graph-gp").fit(cells[:8], [value(cell) for cell in cells[:8]])
    model.save(tmp_path / "m")
    again = bonas.Surrogate.load(tmp_path / "m")
    assert (again.predict(cells[8:]).median == model.predict(cells[8:]).median).all()


def test_optuna_takes_the_names_of_the_choices() -> None:
    optuna = pytest.importorskip("optuna")
    from bonas.integrations.optuna import BonasSampler

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = spaces.Choices("net", {"blocks": range(2, 5), "width": [16, 32, 64], "act": ["relu", "silu"]})
    sampler = BonasSampler(space, "random")

    def objective(trial: object) -> float:
        blocks = trial.suggest_int("blocks", 2, 4)  # type: ignore[attr-defined]
        width = trial.suggest_categorical("width", [16, 32, 64])  # type: ignore[attr-defined]
        act = trial.suggest_categorical("act", ["relu", "silu"])  # type: ignore[attr-defined]
        return float(blocks * width + (act == "silu"))

    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=18)
    assert study.best_value == 4 * 64 + 1
    assert sampler.study.best.architecture.text == "blocks=4,width=64,act=silu"
    assert len(sampler.study.evaluations) == 18


def test_the_configuration_of_a_ray_trial_declares_the_space(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from bonas.integrations.ray import BonasSearch, architecture

    space = spaces.Choices("net", CHOICES)
    search = BonasSearch(space, "accuracy", "max", path=tmp_path / "a", strategy="random")
    config = search.suggest("a")
    assert isinstance(config, dict) and architecture(json.loads(json.dumps(config))) in space
    search.close()


def test_known_scores_come_first() -> None:
    space = spaces.get("nasbench201")
    cells = list(dict.fromkeys(space.sample(12, rng=1)))
    study = bonas.Study(space, STRATEGY, budget=8)
    assert study.add_known([*cells, cells[0]], [score(cell) for cell in [*cells, cells[0]]]) == len(cells)
    study.optimize(score)
    assert len(study.evaluations) == len(cells) + 8
    assert len({e.architecture for e in study.evaluations}) == len(cells) + 8
    # What is known is learnt from at once: there is no random architecture first.
    assert study.evaluations[len(cells)].predicted is not None
    with pytest.raises(bonas.SettingError, match="import"):
        study.add_known(cells, [0.0] * len(cells))
    with pytest.raises(bonas.DataError, match="y has 1 numbers"):
        study.add_known(cells, [1])


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (
            lambda: spaces.Cells("t", ["conv"], 1, rules=["count(con) >= 1"]),
            "unknown operation `con`; did you mean `conv`",
        ),
        (lambda: spaces.Cells("t", ["conv", "conv"], 1), "conv"),
        (lambda: spaces.Choices("net", {"blocks": []}), r"choices\[0\]\.options: no options"),
        (lambda: spaces.Choices("net", {"blocks": {"optoins": [1]}}), "did you mean `options`"),
        (lambda: spaces.Choices("net", {"a": {"options": [1, 2], "if": "a == 1"}}), r"choices\[0\]"),
        (lambda: spaces.Choices("net", ["blocks"]), "must be a mapping of names"),  # type: ignore[arg-type]
        (lambda: spaces.Choices("net", {"blocks": "abc"}), "must be a list, not a text"),
        (lambda: spaces.from_file("missing.toml"), "there is no such file"),
        (lambda: spaces.from_dict("net", {"choises": []}), "did you mean `choices`"),
    ],
)
def test_declarations_that_are_wrong(declare: Callable[[], bonas.Space], words: str) -> None:
    with pytest.raises((bonas.SpaceError, bonas.ArgumentTypeError), match=words):
        declare()


def test_a_range_is_not_walked_through() -> None:
    begun = time.monotonic()
    with suppress(bonas.BonasError):
        spaces.Choices("net", {"a": range(0, 10**12, 10**11), "b": range(10**12)})
    assert time.monotonic() - begun < 2
    down = spaces.Choices("net", {"a": range(9, 0, -4)})
    assert [cell.text for cell in down.enumerate()] == ["a=1", "a=5", "a=9"]


@pytest.mark.parametrize(
    "declare",
    [
        lambda: spaces.Choices("net", {"a": {1, 2}}),
        lambda: spaces.Choices("net", {"a": frozenset(["x", "y"])}),
        lambda: spaces.Choices("net", {"a": {"options": {1, 2}}}),
        lambda: spaces.Cells("net", {"a", "b"}, 1),
        lambda: spaces.Cells("net", {"a": {}, "b": {}}, 1),
        lambda: spaces.from_dict("net", {"choices": [{"name": "a", "options": {1, 2}}]}),
    ],
)
def test_a_set_has_no_order(declare: Callable[[], bonas.Space]) -> None:
    with pytest.raises(bonas.SettingError, match="give a list"):
        declare()


@pytest.mark.parametrize(
    "declare",
    [
        lambda: spaces.get(5),
        lambda: spaces.from_file(5),
        lambda: spaces.from_dict("net", 5),
        lambda: spaces.Choices(5, {"a": [1, 2]}),
        lambda: spaces.Choices("net", {"a": 5}),
        lambda: spaces.Choices("net", {"a": [1, 2]}, rules=5),
        lambda: spaces.Cells("net", 5, 1),
        lambda: spaces.Cells("net", [5], 1),
        lambda: spaces.Cells("net", ["a"], 1, cell=5),
    ],
)
def test_declarations_of_the_wrong_type(declare: Callable[[], bonas.Space]) -> None:
    with pytest.raises(bonas.ArgumentTypeError, match="must be"):
        declare()


def test_architectures_share_their_space(in_folder: Path) -> None:
    Path("net.toml").write_text(NET + "# long\n" * 20_000)
    space = spaces.from_file("net.toml")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    drawn = space.sample(5_000, rng=1)
    again = [pickle.loads(pickle.dumps(cell)) for cell in drawn[:500]]
    assert again == drawn[:500] and again[0].space == space
    # Each with a text of its own they would take 700 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    # A comment is no change: the space is what its file means.
    Path("net.toml").write_text("# short\n" + NET)
    same = spaces.from_file("net.toml")
    assert same == space and hash(same) == hash(space) and same.parse(again[0].text) == again[0]
    Path("net.toml").write_text(NET.replace("200", "199"))
    changed = spaces.from_file("net.toml")
    assert changed != space and changed.parse(again[0].text) != again[0]


def test_many_spaces_of_one_name() -> None:
    made = [spaces.Choices("net", {"a": list(range(2, 4 + i)), "b": [1, 2]}) for i in range(20)]
    for space in made + made[::-1]:
        cell = space.sample(rng=1)
        again = pickle.loads(pickle.dumps(cell))
        assert (again, again.space, again.space.size) == (cell, space, space.size)
