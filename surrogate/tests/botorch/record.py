"""Records values of BoTorch's acquisition functions for the test `surrogate/tests/botorch.rs`.

    python3 -m venv botorch && botorch/bin/pip install botorch
    botorch/bin/python surrogate/tests/botorch/record.py > surrogate/tests/botorch/values.json

The posteriors are Gaussian with random means and covariances. Monte-Carlo values take base samples that are recorded, so
that they can be computed again exactly. Shapes: n measured points, q candidates, s draws, m objectives.
"""

import json
import warnings

import botorch
import torch
from botorch.acquisition.analytic import ExpectedImprovement, LogExpectedImprovement
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.monte_carlo import qExpectedImprovement
from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.monte_carlo import qNoisyExpectedHypervolumeImprovement
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.sampling.normal import IIDNormalSampler
from botorch.utils.multi_objective.box_decompositions.non_dominated import NondominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.float64)
RANDOM = torch.Generator().manual_seed(16)


class Table(Model):
    """A model whose posterior is given: `mean [n, m]`, and a covariance `[n, n]` of each objective.

    The one feature of a point is its row.
    """

    def __init__(self, mean, covariances):
        super().__init__()
        self.mean, self.covariances = mean, covariances

    @property
    def num_outputs(self):
        return self.mean.shape[-1]

    @property
    def batch_shape(self):
        return torch.Size()

    def posterior(self, X, **_):
        rows = X[..., 0].round().long()
        batch = rows.shape[:-1]
        rows = rows.reshape(-1, rows.shape[-1])[0]
        laws = [
            MultivariateNormal(
                self.mean[rows, k].expand(*batch, -1),
                covariance[rows][:, rows].expand(*batch, -1, -1),
            )
            for k, covariance in enumerate(self.covariances)
        ]
        if len(laws) == 1:
            return GPyTorchPosterior(laws[0])
        return GPyTorchPosterior(MultitaskMultivariateNormal.from_independent_mvns(laws))


class Recorded(IIDNormalSampler):
    """Takes the first rows of given base samples `[s, n, m]`, however many points are drawn."""

    def __init__(self, base):
        super().__init__(sample_shape=torch.Size([base.shape[0]]))
        self.base = base

    def _construct_base_samples(self, posterior):
        points = posterior._extended_shape()[-2]
        self.base_samples = self.base[:, :points].reshape(self._get_collapsed_shape(posterior))

    def _update_base_samples(self, posterior, base_sampler):
        self._construct_base_samples(posterior)


def normal(*shape):
    return torch.randn(*shape, generator=RANDOM)


def covariance(n):
    root = normal(n, n + 1)
    return 0.2 * (root @ root.T) / n + 0.01 * torch.eye(n)


def rows(*numbers):
    return torch.tensor(numbers).double().unsqueeze(-1)


def numbers(tensor):
    return tensor.detach().tolist()


def improvement(mean, variance, best):
    table = Table(torch.tensor([[mean]]), [torch.tensor([[variance]])])
    ei = ExpectedImprovement(table, best_f=best)(rows(0).unsqueeze(0))
    log_ei = LogExpectedImprovement(table, best_f=best)(rows(0).unsqueeze(0))
    return {"mean": mean, "variance": variance, "best": best, "ei": ei.item(), "log_ei": log_ei.item()}


def batch_improvement(q, best, fat, tau_max, tau_relu):
    mean, cov, base = normal(q, 1), covariance(q), normal(32, q, 1)
    table, at = Table(mean, [cov]), rows(*range(q)).unsqueeze(0)
    smooth = qLogExpectedImprovement(
        table, best_f=best, sampler=Recorded(base), fat=fat, tau_max=tau_max, tau_relu=tau_relu
    )
    return {
        "mean": numbers(mean[:, 0]),
        "covariance": numbers(cov),
        "base": numbers(base[:, :, 0]),
        "best": best,
        "fat": fat,
        "tau_max": tau_max,
        "tau_relu": tau_relu,
        "q_ei": qExpectedImprovement(table, best_f=best, sampler=Recorded(base))(at).item(),
        "q_log_ei": smooth(at).item(),
    }


def hypervolume_improvement(m, n):
    points, reference = normal(n, m), torch.full((m,), -1.5)
    mean, variance = normal(1, m), torch.rand(m, generator=RANDOM) + 0.05
    table = Table(mean, [variance[k].reshape(1, 1) for k in range(m)])
    boxes = NondominatedPartitioning(ref_point=reference, Y=points)
    value = ExpectedHypervolumeImprovement(table, ref_point=reference, partitioning=boxes)
    front = points[is_non_dominated(points)]
    return {
        "points": numbers(points),
        "reference": numbers(reference),
        "inferred_reference": numbers(infer_reference_point(front)),
        "hypervolume": boxes.compute_hypervolume().item(),
        "mean": numbers(mean[0]),
        "variance": numbers(variance),
        "ehvi": value(rows(0).unsqueeze(0)).item(),
    }


def noisy_improvement(m, n, q):
    mean, covariances, base = normal(n + q, m), [covariance(n + q) for _ in range(m)], normal(16, n + q, m)
    reference = torch.full((m,), -1.0)
    value = qNoisyExpectedHypervolumeImprovement(
        Table(mean, covariances),
        ref_point=reference,
        X_baseline=rows(*range(n)),
        sampler=Recorded(base),
        prune_baseline=False,
        cache_root=False,
    )
    return {
        "observed": n,
        "reference": numbers(reference),
        "mean": numbers(mean.T),
        "covariance": [numbers(c) for c in covariances],
        "base": numbers(base.permute(2, 0, 1)),
        "nehvi": value(rows(*range(n, n + q)).unsqueeze(0)).item(),
    }


def main():
    settings = [(True, 1e-2, 1e-6), (False, 1e-2, 1e-6), (True, 0.1, 0.05), (False, 0.1, 0.05)]
    record = {
        "botorch": botorch.__version__,
        "torch": torch.__version__,
        "improvement": [
            improvement(*case)
            for case in [(0.9, 0.01, 0.8), (0.0, 1.0, 0.0), (-1.0, 0.3, 2.5), (-40.0, 1.0, 0.0), (5.0, 4.0, -3.0)]
        ],
        "batch_improvement": [
            batch_improvement(q, best, *case) for q in [1, 2, 4] for best in [0.3, 2.5] for case in settings
        ],
        "hypervolume_improvement": [
            hypervolume_improvement(m, n) for m in [2, 3, 4] for n in [1, 4, 9]
        ],
        "noisy_improvement": [
            noisy_improvement(m, n, q) for m, n, q in [(2, 4, 1), (2, 6, 3), (3, 4, 1), (3, 5, 2), (4, 4, 2)]
        ],
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
