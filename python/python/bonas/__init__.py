"""Neural architecture search with Bayesian surrogates.

>>> import bonas
>>> study = bonas.Study("nasbench201", seed=1)
>>> study.optimize(lambda cell: cell.text.count("nor_conv_3x3") / 6, n_trials=20)
>>> study.best.architecture
bonas.Architecture("nasbench201", "...")
"""

from __future__ import annotations

from . import metrics, spaces, surrogates
from ._bonas import Architecture, Space, __version__
from ._compare import Comparison, compare
from ._errors import (
    ArgumentTypeError,
    BonasError,
    ClosedError,
    DataError,
    EvaluationError,
    JournalError,
    LockedError,
    NoScoreError,
    NumericError,
    PathError,
    SettingError,
    SpaceError,
    StorageError,
    TrialError,
    UnsupportedError,
)
from ._study import BonasWarning, Evaluation, Prediction, Study, Trial
from .surrogates import Posterior, Surrogate

__all__ = [
    "Architecture",
    "ArgumentTypeError",
    "BonasError",
    "BonasWarning",
    "ClosedError",
    "Comparison",
    "DataError",
    "Evaluation",
    "EvaluationError",
    "JournalError",
    "LockedError",
    "NoScoreError",
    "NumericError",
    "PathError",
    "Posterior",
    "Prediction",
    "SettingError",
    "Space",
    "SpaceError",
    "StorageError",
    "Study",
    "Surrogate",
    "Trial",
    "TrialError",
    "UnsupportedError",
    "__version__",
    "compare",
    "metrics",
    "spaces",
    "surrogates",
]
