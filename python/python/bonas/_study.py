"""Studies: ask for architectures, tell their scores, or have a function evaluate them."""

from __future__ import annotations

import json
import logging
import math
import operator
import os
import platform
import queue
import re
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from . import _bonas
from ._arrays import architectures, vector
from ._bonas import Architecture, Space
from ._errors import ArgumentTypeError, DataError, NoScoreError, SettingError, TrialError

logger = logging.getLogger("bonas")

#: What a function may return: a score, or numbers by name.
Outcome: TypeAlias = "float | Mapping[str, float]"

#: Rounds of a study without a budget; the largest number that every part of a study can count to.
_NO_LIMIT = 1_000_000_000
#: The largest whole number that the native half takes.
_MOST = (1 << 63) - 1
#: Characters of a reason that are kept.
_REASON = 400


class BonasWarning(UserWarning):
    """Something worth a look, such as a study in which every trial failed."""


@dataclass(frozen=True)
class Prediction:
    """What the strategy's surrogate expected of an architecture, in the unit of the score."""

    mean: float
    std: float


@dataclass(frozen=True)
class Trial:
    """An architecture to evaluate.

    Attributes
    ----------
    id
        Its number; architectures are numbered from 0, as they were proposed.
    architecture
        What to evaluate.
    predicted
        What the surrogate expects, if the strategy has one.
    round, batch
        When it was proposed, from 0.
    """

    id: int
    architecture: Architecture
    predicted: Prediction | None
    round: int
    batch: int


@dataclass(frozen=True)
class Evaluation:
    """What came of an architecture.

    Attributes
    ----------
    architecture
        What was evaluated.
    score
        Its score, higher is better; None if the evaluation failed.
    failed
        Why there is no score; None if there is one.
    measures
        The measures that limits and the second objective read, by name; with a minus in front, lower is better.
    feasible
        Whether the limits are kept.
    predicted
        What the surrogate expected, if the strategy has one.
    round, batch
        When it was proposed, from 0.
    """

    architecture: Architecture
    score: float | None
    failed: str | None
    measures: Mapping[str, float]
    feasible: bool
    predicted: Prediction | None
    round: int
    batch: int


