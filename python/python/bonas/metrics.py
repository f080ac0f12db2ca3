"""How well predictions rank.

Arguments are array-like; higher scores are better. What is undefined, as the correlation of a constant, is NaN.

>>> from bonas.metrics import kendall_tau_b, n_at_k
>>> kendall_tau_b([1, 2, 3, 4], [1, 3, 2, 4])
0.666...
>>> n_at_k([0.1, 0.7, 0.5, 0.9], [0.2, 0.6, 0.7, 0.8], k=1)
1
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _bonas
from ._arrays import Floats, real, vector
from ._errors import ArgumentTypeError, DataError, SettingError
from ._random import RandomState
from ._study import _count

__all__ = ["Interval", "bootstrap", "kendall_tau_b", "n_at_k", "precision_at_top", "spearman"]


def kendall_tau_b(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b, which counts ties, as ``scipy.stats.kendalltau``; in O(n log n)."""
    tau = _bonas.kendall_tau_b(*_pair(x, "x", y, "y"))
    return math.nan if tau is None else tau


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation; ties have their average rank."""
    rho = _bonas.spearman(*_pair(x, "x", y, "y"))
    return math.nan if rho is None else rho


def n_at_k(predicted: ArrayLike, truth: ArrayLike, k: int) -> int:
    """N@K: the best true rank, 1 is the best, among the `k` with the best predictions."""
    pair = _pair(predicted, "predicted", truth, "truth", least=2)
    found = _bonas.n_at_k(*pair, _count(k, "k", least=1))
    assert found is not None
    return found


def precision_at_top(predicted: ArrayLike, truth: ArrayLike, fraction: float) -> float:
    """P@T%: the share of the predicted best `fraction` whose true scores are among the best `fraction`."""
    pair = _pair(predicted, "predicted", truth, "truth", least=2)
    fraction = real(fraction, "fraction")
    if not 0 < fraction <= 1:
        raise SettingError(f"fraction: {fraction} is out of range; expected above 0, at most 1")
    found = _bonas.precision_at_top(*pair, fraction)
    assert found is not None
    return found


class Interval(NamedTuple):
    """An estimate with a confidence interval."""

    estimate: float
    low: float
    high: float


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    n: int,
    level: float = 0.95,
    resamples: int = 2000,
    rng: RandomState = None,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of a statistic of `n` items.

    Parameters
    ----------
    statistic
        Gets the indices of the drawn items, `[n]`, and returns a number; resamples for which it is NaN are left out.
    n
        Number of items.
    level
        Confidence level, between 0 and 1.
    resamples
        Number of resamples.
    rng
        Seed or generator.

    Returns
    -------
    Interval
        NaN where the data have no value, or half of the resamples have none.

    Examples
    --------
    >>> x = np.arange(20.0)
    >>> y = x + np.tile([0.0, 5.0], 10)
    >>> tau = bootstrap(lambda drawn: kendall_tau_b(x[drawn], y[drawn]), 20, rng=1)
    >>> bool(tau.low < tau.estimate < tau.high)
    True
    """
    if not callable(statistic):
        raise ArgumentTypeError(f"statistic must be a function of indices, not {type(statistic).__name__}")
    level = real(level, "level")
    if not 0 < level < 1:
        raise SettingError(f"level: {level} is out of range; expected a number between 0 and 1")
    found = _bonas.bootstrap(
        statistic, _count(n, "n", least=1), _count(resamples, "resamples", least=1), level, rng
    )
    return Interval(math.nan, math.nan, math.nan) if found is None else Interval(*found)


def _pair(x: ArrayLike, x_name: str, y: ArrayLike, y_name: str, least: int = 0) -> tuple[Floats, Floats]:
    a, b = vector(x, x_name), vector(y, y_name)
    if len(a) != len(b):
        raise DataError(f"{x_name} has {len(a)} numbers, {y_name} {len(b)}")
    if len(a) < least:
        raise DataError(f"{x_name} has {len(a)} numbers, expected at least {least}")
    for array, name in ((a, x_name), (b, y_name)):
        if np.isnan(array).any():
            raise DataError(f"{name} has NaN at {int(np.isnan(array).argmax())}; leave it out")
    return a, b
