"""Seeds from whatever stands for randomness."""

from __future__ import annotations

import operator
import random
import secrets
from typing import TypeAlias

import numpy as np

from ._errors import ArgumentTypeError, SettingError

#: A whole number from 0 up, a generator of numpy or of ``random``, or None for fresh randomness.
RandomState: TypeAlias = "int | np.random.Generator | np.random.RandomState | random.Random | None"

_LIMIT = 1 << 63


def seed_of(rng: RandomState) -> int:
    """Return a seed below 2**63; a generator is advanced by one draw."""
    if rng is None:
        return secrets.randbelow(_LIMIT)
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, _LIMIT))
    if isinstance(rng, np.random.RandomState):
        return int(rng.randint(0, _LIMIT, dtype=np.int64))
    if isinstance(rng, random.Random):
        return rng.randrange(_LIMIT)
    try:
        seed = operator.index(rng)
    except TypeError:
        name = type(rng).__name__
        raise ArgumentTypeError(f"rng must be a seed, a random generator or None, not {name}") from None
    if not 0 <= seed < _LIMIT:
        raise SettingError(f"rng: the seed {seed} is out of range; expected 0 to {_LIMIT - 1}")
    return seed
