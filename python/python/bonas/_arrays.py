"""Arguments as arrays and lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._bonas import Architecture, Space
from ._errors import ArgumentTypeError, DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
else:
    ArrayLike = Any

Floats: TypeAlias = NDArray[np.float64]


def vector(values: ArrayLike, name: str) -> Floats:
    """Return numbers as a contiguous array `[n]`; a column `[n, 1]` is one, too."""
    array = _floats(values, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{name} has {array.ndim} dimensions, expected one number for each architecture")
    return np.ascontiguousarray(array)


def matrix(values: ArrayLike, name: str) -> Floats:
    """Return numbers as a contiguous array `[n, d]`; a vector is one column."""
    array = _floats(values, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise DataError(f"{name} has {array.ndim} dimensions, expected a row for each architecture")
    return np.ascontiguousarray(array)


def _floats(values: ArrayLike, name: str) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} cannot be read as numbers: {error}") from None


def architectures(
    values: Iterable[Architecture | str], space: Space | None, name: str = "X"
) -> list[Architecture]:
    """Return a list of architectures; texts are read in `space`."""
    if isinstance(values, (Architecture, str)):
        raise ArgumentTypeError(f"{name} must be a list of architectures, not one of them")
    if not isinstance(values, Iterable):
        raise ArgumentTypeError(f"{name} must be a list of architectures, not {type(values).__name__}")
    return [_architecture(value, space, f"{name}[{i}]") for i, value in enumerate(values)]


def _architecture(value: object, space: Space | None, name: str) -> Architecture:
    if isinstance(value, Architecture):
        return value
    if isinstance(value, str):
        if space is None:
            raise ArgumentTypeError(f"{name} is a text; say with space= in which space to read it")
        return space.parse(value)
    raise ArgumentTypeError(f"{name} must be an Architecture or a text, not {type(value).__name__}")


def columns(table: Any) -> dict[str, list[Any]]:
    """Return the columns of a DataFrame, or of a mapping of lists."""
    wrong = f"table must be a DataFrame, a mapping of columns or a path, not {type(table).__name__}"
    if isinstance(table, np.ndarray):
        raise ArgumentTypeError(wrong)
    try:
        names = list(table)
        texts = [str(name) for name in names]
        twice = next((text for i, text in enumerate(texts) if text in texts[:i]), None)
        if twice is not None:
            raise DataError(f"the table has two columns `{twice}`")
        found = {text: table[name] for text, name in zip(texts, names, strict=True)}
    except (TypeError, KeyError, IndexError):
        raise ArgumentTypeError(wrong) from None
    listed = {name: _column(values, name) for name, values in found.items()}
    lengths = {name: len(values) for name, values in listed.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"`{name}` has {length}" for name, length in lengths.items())
        raise DataError(f"the columns of the table are not of one length: {shown}")
    return listed


def _column(values: Any, name: str) -> list[Any]:
    if isinstance(values, Iterable) and not isinstance(values, str):
        return list(values)
    raise ArgumentTypeError(f"column `{name}` of the table must be a list, not {type(values).__name__}")


def real(value: Any, name: str) -> float:
    """Return a number, which may be one of numpy."""
    if not isinstance(value, (str, bytes)):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise ArgumentTypeError(f"{name} must be a number, not {type(value).__name__}")
