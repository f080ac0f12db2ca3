"""A sampler for Optuna 5.

>>> import optuna
>>> from bonas.integrations.optuna import BonasSampler
>>> optuna.logging.set_verbosity(optuna.logging.WARNING)
>>> sampler = BonasSampler("nasbench201", seed=1)
>>> study = optuna.create_study(direction="maximize", sampler=sampler)
>>> study.optimize(lambda trial: sampler.suggest(trial).text.count("nor_conv_3x3") / 6, n_trials=20)
>>> study.best_value > 0.6
True
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study as OptunaStudy
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial

from .._bonas import Architecture, Space
from .._errors import EvaluationError, SettingError, SpaceError
from .._study import Study, Trial

__all__ = ["BonasSampler"]


class BonasSampler(BaseSampler):
    """Samples architectures of a space whose architectures are independent choices.

    An objective suggests each choice by name: `suggest_categorical` with as many values as the choice has options, in the
    order of the options, or `suggest_int` with as many numbers. Or it calls :meth:`suggest`, which does that. Parameters of
    other names, and values of another number, are refused. A sampler is of one study of Optuna; another one needs its own.

    Parameters
    ----------
    space
        A space, or the name of one, with `choice_counts`.
    strategy, seed
        As those of :class:`bonas.Study`.
    names
        What the choices are called, in the order of `choice_counts`; by default as the space declares them, else
        ``choice0``, ``choice1`` and so on.
    path
        The folder of a :class:`bonas.Study`, where the sampler goes on in another process. None: it is kept in memory, and
        the trials of Optuna's study that are complete by then are its first observations.
    """

    def __init__(
        self,
        space: Space | str,
        strategy: str | Mapping[str, object] = "bonas",
        seed: int = 1,
        *,
        names: Sequence[str] | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        self._study = Study(space, strategy, seed, path)
        counts = self._study.space.choice_counts
        if counts is None:
            name = self._study.space.name
            raise SpaceError(f"space {name} is not one of independent choices, which Optuna's parameters are")
        self._counts = counts
        declared = self._study.space.choice_names
        if declared is None or len(declared) != len(counts):
            declared = [f"choice{i}" for i in range(len(counts))]
        self._names = declared if names is None else list(names)
        if len(set(self._names)) != len(counts) or len(self._names) != len(counts):
            raise SettingError(
                f"names: expected {len(counts)} different names, one for each choice of the space"
            )
        self._lock = Lock()
        self._left_over = deque(self._study.pending)
        # What was handed out, by the number of Optuna's trial.
        self._trials: dict[int, Trial] = {}
        # The name of Optuna's study, which is known once it has a trial.
        self._of: str | None = None
        self._imported = len(self._study.evaluations) > 0 or path is not None

    @property
    def study(self) -> Study:
        """The study inside: what the sampler knows."""
        return self._study

    def suggest(self, trial: OptunaTrial) -> Architecture:
        """Suggest all choices, as the numbers of their options, and return the architecture."""
        choices = [
            trial.suggest_int(name, 0, count - 1)
            for name, count in zip(self._names, self._counts, strict=True)
        ]
        return self._study.space.from_choices(choices)

    def infer_relative_search_space(
        self, study: OptunaStudy, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return nothing: each parameter is looked up when the objective names it."""
        return {}

    def sample_relative(
        self, study: OptunaStudy, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def before_trial(self, study: OptunaStudy, trial: FrozenTrial) -> None:
        """Refuse studies with several objectives, and a second study."""
        self._raise_error_if_multi_objective(study)
        with self._lock:
            if self._of is None:
                self._of = study.study_name
        if self._of != study.study_name:
            raise SettingError(
                f"sampler: it is that of study {self._of!r}, whose scores say nothing of {study.study_name!r}; "
                "make another BonasSampler"
            )

    def sample_independent(
        self,
        study: OptunaStudy,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the value of a choice in the architecture of the trial."""
        place = self._place(param_name)
        options = self._options(param_name, place, param_distribution)
        choices = self._trial(study, trial).architecture.choices
        assert choices is not None
        return options[choices[place]]

    def after_trial(
        self,
        study: OptunaStudy,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the outcome of the trial."""
        with self._lock:
            ours = self._trials.pop(trial.number, None)
        if ours is None:
            return
        if state == TrialState.COMPLETE and values is not None:
            self._expect_all(ours, trial)
            sign = -1.0 if study.direction == StudyDirection.MINIMIZE else 1.0
            score = sign * values[0]
            fault = self._fault(score)
            if fault is None:
                self._study.tell(ours, score)
            else:
                # Optuna takes it, and a surrogate learns nothing from it but that it is none.
                self._study.tell(ours, failed=fault)
        else:
            self._study.tell(ours, failed="pruned" if state == TrialState.PRUNED else "the trial failed")

    def _trial(self, study: OptunaStudy, trial: FrozenTrial) -> Trial:
        """Return what Optuna's trial evaluates, which is asked for at its first parameter."""
        with self._lock:
            if trial.number not in self._trials:
                self._import(study)
                self._trials[trial.number] = self._left_over.popleft() if self._left_over else self._ask()
            return self._trials[trial.number]

    def _fault(self, score: float) -> str | None:
        """Return why a value of Optuna's is no score here, such as one that is infinite."""
        return self._study._session.fault({"score": score})

    def _ask(self) -> Trial:
        trials = self._study.ask(1)
        if not trials:
            raise EvaluationError("the space has no more architectures; stop the study")
        return trials[0]

    def _import(self, study: OptunaStudy) -> None:
        """Take the trials that Optuna knows already as first observations."""
        if self._imported:
            return
        self._imported = True
        sign = -1.0 if study.direction == StudyDirection.MINIMIZE else 1.0
        known: dict[Architecture, float] = {}
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            architecture = self._architecture(trial)
            if architecture is None or trial.value is None or self._fault(sign * trial.value) is not None:
                continue
            known.setdefault(architecture, sign * trial.value)
        if known:
            self._study.add_known(known.keys(), list(known.values()))

    def _architecture(self, trial: FrozenTrial) -> Architecture | None:
        """Return the architecture of a trial; None if it has not all the choices."""
        if set(self._names) - set(trial.params):
            return None
        choices = []
        for place, name in enumerate(self._names):
            options = self._options(name, place, trial.distributions[name])
            choices.append(options.index(trial.params[name]))
        return self._study.space.from_choices(choices)

    def _place(self, name: str) -> int:
        try:
            return self._names.index(name)
        except ValueError:
            known = ", ".join(self._names)
            space = self._study.space.name
            raise SettingError(
                f"parameter {name!r} is no choice of space {space}; its choices are {known}"
            ) from None

    def _options(self, name: str, place: int, distribution: BaseDistribution) -> Sequence[Any]:
        """Return the values of a parameter in the order of the choice's options."""
        if isinstance(distribution, CategoricalDistribution):
            options: Sequence[Any] = distribution.choices
        elif isinstance(distribution, IntDistribution) and not distribution.log:
            options = range(distribution.low, distribution.high + 1, distribution.step)
        else:
            raise SettingError(
                f"parameter {name!r}: suggest a categorical or a whole number, not {distribution}"
            )
        if len(options) != self._counts[place]:
            raise SettingError(
                f"parameter {name!r} has {len(options)} values, and the choice has {self._counts[place]} options"
            )
        return options

    def _expect_all(self, ours: Trial, trial: FrozenTrial) -> None:
        """Refuse an objective that has not evaluated the architecture that it was given."""
        missing = [name for name in self._names if name not in trial.params]
        if missing:
            self._study.abandon(ours)
            raise SettingError(
                f"the objective suggested no {', '.join(missing)}; it must suggest every choice"
            )
        if self._architecture(trial) != ours.architecture:
            self._study.abandon(ours)
            raise SettingError(
                f"trial {trial.number} has parameters that were set by hand; enqueue trials with every choice, or none"
            )
