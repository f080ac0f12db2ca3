"""Neural architecture search with Bayesian surrogates.

>>> import bonas
>>> study = bonas.Study("nasbench201", seed=1)
>>> study.optimize(lambda cell: cell.text.count("nor_conv_3x3") / 6, n_trials=20)
>>> study.best.architecture
bonas.Architecture("nasbench201", "...")
"""

from __future__ import annotations

from . import spaces
from ._bonas import Architecture, Space, __version__
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

__all__ = [
    "Architecture",
    "ArgumentTypeError",
    "BonasError",
    "BonasWarning",
    "ClosedError",
    "DataError",
    "Evaluation",
    "EvaluationError",
    "JournalError",
    "LockedError",
    "NoScoreError",
    "NumericError",
    "PathError",
    "Prediction",
    "SettingError",
    "Space",
    "SpaceError",
    "StorageError",
    "Study",
    "Trial",
    "TrialError",
    "UnsupportedError",
    "__version__",
    "spaces",
]
