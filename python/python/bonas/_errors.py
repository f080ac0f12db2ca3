"""The exceptions of the package."""

from __future__ import annotations

__all__ = [
    "ArgumentTypeError",
    "BonasError",
    "ClosedError",
    "DataError",
    "EvaluationError",
    "JournalError",
    "LockedError",
    "NoScoreError",
    "NumericError",
    "PathError",
    "SettingError",
    "SpaceError",
    "StorageError",
    "TrialError",
    "UnsupportedError",
]


class BonasError(Exception):
    """Base class of all exceptions of this package."""


class SettingError(BonasError, ValueError):
    """A setting with a value or a name that cannot be used."""


class ArgumentTypeError(BonasError, TypeError):
    """An argument of the wrong type."""


class SpaceError(BonasError, ValueError):
    """A search space, or an architecture of one, that cannot be used."""


class DataError(BonasError, ValueError):
    """Scores, features, tables or files with content that cannot be used."""


class TrialError(BonasError, ValueError):
    """A trial that cannot be told or abandoned, or an outcome that is none."""


class JournalError(BonasError, ValueError):
    """A journal that is damaged, or of another study."""


class StorageError(BonasError, OSError):
    """A file or folder that cannot be read or written."""


class PathError(StorageError):
    """A path at which there is something else than expected."""


class LockedError(StorageError):
    """A folder that another process, or another object, works in."""


class ClosedError(BonasError, RuntimeError):
    """A study that was closed, or that is used in a process that was forked off."""


class EvaluationError(BonasError, RuntimeError):
    """An evaluation that cannot go on."""


class NoScoreError(BonasError, LookupError):
    """There is no score yet."""


class NumericError(BonasError, ArithmeticError):
    """Arithmetic that failed while a surrogate was fitted or asked."""


class UnsupportedError(BonasError, NotImplementedError):
    """Something that this surrogate or this build does not do."""