class Study:
    """A search that is asked for architectures and told their scores.

    Parameters
    ----------
    space
        A :class:`Space`, or the name of one (:func:`bonas.spaces.names`).
    strategy
        The name of a strategy, or a mapping of ``name`` and its settings, such as ``{"name": "bonas", "batch": 4}``; the
        settings are those of ``[strategy]`` in a configuration file.
    seed
        A whole number; every random draw comes from it.
    path
        The folder of the study. One that is there already goes on, with the same settings; `Study.open` takes the settings
        from the folder. The commands ``bonas ask``, ``tell``, ``report`` and ``runs`` work on it, too. None: in memory.
    budget
        Unique architectures to evaluate in all, over all sessions; None: no limit.
    score
        The measure that is the score, ``"-loss"`` where lower is better. Without it, the ``score`` that is told.
    limits
        Limits on measures, such as ``["latency <= 5"]``; what breaks one cannot be the best.
    objective
        A second measure to raise, ``"-latency"`` to lower it; for the strategies ``bonas`` and ``nsga2``.
    patience
        Seconds to wait for another process that works in the folder.

    Examples
    --------
    >>> import bonas
    >>> study = bonas.Study("nasbench201", seed=1, budget=6)
    >>> study.optimize(lambda cell: cell.text.count("nor_conv_3x3") / 6)
    >>> study.best.score >= max(e.score for e in study.evaluations)
    True
    """

    def __init__(
        self,
        space: Space | str,
        strategy: str | Mapping[str, object] = "bonas",
        seed: int = 1,
        path: str | os.PathLike[str] | None = None,
        *,
        budget: int | None = None,
        score: str = "score",
        limits: Iterable[str] = (),
        objective: str = "",
        patience: float = 1.0,
    ) -> None:
        named = _strategy(strategy, "strategy")
        if "name" not in named:
            raise SettingError("strategy: the mapping has no `name`")
        if isinstance(limits, str):
            raise ArgumentTypeError(f"limits must be a list of texts, such as [{limits!r}], not a text")
        if seed is None:
            raise ArgumentTypeError(
                "seed must be a whole number, not None: a study has one, so that it can go on"
            )
        sections: dict[str, object] = {
            "study": {"seed": seed, **_budget(budget)},
            "space": _space_section(space),
            "strategy": named,
            "evaluator": {
                "name": "told",
                "score": score,
                "limits": _list(limits, "limits"),
                "objective": objective,
            },
            "final": {"seeds": 0},
        }
        self._begin(sections, path, patience)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, patience: float = 1.0) -> Study:
        """Open the study in a folder, with the settings that it was begun with."""
        study = cls.__new__(cls)
        study._begin(None, path, patience)
        return study

    def _begin(
        self, sections: dict[str, object] | None, path: str | os.PathLike[str] | None, patience: float
    ) -> None:
        self._path = None if path is None else _path(path)
        if path is not None and not os.fspath(path):
            raise SettingError("path: it is empty; name a folder, or give None to keep the study in memory")
        if isinstance(patience, bool) or not isinstance(patience, (int, float, np.number)):
            raise ArgumentTypeError(f"patience must be a number of seconds, not {type(patience).__name__}")
        self._session = _bonas.Session.open(sections, self._path, patience, _facts())
        self._measures = self._session.measures()
        # The measure that a number without a name is, and all that are read.
        self._score = _score_of(self._session.config())
        self._read = {self._score, *(name.removeprefix("-") for name in self._measures)}
        # Trials that the user asked for; the others that are pending are left over, and optimize takes them up.
        self._asked: set[int] = set()
        # Trials that a call of optimize evaluates.
        self._busy: set[int] = set()
        self._known: list[Evaluation] = []
        self._lock = threading.Lock()
        # Held from the moment that trials are handed out until it is noted for whom.
        self._handing_out = threading.Lock()
        self._warn()

    # Ask and tell

    def ask(self, n: int = 1) -> list[Trial]:
        """Hand out up to `n` trials.

        Fewer come where the budget or the space has no more. None comes once the study is over, or as long as it cannot go
        on before a pending trial is told. What is pending counts as believed.
        """
        count = _count(n, "n", least=1)
        with self._handing_out:
            trials = [_trial(t) for t in self._session.ask(count)]
            self._asked.update(trial.id for trial in trials)
        self._warn()
        return trials

    def tell(self, trial: Trial | int, score: Outcome | None = None, *, failed: str | None = None) -> None:
        """Tell the outcome of a trial.

        Parameters
        ----------
        trial
            The trial, or its number.
        score
            A number, which is the measure that the study's `score` names; or a mapping of measures by name, such as
            ``{"score": 0.9, "latency": 3.1}``. Beside the score, measures that no limit and no objective reads are ignored.
        failed
            In place of a score: why there is none. The surrogate learns from it.

        Raises
        ------
        TrialError
            If the trial is not pending, or the score is no finite number; nothing is recorded then.
        """
        number = _number_of(trial)
        if (score is None) == (failed is None):
            raise ArgumentTypeError("tell a score, or failed= with a reason")
        if failed is not None:
            if not isinstance(failed, str):
                raise ArgumentTypeError(f"failed must be a text that says why, not {type(failed).__name__}")
            self._session.fail(number, _one_line(failed))
        elif score is not None:
            try:
                measures = self._outcome(score)
            except _NoOutcomeError as error:
                raise TrialError(f"trial {number}: {error}") from None
            self._session.tell(number, measures)
        self._warn()

    def abandon(self, trial: Trial | int) -> None:
        """Give a trial up: it takes nothing from the budget, and its architecture may come again."""
        self._session.abandon(_number_of(trial))
        self._warn()

    @property
    def pending(self) -> list[Trial]:
        """Trials that were handed out and not told."""
        return [_trial(t) for t in self._session.pending()]

    def add_known(
        self,
        X: Iterable[Architecture | str],  # noqa: N803
        y: ArrayLike,
        measures: Mapping[str, ArrayLike] | None = None,
    ) -> int:
        """Take scores that are known as the first observations, as ``bonas import`` does.

        They take nothing from the budget and are never handed out. This is possible before the first trial only.

        Parameters
        ----------
        X
            `n` architectures of the space, or their texts. Of several that are equal the first counts.
        y
            Their scores, `[n]`; finite, and higher is better.
        measures
            What limits and the objective of the study read, by name, `[n]` each; without a sign, as `tell` takes them.

        Returns
        -------
        int
            How many of them were not known before.
        """
        cells, scores = architectures(X, self.space), vector(y, "y").tolist()
        if len(cells) != len(scores):
            raise DataError(f"y has {len(scores)} numbers for {len(cells)} architectures")
        for i, known in enumerate(scores):
            if not math.isfinite(known):
                raise DataError(f"y[{i}] is {known}; expected a finite score")
        return self._session.import_(cells, scores, self._known_measures(measures or {}, len(cells)))

    def _known_measures(self, given: Mapping[str, ArrayLike], n: int) -> list[list[float]]:
        """Return the measures in the order in which the study counts them, `[n, measures]`."""
        due = [name.removeprefix("-") for name in self._measures]
        for name in due:
            if name not in given:
                raise DataError(f"measures lack {name!r}, which the study reads")
        for name in given:
            if name not in due:
                raise DataError(f"measures: nothing reads {name!r}; the limits and the objective read {due}")
        columns = []
        for name, column in zip(self._measures, due, strict=True):
            values = vector(given[column], f"measures[{column!r}]")
            if len(values) != n:
                raise DataError(f"measures[{column!r}] has {len(values)} numbers for {n} architectures")
            columns.append((-values if name.startswith("-") else values).tolist())
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(n)]

    # A function that evaluates

    def optimize(
        self,
        fn: Callable[[Architecture], Outcome],
        n_trials: int | None = None,
        n_jobs: int = 1,
        *,
        on_failure: Literal["record", "stop"] = "record",
        progress: bool | None = None,
    ) -> None:
        """Evaluate architectures with a function.

        The history is that of ``bonas search``, whatever the number of jobs and however often the process was killed, if
        the function gives equal scores for equal architectures. Trials that an earlier process left pending come first.

        Parameters
        ----------
        fn
            Gets an :class:`Architecture` and returns its score, or a mapping of measures by name, as `tell` takes them. If
            it raises, or returns no finite number, the trial has failed. A ``KeyboardInterrupt`` ends the call and leaves
            the trial pending.
        n_trials
            Evaluations of this call; None: until the budget is spent.
        n_jobs
            Evaluations at the same time, each on a thread; -1: one for each core. With 1 the function runs in the calling
            thread.
        on_failure
            ``"record"``: a failure is an outcome, and logged. ``"stop"``: the call ends with the function's exception, and
            the trial stays pending.
        progress
            Show a bar of tqdm; None: if tqdm is installed, in a terminal or a notebook.
        """
        if not callable(fn):
            raise ArgumentTypeError(f"fn must be a function of an architecture, not {type(fn).__name__}")
        if on_failure not in ("record", "stop"):
            raise SettingError(f"on_failure: {on_failure!r} is unknown; expected 'record' or 'stop'")
        jobs = (os.cpu_count() or 1) if n_jobs == -1 else _count(n_jobs, "n_jobs", least=1)
        budget = self.budget
        if n_trials is None and budget is None:
            raise SettingError("n_trials: give a number of trials, or the study a budget")
        most = None if n_trials is None else _count(n_trials, "n_trials", least=0)
        total = most if budget is None else _least(most, budget - self._session.told())
        run = _Run(self, fn, most, on_failure == "stop")
        try:
            with _Bar(total, progress) as bar:
                for _ in run.here() if jobs == 1 else run.on_threads(jobs):
                    bar.step(self)
        finally:
            with self._handing_out:
                self._busy -= run.own
        self._warn()
        # In a folder, the end of the study has said so already.
        said = self._path is not None and self._session.ended() is not None
        if run.last_failure is not None and not said and not self._scored():
            warnings.warn(f"no trial has a score; the last: {run.last_failure}", BonasWarning, stacklevel=2)

    def _scored(self) -> bool:
        """Whether anything has a score, be it beyond the limits."""
        return self._session.best() is not None or any(e.score is not None for e in self.evaluations)

    def _outcome(self, outcome: object) -> dict[str, float]:
        """Return the numbers of an outcome that the study reads, by name."""
        if not isinstance(outcome, Mapping):
            return {self._score: _float(outcome, "the score")}
        # Without the score nothing is ignored: the error names what was given in its place.
        everything = self._score not in outcome
        named = {_name(name): value for name, value in outcome.items()}
        return {
            name: _float(value, f"`{name}`")
            for name, value in named.items()
            if everything or name in self._read
        }

    # Results

    @property
    def evaluations(self) -> list[Evaluation]:
        """What was evaluated: what was imported, then what was told, in order."""
        with self._lock:
            for known in self._session.evaluations(len(self._known)):
                self._known.append(_evaluation(known, self._measures))
            return list(self._known)

    @property
    def history(self) -> Any:
        """What was evaluated, as a table: a ``pandas.DataFrame`` if pandas is installed, else a list of dicts.

        A measure that is called like another column, such as ``batch``, is in the column ``measure.batch``.
        """
        rows = [_row(evaluation, self._measures) for evaluation in self.evaluations]
        try:
            import pandas
        except ImportError:
            return rows
        return pandas.DataFrame(rows, columns=[*_COLUMNS, *map(_column, self._measures)])

    @property
    def best(self) -> Evaluation:
        """The evaluation with the highest score among those that keep the limits, the earliest of equals."""
        place = self._session.best()
        if place is None:
            raise NoScoreError("nothing was evaluated that has a score and keeps the limits")
        return self.evaluations[place]

    @property
    def ended(self) -> str | None:
        """Why the study is over: ``"budget"`` or ``"exhausted"``; None while it goes on."""
        return self._session.ended()

    @property
    def budget(self) -> int | None:
        """Unique architectures to evaluate in all; None: no limit."""
        return self._session.budget()

    @property
    def space(self) -> Space:
        """The search space."""
        return self._session.space

    @property
    def path(self) -> Path | None:
        """The folder; None for a study in memory."""
        return self._path

    @property
    def config(self) -> str:
        """The configuration, with every key and what it means."""
        return self._session.config()

    # The folder

    def extend(self, budget: int) -> None:
        """Give a study in a folder another budget; one that was over goes on."""
        self._session.extend(_count(budget, "budget", least=1))
        self._warn()

    def report(self) -> Path:
        """Write the report of what there is, and return the path of its page."""
        self._session.report()
        assert self._path is not None
        return self._path / "report.html"

    def close(self) -> None:
        """Release the folder for other processes. A study in memory is gone then."""
        self._session.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> object:
        raise TypeError("a Study cannot be pickled: open its folder in one process only (Study.open)")

    def __repr__(self) -> str:
        place = "in memory" if self._path is None else repr(str(self._path))
        if self._session.closed():
            return f"<bonas.Study {self.space.name}, {place}, closed>"
        told, pending = self._session.told(), len(self._session.pending())
        return f"<bonas.Study {self.space.name}, {place}: {told} told, {pending} pending>"

    def _warn(self) -> None:
        # The end of a study in a folder is looked at by each step, and says the same each time.
        for text in dict.fromkeys(self._session.warnings()):
            warnings.warn(text, BonasWarning, stacklevel=3)


