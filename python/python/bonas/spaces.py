"""Search spaces.

>>> import bonas
>>> space = bonas.spaces.get("nasbench201")
>>> cell = space.sample(rng=1)
>>> cell in space, len(cell.neighbors()) <= 24
(True, True)
"""

from __future__ import annotations

from ._bonas import Space
from ._bonas import space as get
from ._bonas import space_names as names

__all__ = ["Space", "get", "names"]
