"""A search algorithm for Ray Tune 2.60.

::

    from ray import tune
    from bonas.integrations.ray import BonasSearch, architecture

    def train(config):
        cell = architecture(config)
        return {"accuracy": cell.text.count("nor_conv_3x3") / 6}

    search = BonasSearch("nasbench201", "accuracy", "max", path="runs/ray")
    tune_config = tune.TuneConfig(search_alg=search, num_samples=20)
    results = tune.Tuner(train, tune_config=tune_config).fit()
"""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ray.tune.search import Searcher
from ray.tune.search.sample import Domain

from .._bonas import Architecture, Space
from .._bonas import space as get_space
from .._errors import SettingError, TrialError
from .._study import Study, Trial, _one_line

__all__ = ["BonasSearch", "architecture"]

#: Keys of the configuration of a trial: the text of the architecture, the name of its space, and what declares that, if
#: it is not built in.
ARCHITECTURE = "architecture"
SPACE = "space"
SPACE_TEXT = "space_text"


def architecture(config: Mapping[str, Any]) -> Architecture:
    """Return the architecture of a trial's configuration."""
    return Architecture(get_space(config[SPACE], config.get(SPACE_TEXT)), config[ARCHITECTURE])


class BonasSearch(Searcher):  # type: ignore[misc, unused-ignore]
    """Suggests architectures of a space.

    The configuration of a trial has the text of the architecture and the name of its space (:func:`architecture` makes one
    of them); Ray adds the constants in `param_space` of the tuner.

    Parameters
    ----------
    space
        A space, or the name of one.
    metric, mode
        The result that is the score, and ``"max"`` or ``"min"``. Ray hands those of the tuner on only if it has a
        `param_space`.
    strategy, seed, budget
        As those of :class:`bonas.Study`.
    path
        The folder of the study, on the machine of the tuner. A restored tuner goes on there.
    """

    def __init__(
        self,
        space: Space | str,
        metric: str | None = None,
        mode: str | None = None,
        *,
        path: str | os.PathLike[str],
        strategy: str | Mapping[str, object] = "bonas",
        seed: int = 1,
        budget: int | None = None,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._arguments: dict[str, Any] = {
            "space": get_space(space) if isinstance(space, str) else space,
            "strategy": strategy if isinstance(strategy, str) else dict(strategy),
            "seed": seed,
            "budget": budget,
            # Ray changes the folder in which programs run.
            "path": Path(os.fspath(path)).absolute(),
        }
        # Numbers of our trials by the names of Ray's.
        self._live: dict[str, int] = {}
        self._study: Study | None = None
        self._left_over: deque[Trial] = deque()
        # Settings that cannot be used are refused here, and a folder that cannot be opened.
        self._opened()
        self.close()

    @property
    def study(self) -> Study:
        """The study in the folder; while it is open nobody else can open it."""
        return self._opened()

    def close(self) -> None:
        """Give the folder free, until the next trial."""
        if self._study is not None:
            self._study.close()
            self._study = None

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Take metric, mode and constants of the tuner."""
        searched = [key for key, value in config.items() if isinstance(value, Domain) or _is_grid(value)]
        if searched:
            raise SettingError(
                f"param_space: {', '.join(searched)} is to be searched; BonasSearch searches the space of architectures "
                "alone, give constants"
            )
        clash = {ARCHITECTURE, SPACE, SPACE_TEXT} & set(config)
        if clash:
            raise SettingError(
                f"param_space: {', '.join(sorted(clash))} is set by BonasSearch; take another name"
            )
        if mode is not None and mode not in ("min", "max"):
            raise SettingError(f"mode: {mode!r} is unknown; expected 'min' or 'max'")
        self._metric = self._metric or metric
        self._mode = self._mode or mode
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the configuration of a trial; None while nothing can be proposed before another is done."""
        if self._metric is None or self._mode is None:
            raise SettingError(
                "metric: give BonasSearch the name of the result that is the score, and mode='max' or 'min' (Ray hands "
                "those of TuneConfig on only if there is a param_space)"
            )
        study = self._opened()
        if self._left_over:
            trial = self._left_over.popleft()
        elif asked := study.ask(1):
            trial = asked[0]
        else:
            # Ray's word for the end is a text.
            return cast("dict[str, Any]", self.FINISHED) if study.ended else None
        self._live[trial_id] = trial.id
        config = {SPACE: study.space.setting, ARCHITECTURE: trial.architecture.text}
        return config if study.space.toml is None else {**config, SPACE_TEXT: study.space.toml}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the outcome of a trial."""
        study = self._opened()
        number = self._live.pop(trial_id, None)
        if number is None:
            return
        if all(trial.id != number for trial in study.pending):
            # It was told before the tuner was stopped, and Ray's own state is older.
            return
        value = None if result is None or self._metric is None else result.get(self._metric)
        if error:
            study.tell(number, failed="the trial ended with an error")
        elif value is None:
            study.tell(number, failed=f"the result has no {self._metric}")
        else:
            try:
                study.tell(number, -value if self._mode == "min" else value)
            except (TrialError, TypeError) as fault:
                study.tell(number, failed=_one_line(str(fault)))

    def save(self, checkpoint_path: str) -> None:
        """Write which of Ray's trials are under way; all else is in the folder of the study."""
        with open(checkpoint_path, "wb") as file:
            pickle.dump(self.__getstate__(), file)

    def restore(self, checkpoint_path: str) -> None:
        """Go on from what `save` wrote."""
        with open(checkpoint_path, "rb") as file:
            state = pickle.load(file)
        self.close()
        self.__setstate__(state)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_study": None, "_left_over": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._study, self._left_over = None, deque()

    def _opened(self) -> Study:
        if self._study is None:
            self._study = Study(**self._arguments)
            # Handed out by a process that was stopped before Ray noted it.
            live = set(self._live.values())
            self._left_over = deque(trial for trial in self._study.pending if trial.id not in live)
        return self._study


def _is_grid(value: object) -> bool:
    return isinstance(value, Mapping) and "grid_search" in value
