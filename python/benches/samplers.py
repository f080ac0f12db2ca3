"""Compare strategy bonas with Optuna's samplers on the table inside the program: queries to the best, and time of an ask.

    python samplers.py [SEEDS] [BUDGET]

The table has the 1,236 unique cells of NAS-Bench-201 without pooling, trained on 8x8 digits; a query is a cell's mean
validation accuracy. Queries that repeat an isomorphic cell count, too: Optuna's samplers do not know what is isomorphic.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeAlias

import optuna

import bonas
from bonas.integrations.optuna import BonasSampler

#: The operations, with the layers that the space's network makes of them.
LAYERS = {
    "none": {"kind": "zero"},
    "skip_connect": {"kind": "identity"},
    "nor_conv_1x1": {"kind": "conv", "kernel": 1},
    "nor_conv_3x3": {"kind": "conv", "kernel": 3},
}
OPS = list(LAYERS)
SPACE = bonas.spaces.Cells(
    "digits",
    [{"name": op, "layer": layer} for op, layer in LAYERS.items()],
    nodes=2,
    same="expression",
    network={"skeletons": ["nasbench201"]},
)


#: Queries to the best of a seed and a budget, None if it was not found; and seconds of each ask.
Run: TypeAlias = Callable[[int, int], tuple[int | None, list[float]]]


def table() -> dict[bonas.Architecture, float]:
    """Return the scores of all cells of the table, by a comparison that queries every one of them."""
    all_of_it = bonas.compare(strategies=["random"], seeds=1, budget=1236, stop_at_optimum=False)
    return {SPACE.parse(row["arch"]): float(row["search"]) for row in all_of_it._results}


def by_optuna(
    make: Callable[[int], optuna.samplers.BaseSampler], scores: dict[bonas.Architecture, float]
) -> Run:
    """Return a run of a sampler, until it has queried the best."""
    best = max(scores.values())

    def run(seed: int, budget: int) -> tuple[int | None, list[float]]:
        study = optuna.create_study(direction="maximize", sampler=make(seed))
        asks: list[float] = []
        for query in range(1, budget + 1):
            begun = time.perf_counter()
            trial = study.ask()
            ops = [OPS.index(trial.suggest_categorical(f"choice{i}", OPS)) for i in range(6)]
            asks.append(time.perf_counter() - begun)
            cell = SPACE.from_choices(ops)
            study.tell(trial, scores[cell])
            if scores[cell] == best:
                return query, asks
        return None, asks

    return run


def main() -> None:
    """Print a row for each sampler."""
    seeds, budget = (int(text) for text in (*sys.argv[1:], "10", "150")[:2])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    scores = table()
    samplers: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
        "bonas": lambda seed: BonasSampler(SPACE, {"name": "bonas", "batch": 1, "initial": 5}, seed),
        "TPE": lambda seed: optuna.samplers.TPESampler(seed=seed),
        "TPE, univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
        "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    }
    print(f"{len(scores)} cells, {seeds} seeds, {budget} queries at most")
    print(f"{'sampler':<20}{'queries to best':>18}{'found':>8}{'ask ms, mean':>14}{'p95':>8}")
    for name, make in samplers.items():
        run = by_optuna(make, scores)
        found: list[int | None] = []
        asks: list[float] = []
        for seed in range(1, seeds + 1):
            query, seconds = run(seed, budget)
            found.append(query)
            asks += seconds
        capped = [budget if query is None else query for query in found]
        more = ">" if None in found else ""
        share = sum(query is not None for query in found) / seeds
        p95 = statistics.quantiles(asks, n=20)[18]
        print(
            f"{name:<20}{more + format(statistics.mean(capped), '.1f'):>18}{share:>8.0%}"
            f"{1000 * statistics.mean(asks):>14.1f}{1000 * p95:>8.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
