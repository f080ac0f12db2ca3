"""The native half of the package."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final, overload

import numpy as np
from numpy.typing import NDArray

from ._random import RandomState

__all__ = [
    "Architecture",
    "Fitted",
    "Posteriors",
    "Session",
    "Space",
    "__version__",
    "acquisition_names",
    "bootstrap",
    "compare",
    "declared_space",
    "kendall_tau_b",
    "n_at_k",
    "precision_at_top",
    "same_space",
    "space",
    "space_names",
    "spearman",
    "surrogate_names",
    "unpickled_space",
]

__version__: str

@final
class Space:
    """A search space: :func:`bonas.spaces.get`."""

    @property
    def name(self) -> str:
        """Its name."""
    @property
    def setting(self) -> str:
        """The name by which configurations know it."""
    @property
    def toml(self) -> str | None:
        """The text of the space file; None for a built-in space."""
    @property
    def choice_names(self) -> list[str] | None:
        """Names of the choices of a space that is declared as a list of them."""
    @property
    def size(self) -> int:
        """Number of architectures; if `size_is_exact` is False, at most so many."""
    @property
    def size_is_exact(self) -> bool:
        """Whether isomorphic architectures are counted once."""
    @property
    def ops(self) -> list[str]:
        """Names of the operations."""
    @property
    def cell_names(self) -> list[str]:
        """Names of the cells of an architecture; empty if it is one cell."""
    @property
    def notations(self) -> list[str]:
        """Names of the notations that are read; the first is the one of `Architecture.text`."""
    @property
    def choice_counts(self) -> list[int] | None:
        """Options at each position; None if the space is not one of independent choices."""
    def parse(self, text: str) -> Architecture:
        """Read an architecture in any of the notations."""
    def from_choices(self, choices: Sequence[int]) -> Architecture:
        """Make an architecture of the option at each position."""
    @overload
    def sample(self, n: None = None, rng: RandomState = None) -> Architecture: ...
    @overload
    def sample(self, n: int, rng: RandomState = None) -> list[Architecture]: ...
    def enumerate(self) -> list[Architecture]:
        """List every architecture, isomorphic ones included; for spaces that are small enough."""
    def __contains__(self, key: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Architecture:
    """An architecture of a space.

    Isomorphic ones are equal. It is hashable, can be pickled, and draws itself in a notebook.
    """

    def __new__(cls, space: Space | str, text: str) -> Architecture: ...
    @property
    def space(self) -> Space:
        """Its space."""
    @property
    def key(self) -> str:
        """Its key in hexadecimal, equal for isomorphic architectures."""
    @property
    def text(self) -> str:
        """The architecture in the space's notation."""
    @property
    def choices(self) -> list[int] | None:
        """The option at each position; None if the space is not one of independent choices."""
    @property
    def cells(self) -> list[dict[str, Any]]:
        """Cells with ``name``, ``nodes`` (the operation on each) and ``edges`` (``from``, ``to``, ``op``)."""
    def format(self, notation: str) -> str:
        """Print it in another notation of the space."""
    def neighbors(self) -> list[Architecture]:
        """Architectures that differ in one element, each once."""
    def mutate(self, rng: RandomState = None) -> Architecture:
        """Change one element at random."""
    def svg(self) -> str:
        """Draw it as SVG."""
    def _repr_svg_(self) -> str: ...
    def to_networkx(self) -> Any:
        """Return its cells as one ``networkx.MultiDiGraph`` with the attribute ``op`` on nodes and edges.

        Nodes are numbers; if there are several cells, pairs of the cell's name and a number.
        """
    def __hash__(self) -> int: ...

_Trial = tuple[int, Architecture, tuple[float, float] | None, int, int]
_Evaluation = tuple[
    Architecture, float | None, str | None, list[float], bool, tuple[float, float] | None, int, int
]

@final
class Session:
    @staticmethod
    def open(
        sections: dict[str, object] | None, path: Path | None, patience: float, facts: list[tuple[str, str]]
    ) -> Session: ...
    @property
    def space(self) -> Space: ...
    def ask(self, n: int) -> list[_Trial]: ...
    def tell(self, trial: int, measures: dict[str, float]) -> None: ...
    def fault(self, measures: dict[str, float]) -> str | None: ...
    def measures(self) -> list[str]: ...
    def fail(self, trial: int, reason: str) -> None: ...
    def import_(self, x: list[Architecture], y: list[float], measures: list[list[float]]) -> int: ...
    def abandon(self, trial: int) -> None: ...
    def pending(self) -> list[_Trial]: ...
    def left(self) -> int: ...
    def told(self) -> int: ...
    def ended(self) -> str | None: ...
    def evaluations(self, first: int) -> list[_Evaluation]: ...
    def best(self) -> int | None: ...
    def config(self) -> str: ...
    def budget(self) -> int | None: ...
    def extend(self, architectures: int) -> None: ...
    def report(self) -> None: ...
    def warnings(self) -> list[str]: ...
    def close(self) -> None: ...
    def closed(self) -> bool: ...

@final
class Fitted:
    @staticmethod
    def fit(
        surrogate: str,
        prior: str,
        seed: int,
        x: list[Architecture],
        y: NDArray[np.float64],
        noise: NDArray[np.float64] | None,
        features: NDArray[np.float64] | None,
    ) -> Fitted: ...
    @staticmethod
    def load(path: str) -> Fitted: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> Fitted: ...
    def save(self, path: str) -> None: ...
    def to_bytes(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def space(self) -> Space: ...
    @property
    def features(self) -> int: ...
    def predict(self, x: list[Architecture], features: NDArray[np.float64] | None) -> Posteriors: ...

@final
class Posteriors:
    def __len__(self) -> int: ...
    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def quantiles(self, levels: list[float]) -> NDArray[np.float64]: ...
    def samples(self, count: int, rng: RandomState, joint: bool) -> NDArray[np.float64]: ...
    def utilities(
        self, acquisition: str, incumbent: float | None, gamma: float, noise_free: bool, rng: RandomState
    ) -> NDArray[np.float64]: ...
    def coverage(self, scores: NDArray[np.float64], level: float) -> float | None: ...
    def negative_log_likelihood(self, scores: NDArray[np.float64]) -> float | None: ...

def space(name: str, text: str | None = None, operations: list[str] | None = None) -> Space:
    """Return the space of a name; with a text the one that it declares; with operations what is made of them."""

def unpickled_space(name: str, text: bytes | None, operations: list[str] | None) -> Space: ...
def declared_space(name: str, keys: dict[str, object]) -> Space: ...
def same_space(one: str, other: str) -> bool: ...
def space_names() -> list[str]:
    """Return the names of the built-in spaces."""

def acquisition_names() -> list[tuple[str, str]]: ...
def surrogate_names() -> list[tuple[str, str]]: ...
def compare(
    sections: dict[str, object],
    table: Path | None,
    directory: Path,
    threads: int | None,
    progress: Callable[[int, int], None] | None,
) -> str: ...
def kendall_tau_b(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None: ...
def spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None: ...
def n_at_k(predicted: NDArray[np.float64], truth: NDArray[np.float64], k: int) -> int | None: ...
def precision_at_top(
    predicted: NDArray[np.float64], truth: NDArray[np.float64], fraction: float
) -> float | None: ...
def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], n: int, resamples: int, level: float, rng: RandomState
) -> tuple[float, float, float] | None: ...