class _NoOutcomeError(Exception):
    """What was returned or told is no outcome."""


@dataclass
class _Run:
    """A call of `Study.optimize`; its generators yield after each trial that was told."""

    study: Study
    fn: Callable[[Architecture], Outcome]
    most: int | None
    stop: bool
    last_failure: str | None = None

    def __post_init__(self) -> None:
        with self.study._handing_out:
            others = self.study._asked | self.study._busy
            self.left_over = deque(trial for trial in self.study.pending if trial.id not in others)
            self.own = {trial.id for trial in self.left_over}
            self.study._busy |= self.own
        self.begun = 0

    def next(self) -> Trial | None:
        """Return the next trial: one that is left over, or a new one."""
        if self.most is not None and self.begun == self.most:
            return None
        if self.left_over:
            trial = self.left_over.popleft()
        else:
            with self.study._handing_out:
                new = self.study._session.ask(1)
                if not new:
                    return None
                trial = _trial(new[0])
                self.own.add(trial.id)
                self.study._busy.add(trial.id)
        self.begun += 1
        return trial

    def here(self) -> Iterator[None]:
        """Evaluate in this thread."""
        while trial := self.next():
            self.tell(trial, *self.evaluate(trial))
            yield

    def on_threads(self, jobs: int) -> Iterator[None]:
        """Evaluate on threads.

        Outcomes are told in the order of the trials, and a round is asked for once the one before it is told, so that the
        history does not depend on the number of threads.
        """
        waiting: deque[Trial] = deque()
        done: dict[int, tuple[dict[str, float] | None, str | None, BaseException | None]] = {}
        results: queue.SimpleQueue[int] = queue.SimpleQueue()

        def work(trial: Trial) -> None:
            try:
                done[trial.id] = (*self.evaluate(trial), None)
            except BaseException as error:
                done[trial.id] = (None, None, error)
            results.put(trial.id)

        while True:
            while len(waiting) - len(done) < jobs and (
                self.left_over or self.study._session.left() or not waiting
            ):
                trial = self.next()
                if trial is None:
                    break
                waiting.append(trial)
                # A daemon: Ctrl-C must not wait for a function that cannot be stopped.
                threading.Thread(target=work, args=(trial,), daemon=True).start()
            if not waiting:
                return
            results.get()
            while waiting and waiting[0].id in done:
                trial = waiting.popleft()
                measures, failed, error = done.pop(trial.id)
                if error is not None:
                    raise error
                self.tell(trial, measures, failed)
                yield

    def evaluate(self, trial: Trial) -> tuple[dict[str, float] | None, str | None]:
        """Return the measures of a trial, or why there are none."""
        try:
            measures = self.study._outcome(self.fn(trial.architecture))
        except _NoOutcomeError as error:
            if self.stop:
                raise TrialError(f"trial {trial.id}: the function returned no outcome: {error}") from None
            return None, str(error)
        except Exception as error:
            if self.stop:
                raise
            logger.warning("trial %d failed", trial.id, exc_info=True)
            return None, _reason(error)
        fault = self.study._session.fault(measures)
        if fault is not None and self.stop:
            raise TrialError(f"trial {trial.id}: {fault}")
        return (measures, None) if fault is None else (None, fault)

    def tell(self, trial: Trial, measures: dict[str, float] | None, failed: str | None) -> None:
        if measures is not None:
            self.study._session.tell(trial.id, measures)
        else:
            self.last_failure = failed or "no reason"
            logger.warning("trial %d has no score: %s", trial.id, self.last_failure)
            self.study._session.fail(trial.id, self.last_failure)


