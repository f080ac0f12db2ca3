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

import numpy as np
from numpy.typing import ArrayLike

from . import _bonas
from ._arrays import Floats, real, vector
from ._errors import DataError, SettingError
from ._study import _count

__all__ = ["kendall_tau_b", "n_at_k", "precision_at_top", "spearman"]


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
