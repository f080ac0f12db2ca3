"""Surrogates: models that learn scores of architectures and predict others.

>>> import bonas
>>> cells = bonas.spaces.get("nasbench201").sample(60, rng=1)
>>> scores = [cell.text.count("nor_conv_3x3") / 6 for cell in cells]
>>> model = bonas.Surrogate("graph-gp").fit(cells[:40], scores[:40])
>>> posterior = model.predict(cells[40:])
>>> posterior.mean.shape, posterior.quantiles([0.1, 0.9]).shape
((20,), (20, 2))
>>> bool(bonas.metrics.kendall_tau_b(posterior.median, scores[40:]) > 0.5)
True
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from . import _bonas
from ._arrays import Floats, architectures, matrix, real, vector
from ._bonas import Architecture, Space
from ._errors import ArgumentTypeError, DataError, SettingError
from ._random import RandomState, seed_of
from ._study import _count, _path

__all__ = ["Posterior", "Surrogate", "acquisitions", "names"]


def names() -> list[str]:
    """Names of the surrogates; the default first."""
    return [name for name, _ in _bonas.surrogate_names()]


def acquisitions() -> list[str]:
    """Return the names of the acquisitions that `Posterior.utilities` takes."""
    return [name for name, _ in _bonas.acquisition_names()]


class Posterior:
    """What a surrogate predicts of `n` architectures, in the unit of the scores. Noise of a measurement is included."""

    def __init__(self, native: _bonas.Posteriors) -> None:
        self._native = native

    def __len__(self) -> int:
        return len(self._native)

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        return self._native.moments()

    @property
    def mean(self) -> Floats:
        """Means, `[n]`."""
        return self._moments[0]

    @property
    def std(self) -> Floats:
        """Standard deviations, `[n]`."""
        return self._moments[1]

    @cached_property
    def median(self) -> Floats:
        """Medians, `[n]`: what to rank by."""
        return np.ascontiguousarray(self.quantiles([0.5])[:, 0])

    def quantiles(self, levels: float | Sequence[float]) -> Floats:
        """Quantiles at levels between 0 and 1, `[n, levels]`; a number is one level."""
        wanted = vector(np.atleast_1d(np.asarray(levels)), "levels").tolist()
        return self._native.quantiles(wanted).reshape(len(self), len(wanted))

    def samples(self, count: int, rng: RandomState = None, *, joint: bool = False) -> Floats:
        """Draw scores, `[count, n]`.

        With `joint` the scores of one draw belong together, as those of one function; this takes time cubic in `n`, and only
        some surrogates can.
        """
        count = _count(count, "count", least=0)
        return self._native.samples(count, rng, joint).reshape(count, len(self))

    def utilities(
        self,
        acquisition: str = "ei",
        incumbent: float | None = None,
        *,
        gamma: float = 0.5,
        noise_free: bool = False,
        rng: RandomState = None,
    ) -> Floats:
        """Return the utility of measuring each architecture, `[n]`, in their order; higher is better.

        Parameters
        ----------
        acquisition
            One of `acquisitions()`.
        incumbent
            The best score so far; without it improvement criteria rank by the mean.
        gamma
            Weight of the standard deviation in an upper confidence bound.
        noise_free
            Whether expected improvement is that of the true score, without the noise of a measurement.
        rng
            Seed or generator of random criteria.
        """
        best = None if incumbent is None else real(incumbent, "incumbent")
        if best is not None and not math.isfinite(best):
            raise SettingError(f"incumbent: {best} is not finite")
        return self._native.utilities(acquisition, best, real(gamma, "gamma"), noise_free, rng)

    def coverage(self, scores: ArrayLike, level: float = 0.9) -> float:
        """Share of the true scores inside their central interval of probability `level`; about `level` if calibrated."""
        level = real(level, "level")
        if not 0 < level < 1:
            raise SettingError(f"level: {level} is out of range; expected between 0 and 1")
        share = self._native.coverage(self._scores(scores), level)
        return float("nan") if share is None else share

    def negative_log_likelihood(self, scores: ArrayLike) -> float:
        """Mean negative log likelihood of the true scores, in nats."""
        value = self._native.negative_log_likelihood(self._scores(scores))
        return float("nan") if value is None else value

    def _scores(self, scores: ArrayLike) -> Floats:
        values = vector(scores, "scores")
        if len(values) != len(self):
            raise DataError(f"scores has {len(values)} numbers for {len(self)} architectures")
        return values

    def __repr__(self) -> str:
        return f"<bonas.Posterior of {len(self)} architectures>"


class Surrogate:
    """A model of the scores of architectures.

    Parameters
    ----------
    name
        One of :func:`names`.
    prior
        What it knows beforehand: ``"auto"`` (multiply-adds, where space and surrogate allow), ``"none"``, ``"macs"`` or
        ``"params"``.
    seed
        Of what is drawn in fitting.
    space
        The space in which texts in `X` are read; architectures know theirs.
    """

    def __init__(
        self, name: str = "ensemble", *, prior: str = "auto", seed: int = 1, space: Space | str | None = None
    ) -> None:
        for value, called in ((name, "name"), (prior, "prior")):
            if not isinstance(value, str):
                raise ArgumentTypeError(f"{called} must be a text, not {type(value).__name__}")
        if space is not None and not isinstance(space, (Space, str)):
            raise ArgumentTypeError(
                f"space must be a bonas.Space or the name of one, not {type(space).__name__}"
            )
        self.name = name
        # A surrogate that was loaded does not know how it was fitted.
        self.prior: str | None = prior
        self.seed: int | None = seed_of(seed)
        self._space = _bonas.space(space) if isinstance(space, str) else space
        self._fitted: _bonas.Fitted | None = None

    def fit(
        self,
        X: Iterable[Architecture | str],  # noqa: N803
        y: ArrayLike,
        noise: ArrayLike | None = None,
        features: ArrayLike | None = None,
    ) -> Surrogate:
        """Fit to scores, and return this surrogate.

        Parameters
        ----------
        X
            `n` architectures of one space; several measurements of one are replicates.
        y
            Their scores, `[n]`; higher is better.
        noise
            Standard deviations of the scores' own errors, `[n]`, where they are known.
        features
            Numbers beside the graph, `[n, d]`, such as latencies: an array or a DataFrame. The surrogates ``graph-gp`` and
            ``ensemble`` take some.
        """
        if self.prior is None or self.seed is None:
            raise SettingError(
                "prior, seed: those of a surrogate that was loaded are not known; set them, or fit another one"
            )
        self._fitted = _bonas.Fitted.fit(
            self.name,
            self.prior,
            self.seed,
            architectures(X, self._space),
            vector(y, "y"),
            None if noise is None else vector(noise, "noise"),
            None if features is None else matrix(features, "features"),
        )
        return self

    def predict(self, X: Iterable[Architecture | str], features: ArrayLike | None = None) -> Posterior:  # noqa: N803
        """Predict architectures of the space that it was fitted to; with their features, if it was fitted with some."""
        fitted = self._native()
        cells = architectures(X, self._space or fitted.space)
        return Posterior(fitted.predict(cells, None if features is None else matrix(features, "features")))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted surrogate to a file, which ``bonas rank`` reads, too."""
        self._native().save(str(_path(path)))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Surrogate:
        """Read a fitted surrogate, of this package or of ``bonas fit``.

        Its `prior` and `seed` are None: the file is to predict with. Set both to fit it anew.
        """
        return cls._of(_bonas.Fitted.load(str(_path(path))))

    @classmethod
    def _of(cls, fitted: _bonas.Fitted) -> Surrogate:
        loaded = cls(fitted.name, space=fitted.space)
        loaded.prior = loaded.seed = None
        loaded._fitted = fitted
        return loaded

    @property
    def fitted(self) -> bool:
        """Whether it was fitted or loaded."""
        return self._fitted is not None

    def _native(self) -> _bonas.Fitted:
        if self._fitted is None:
            raise DataError("the surrogate is not fitted; call fit first")
        return self._fitted

    def __getstate__(self) -> dict[str, object]:
        fitted = None if self._fitted is None else bytes(self._fitted.to_bytes())
        return {**self.__dict__, "_fitted": fitted}

    def __setstate__(self, state: dict[str, object]) -> None:
        fitted = state["_fitted"]
        self.__dict__.update(state)
        self._fitted = _bonas.Fitted.from_bytes(fitted) if isinstance(fitted, bytes) else None

    def __repr__(self) -> str:
        of = f", fitted to {self._fitted.space.name}" if self._fitted is not None else ""
        return f"<bonas.Surrogate {self.name}{of}>"