class _Bar:
    """A bar of tqdm, where it is wanted and installed."""

    def __init__(self, total: int | None, wanted: bool | None) -> None:
        self._bar: Any = None
        if wanted is False or (wanted is None and not _interactive()):
            return
        try:
            from tqdm.auto import tqdm
        except ImportError:
            if wanted:
                raise SettingError("progress: tqdm is not installed; pip install tqdm") from None
            return
        self._bar = tqdm(total=total, unit="trial")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, study: Study) -> None:
        if self._bar is not None:
            place = study._session.best()
            if place is not None:
                self._bar.set_postfix(best=f"{study.evaluations[place].score:.6g}", refresh=False)
            self._bar.update()

    def set(self, done: int, total: int) -> None:
        """Show how many of all are done."""
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)


def _interactive() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _facts() -> list[tuple[str, str]]:
    return [
        ("bonas", f"{_bonas.__version__}, Python package"),
        ("system", f"{platform.system().lower()} {platform.machine()}"),
        ("python", platform.python_version()),
        ("cores", str(os.cpu_count() or "unknown")),
        ("command", " ".join(sys.argv)),
    ]


def _budget(budget: int | None) -> dict[str, int]:
    if budget is None:
        return {"architectures": 0, "rounds": _NO_LIMIT}
    return {"architectures": _count(budget, "budget", least=1)}


