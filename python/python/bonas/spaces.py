"""Search spaces: built-in ones, those of a file, and those that are declared here.

>>> import bonas
>>> space = bonas.spaces.get("nasbench201")
>>> cell = space.sample(rng=1)
>>> cell in space, len(cell.neighbors()) <= 24
(True, True)
>>> net = bonas.spaces.Choices("net", {"blocks": [2, 3, 4], "width": [16, 32], "act": ["relu", "silu"]})
>>> net.size, net.choice_names
(12, ['blocks', 'width', 'act'])
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _bonas
from ._bonas import Space
from ._bonas import space_names as names
from ._errors import ArgumentTypeError, SettingError
from ._study import _path

__all__ = ["Cells", "Choices", "Space", "from_dict", "from_file", "get", "names"]


def get(name: str) -> Space:
    """Return a built-in space by its name; ``file:PATH`` is :func:`from_file`."""
    return _bonas.space(_text(name, "name"))


def from_file(path: str | os.PathLike[str]) -> Space:
    """Return the space that a file declares. Its text goes with the space, and with studies of it."""
    _path(path)
    # As it was given: studies know the space by it.
    return _bonas.space(f"file:{os.fspath(path)}")


def from_dict(name: str, keys: Mapping[str, Any]) -> Space:
    """Return the space that is declared by the keys of a space file."""
    if not isinstance(keys, Mapping):
        raise ArgumentTypeError(
            f"keys must be a mapping of the keys of a space file, not {type(keys).__name__}"
        )
    _refuse_sets(keys, "")
    return _bonas.declared_space(_text(name, "name"), {"name": name, **keys})


def Cells(  # noqa: N802
    name: str,
    operations: Iterable[str | Mapping[str, Any]],
    nodes: int,
    *,
    operations_on: str = "edges",
    cells: Iterable[str] = (),
    rules: Iterable[str] = (),
    cell: Mapping[str, Any] | None = None,
    **keys: Any,
) -> Space:
    """Return a space of cells: graphs with operations on their edges or nodes.

    Parameters
    ----------
    name
        What the space is called in studies and tables.
    operations
        Their names, or mappings with ``name`` and ``role`` (``compute``, ``identity`` or ``zero``), ``params``, ``macs``.
    nodes
        Nodes of a cell between inputs and output.
    operations_on
        ``"edges"`` or ``"nodes"``.
    cells
        Names of the cells of an architecture, if there are several.
    rules
        Conditions that every architecture keeps, such as ``"count(conv) >= 1"``.
    cell
        More keys of the cells, such as ``sources``, ``edges``, ``output`` and ``prune``.
    keys
        More keys of a space file, such as ``inputs``, ``same`` and ``network``.

    Examples
    --------
    >>> space = Cells("triangle", ["conv", "pool"], nodes=1, rules=["count(conv) >= 1"])
    >>> space.size
    7
    """
    if cell is not None and not isinstance(cell, Mapping):
        raise ArgumentTypeError(f"cell must be a mapping of the keys of a cell, not {type(cell).__name__}")
    described = {
        "operations_on": operations_on,
        "nodes": nodes,
        "names": _listed(cells, "cells"),
        **(cell or {}),
    }
    ops = [_operation(op) for op in _listed(operations, "operations")]
    return from_dict(
        name, {"operations": ops, "cells": [described], "rules": _listed(rules, "rules"), **keys}
    )


def Choices(  # noqa: N802
    name: str,
    choices: Mapping[str, Sequence[Any] | Mapping[str, Any]],
    *,
    rules: Iterable[str] = (),
    **keys: Any,
) -> Space:
    """Return a space of named choices.

    Parameters
    ----------
    name
        What the space is called in studies and tables.
    choices
        The options of each choice: a list of texts, numbers and truth values, a ``range``, or a mapping of the keys of a
        choice, such as ``{"options": [1, 2, 4], "ordinal": True, "if": "blocks >= 3"}``.
    rules
        Conditions that every architecture keeps, such as ``"blocks * width <= 64"``.
    keys
        More keys of a space file.

    Examples
    --------
    >>> space = Choices("net", {"blocks": range(2, 5), "width": [16, 32]}, rules=["blocks * width <= 96"])
    >>> space.size
    5
    """
    if not isinstance(choices, Mapping):
        raise ArgumentTypeError(
            f"choices must be a mapping of names to options, not {type(choices).__name__}"
        )
    described = [{"name": choice, **_choice(options)} for choice, options in choices.items()]
    return from_dict(name, {"choices": described, "rules": _listed(rules, "rules"), **keys})


def _choice(options: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(options, Mapping):
        return dict(options)
    if isinstance(options, range) and options:
        # The ends of a range are known without a walk through it.
        ends = sorted((options[0], options[-1]))
        return {"range": ends, "step": abs(options.step)}
    return {"options": _listed(options, "options")}


def _operation(op: object) -> dict[str, Any]:
    if isinstance(op, str):
        return {"name": op}
    if isinstance(op, Mapping):
        return dict(op)
    raise ArgumentTypeError(f"operations must be names or mappings, not {type(op).__name__}")


def _listed(values: Iterable[Any], name: str) -> list[Any]:
    if isinstance(values, str):
        raise ArgumentTypeError(f"{name} must be a list, not a text")
    if isinstance(values, Mapping):
        raise SettingError(f"{name}: a {type(values).__name__} is no list; give a list")
    _refuse_sets(values, name)
    try:
        return list(values)
    except TypeError:
        raise ArgumentTypeError(f"{name} must be a list, not {type(values).__name__}") from None


def _refuse_sets(value: object, name: str) -> None:
    """Refuse what has another order in each process: an architecture would be another one there."""
    if isinstance(value, (set, frozenset)):
        raise SettingError(f"{name}: a {type(value).__name__} has no stable order; give a list")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _refuse_sets(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_sets(inner, name)


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise ArgumentTypeError(f"{name} must be a text, not {type(value).__name__}")
