"""Spaces and architectures."""

from __future__ import annotations

import doctest
import multiprocessing
import pickle
import random
import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import bonas


@pytest.mark.parametrize("name", bonas.spaces.names())
def test_every_space(name: str) -> None:
    space = bonas.spaces.get(name)
    assert repr(space).startswith(f'bonas.Space("{name}", ')
    assert space == pickle.loads(pickle.dumps(space)) and hash(space) == hash(bonas.spaces.get(name))
    first, second = space.sample(2, rng=1)
    assert first == space.sample(rng=1)
    assert first in space and "text" not in space
    assert space.size > 0 and isinstance(space.size_is_exact, bool)
    for architecture in (first, second):
        again = pickle.loads(pickle.dumps(architecture))
        assert again == architecture and hash(again) == hash(architecture)
        assert bonas.Architecture(space, architecture.text) == architecture
        assert space.parse(architecture.text).key == architecture.key
        assert all(neighbor in space for neighbor in architecture.neighbors()[:5])
        mutant = architecture.mutate(np.random.default_rng(1))
        assert mutant == architecture.mutate(np.random.default_rng(1))
        ElementTree.fromstring(architecture.svg())
        assert architecture._repr_svg_() == architecture.svg()
        if architecture.choices is not None:
            assert space.choice_counts is not None
            assert space.from_choices(architecture.choices) == architecture
            assert all(
                choice < count
                for choice, count in zip(architecture.choices, space.choice_counts, strict=True)
            )


def test_graphs() -> None:
    networkx = pytest.importorskip("networkx")
    cell = bonas.Architecture(
        "nasbench201", "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    )
    graph = cell.to_networkx()
    assert networkx.is_directed_acyclic_graph(graph)
    assert graph.nodes[0]["op"] == "input" and graph.nodes[3]["op"] == "output"
    assert graph.edges[0, 1, 0]["op"] == "nor_conv_3x3"
    assert graph.graph["key"] == cell.key
    both = bonas.spaces.get("darts").sample(rng=2).to_networkx()
    assert {name for name, _ in both.nodes} == {"normal", "reduction"}
    assert networkx.is_directed_acyclic_graph(both)


def test_isomorphic_ones_are_equal_and_those_of_other_spaces_are_not() -> None:
    cells = bonas.spaces.get("nasbench201").enumerate()
    by_key: dict[str, bonas.Architecture] = {}
    first, second = next((by_key[c.key], c) for c in cells if by_key.setdefault(c.key, c) is not c)
    assert len(set(cells)) == 6466
    assert first == second and first.text != second.text
    assert len({first, second}) == 1
    assert first != "text" and first is not None
    one, two = (bonas.spaces.get(f"nasbench1shot1-{i}").sample(rng=1) for i in (1, 2))
    assert one != two


def _key(architecture: bonas.Architecture) -> str:
    return architecture.key


def test_through_multiprocessing() -> None:
    cells = bonas.spaces.get("darts").sample(6, rng=3)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_key, cells) == [cell.key for cell in cells]


def test_random_arguments() -> None:
    space = bonas.spaces.get("darts")
    for make in (
        lambda: 7,
        lambda: np.int64(7),
        lambda: np.random.default_rng(7),
        lambda: np.random.RandomState(7),
        lambda: random.Random(7),
    ):
        assert space.sample(3, make()) == space.sample(3, make())
    generator = np.random.default_rng(7)
    assert space.sample(rng=generator) != space.sample(rng=generator)
    assert space.sample() != space.sample()
    assert space.sample(0) == []
    with pytest.raises(bonas.SettingError, match="out of range"):
        space.sample(rng=-1)
    with pytest.raises(TypeError, match="not str"):
        space.sample(rng="seed")  # type: ignore[arg-type]


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(bonas.SpaceError, match="cannot read"):
        bonas.Architecture("nasbench201", "nonsense")
    with pytest.raises(bonas.SpaceError, match="choices given, expected 6"):
        bonas.spaces.get("nasbench201").from_choices([1])
    with pytest.raises(ValueError, match="too many"):
        bonas.spaces.get("darts").enumerate()
    assert len(bonas.spaces.get("nasbench201").enumerate()) == 15625


def test_reprs() -> None:
    cell = bonas.spaces.get("nasbench201").sample(rng=1)
    assert eval(repr(cell), {"bonas": bonas}) == cell
    assert str(cell).startswith("cell\n  input")
    assert "nasbench201" in cell.space.notations or cell.space.notations
    assert cell.format(cell.space.notations[0]) == cell.text


@pytest.mark.parametrize("documented", [bonas.Architecture, bonas.Space.sample])
def test_examples_of_the_native_half(documented: object) -> None:
    text = documented.__doc__
    assert text is not None
    name = getattr(documented, "__name__", "example")
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_numbers_of_samples() -> None:
    space = bonas.spaces.get("nasbench201")
    assert space.sample(0) == []
    for n in (-1, 2**64):
        with pytest.raises(bonas.SettingError, match=f"n: {n} is out of range"):
            space.sample(n)
    with pytest.raises(bonas.SettingError, match=f"n: {2**62} architectures do not fit into memory"):
        space.sample(2**62)
    with pytest.raises(TypeError):
        space.sample(1.5)  # type: ignore[call-overload]


def test_a_pickled_list_holds_the_text_of_its_space_once() -> None:
    options = [f"option-{i}" for i in range(600)]
    space = bonas.spaces.Choices("many", {"a": options})
    cells = space.sample(50, rng=1)
    one, data = pickle.dumps(cells[0]), pickle.dumps(cells)
    assert pickle.loads(data) == cells and pickle.loads(one) == cells[0]
    assert pickle.loads(data)[0].space == space
    # By itself an architecture has the text, packed; in a list it adds its own text to it.
    assert len(one) < sum(map(len, options)) / 3
    assert len(data) < len(one) + 50 * 40


def test_other_threads_run_while_a_space_works() -> None:
    space = bonas.spaces.Cells("large", [f"op{i}" for i in range(20)], 24)
    cell, done = space.sample(rng=1), threading.Event()
    ticks: list[None] = []

    def tick() -> None:
        while not done.wait(0.001):
            ticks.append(None)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        assert len(cell.neighbors()) > 5000
        assert cell.mutate(rng=1) != cell
    finally:
        done.set()
        thread.join()
    assert len(ticks) > 3