def _count(number: int, name: str, *, least: int) -> int:
    """Return a whole number, which may be one of numpy."""
    try:
        count = operator.index(number)
    except TypeError:
        raise ArgumentTypeError(f"{name} must be a whole number, not {type(number).__name__}") from None
    if isinstance(number, bool):
        raise ArgumentTypeError(f"{name} must be a whole number, not bool")
    if count < least:
        raise SettingError(f"{name}: {count} is out of range; expected at least {least}")
    if count > _MOST:
        raise SettingError(f"{name}: the number is out of range; expected at most {_MOST}")
    return count


def _path(path: object, name: str = "path") -> Path:
    """Return a path, which may be a text."""
    if isinstance(path, (str, os.PathLike)):
        text = os.fspath(path)
        if isinstance(text, str):
            return Path(text)
    raise ArgumentTypeError(f"{name} must be a path, not {type(path).__name__}")


def _list(values: Iterable[Any], name: str) -> list[Any]:
    try:
        return list(values)
    except TypeError:
        raise ArgumentTypeError(f"{name} must be a list, not {type(values).__name__}") from None


def _strategy(strategy: object, name: str) -> dict[str, object]:
    """Return the settings of a strategy, which may be a name alone."""
    if isinstance(strategy, str):
        return {"name": strategy}
    if isinstance(strategy, Mapping):
        return dict(strategy)
    raise ArgumentTypeError(f"{name} must be a name, or a mapping of settings, not {type(strategy).__name__}")


def _least(a: int | None, b: int) -> int:
    return b if a is None else min(a, b)


def _space_section(space: Space | str) -> dict[str, object]:
    """Return what a configuration says of a space."""
    if isinstance(space, Space):
        return {"name": space.setting, "text": space.toml}
    if isinstance(space, str):
        # A name that is unknown is an error of spaces.
        return _space_section(_bonas.space(space))
    raise ArgumentTypeError(f"space must be a bonas.Space or the name of one, not {type(space).__name__}")


def _number_of(trial: Trial | int) -> int:
    return trial.id if isinstance(trial, Trial) else _count(trial, "trial", least=0)


def _score_of(config: str) -> str:
    """Return the name of the measure that is the score, without its sign."""
    found = re.search(r"^score = ([\"'])(.*)\1$", config, re.MULTILINE)
    if found is None:
        return "score"
    quote, text = found.groups()
    name: str = json.loads(f'"{text}"') if quote == '"' else text
    return name.removeprefix("-")


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise _NoOutcomeError(f"the name of a measure is {name!r}, no text")
    return name


def _float(value: object, what: str) -> float:
    """Return a number as a float: Python's, numpy's, or an array or tensor of one number."""
    if value is None:
        raise _NoOutcomeError(f"{what} is None, no number")
    if not isinstance(value, (bool, np.bool_, str, bytes)):
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise _NoOutcomeError(f"{what} is too large a number") from None
        except (TypeError, ValueError, RuntimeError):
            pass
    raise _NoOutcomeError(
        f"{what} is of type {type(value).__name__}; expected a number, or a mapping of numbers by name"
    )


def _one_line(text: str) -> str:
    """Return a text without what a terminal would obey, cut to what a reason may have."""
    begun = text[: 10 * _REASON]
    line = " ".join("".join(c if c.isprintable() else " " for c in begun).split())
    return line if len(line) <= _REASON else f"{line[: _REASON - 3]}..."


def _reason(error: Exception) -> str:
    """Return the type and the text of an exception."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:
        # Its own text cannot be made.
        return name
    return _one_line(f"{name}: {text}") if text.strip() else name


def _trial(known: tuple[Any, ...]) -> Trial:
    number, architecture, predicted, round_, batch = known
    return Trial(number, architecture, _prediction(predicted), round_, batch)


def _prediction(known: tuple[float, float] | None) -> Prediction | None:
    return None if known is None else Prediction(*known)


def _evaluation(known: tuple[Any, ...], names: Sequence[str]) -> Evaluation:
    architecture, score, failed, measures, infeasible, predicted, round_, batch = known
    named = dict(zip(names, measures, strict=False))
    return Evaluation(
        architecture, score, failed, named, not infeasible, _prediction(predicted), round_, batch
    )


_COLUMNS = (
    "architecture",
    "key",
    "score",
    "failed",
    "feasible",
    "predicted_mean",
    "predicted_std",
    "round",
    "batch",
)


def _column(measure: str) -> str:
    """Return the column of a measure in the history."""
    return f"measure.{measure}" if measure in _COLUMNS else measure


def _row(evaluation: Evaluation, names: Sequence[str]) -> dict[str, Any]:
    predicted = evaluation.predicted
    values = (
        evaluation.architecture.text,
        evaluation.architecture.key,
        np.nan if evaluation.score is None else evaluation.score,
        evaluation.failed,
        evaluation.feasible,
        np.nan if predicted is None else predicted.mean,
        np.nan if predicted is None else predicted.std,
        evaluation.round,
        evaluation.batch,
    )
    measures = {_column(name): evaluation.measures.get(name, np.nan) for name in names}
    return {**dict(zip(_COLUMNS, values, strict=True)), **measures}
