"""One step of differentiable search in Python's torch: the other side of benches/relaxation.rs.

Prints one line at the end: parameters, processor milliseconds of the fastest step, and the highest
resident memory less that before the first step, in MB. The networks are those of Liu et al. 2019
(DARTS), Xu et al. 2020 (PC-DARTS) and Ding et al. 2022 (BNAS-v2), written as their code is, with
two exceptions that make this the same step as ours: `none`, which adds zeros, is left out, and the
gradient by the architecture is not taken by the weights as well.
"""

import argparse
import resource
import time

import torch
import torch.nn.functional as F
from torch import nn

from supernet_step import FactorizedReduce, conv, depthwise_separable, norm, relu_conv_bn

OPS = [
    lambda c, s: nn.Sequential(nn.MaxPool2d(3, s, 1), norm(c)),
    lambda c, s: nn.Sequential(nn.AvgPool2d(3, s, 1, count_include_pad=False), norm(c)),
    lambda c, s: nn.Identity() if s == 1 else FactorizedReduce(c, c),
    lambda c, s: nn.Sequential(*depthwise_separable(c, 3, s), *depthwise_separable(c, 3, 1)),
    lambda c, s: nn.Sequential(*depthwise_separable(c, 5, s), *depthwise_separable(c, 5, 1)),
    lambda c, s: nn.Sequential(*depthwise_separable(c, 3, s, 2)),
    lambda c, s: nn.Sequential(*depthwise_separable(c, 5, s, 2)),
]


def channel_shuffle(x, groups):
    batch, channels, height, width = x.shape
    x = x.view(batch, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


class MixedOp(nn.Module):
    def __init__(self, c, stride, k):
        super().__init__()
        self.k, self.stride = k, stride
        self.ops = nn.ModuleList(op(c // k, stride) for op in OPS)

    def forward(self, x, weights):
        if self.k == 1:
            return sum(w * op(x) for w, op in zip(weights, self.ops))
        part = x.shape[1] // self.k
        first, others = x[:, :part], x[:, part:]
        mixed = sum(w * op(first) for w, op in zip(weights, self.ops))
        others = others if self.stride == 1 else F.max_pool2d(others, 2, 2)
        return channel_shuffle(torch.cat([mixed, others], dim=1), self.k)


class Cell(nn.Module):
    def __init__(self, c_older, c_newer, c, stride, after_reduction, k):
        super().__init__()
        self.older = FactorizedReduce(c_older, c) if after_reduction else relu_conv_bn(c_older, c)
        self.newer = relu_conv_bn(c_newer, c)
        edges = [j for i in range(4) for j in range(2 + i)]
        self.ops = nn.ModuleList(MixedOp(c, stride if j < 2 else 1, k) for j in edges)

    def forward(self, older, newer, weights, edges):
        states = [self.older(older), self.newer(newer)]
        offset = 0
        for _ in range(4):
            terms = (self.ops[offset + j](h, weights[offset + j]) for j, h in enumerate(states))
            if edges is not None:
                terms = (edges[offset + j] * term for j, term in enumerate(terms))
            total = sum(terms)
            offset += len(states)
            states.append(total)
        return torch.cat(states[-4:], dim=1)


class Darts(nn.Module):
    def __init__(self, c, k, layers=8, classes=2):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 3 * c, 3), nn.BatchNorm2d(3 * c))
        self.cells, self.roles = nn.ModuleList(), []
        older = newer = 3 * c
        after_reduction = False
        for i in range(layers):
            reduction = i in (layers // 3, 2 * layers // 3)
            c = 2 * c if reduction else c
            self.cells.append(Cell(older, newer, c, 2 if reduction else 1, after_reduction, k))
            self.roles.append(int(reduction))
            older, newer, after_reduction = newer, 4 * c, reduction
        self.classifier = nn.Linear(newer, classes)

    def forward(self, x, mixture):
        older = newer = self.stem(x)
        for cell, role in zip(self.cells, self.roles):
            older, newer = newer, cell(older, newer, *mixture[role])
        return self.classifier(F.adaptive_avg_pool2d(newer, 1).flatten(1))


def embedding(c_in, c_out, halvings=0):
    """ReLU, 1x1 convolution and normalisation with scale and shift, then halved so often."""
    layers = [nn.ReLU(), conv(c_in, c_out, 1), nn.BatchNorm2d(c_out)]
    for _ in range(halvings):
        reduce = FactorizedReduce(c_out, c_out)
        reduce.bn = nn.BatchNorm2d(c_out)
        layers.append(reduce)
    return nn.Sequential(*layers)


class Broad(nn.Module):
    def __init__(self, c, k, classes=2):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 3 * c, 3), nn.BatchNorm2d(3 * c))
        self.first = Cell(3 * c, 3 * c, 2 * c, 2, False, k)
        self.second = Cell(3 * c, 8 * c, 4 * c, 2, True, k)
        self.taps = nn.ModuleList([embedding(3 * c, c, 2), embedding(8 * c, 2 * c, 1)])
        self.before, self.last = embedding(8 * c, 2 * c, 1), embedding(16 * c, 16 * c)
        self.enhancement = Cell(2 * c, 16 * c, 4 * c, 1, False, k)
        self.tap = embedding(16 * c, 16 * c)
        self.classifier = nn.Linear(19 * c, classes)

    def forward(self, x, mixture):
        stem = self.stem(x)
        first = self.first(stem, stem, *mixture[0])
        second = self.second(stem, first, *mixture[0])
        enhanced = self.enhancement(self.before(first), self.last(second), *mixture[1])
        wide = torch.cat([self.taps[0](stem), self.taps[1](first), self.tap(enhanced)], dim=1)
        return self.classifier(F.adaptive_avg_pool2d(wide, 1).flatten(1))


def mixture(alphas, betas):
    """Of each role the weights of operations, without `none`, and of edges."""
    weights = [alpha.softmax(-1)[:, 1:] for alpha in alphas]
    if not betas:
        return [(w, None) for w in weights]
    edges = [torch.cat([part.softmax(-1) for part in beta.split([2, 3, 4, 5])]) for beta in betas]
    return list(zip(weights, edges))


def resident_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--partial", type=int, default=1)
    parser.add_argument("--broad", action="store_true")
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = (Broad if args.broad else Darts)(args.channels, args.partial).train()
    alphas = [(1e-3 * torch.randn(14, 8)).requires_grad_() for _ in range(2)]
    betas = [(1e-3 * torch.randn(14)).requires_grad_() for _ in range(2 if args.partial > 1 else 0)]
    weights = list(net.parameters())
    sgd = torch.optim.SGD(weights, lr=0.025, momentum=0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(alphas + betas, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    count = args.batch * 3 * 32 * 32
    x = torch.sin(0.013 * torch.arange(count, dtype=torch.float64)).float().view(args.batch, 3, 32, 32)
    labels = torch.arange(args.batch) % 2

    def descend(optimizer, leaves, clip=None):
        loss = F.cross_entropy(net(x, mixture(alphas, betas)), labels)
        for leaf, gradient in zip(leaves, torch.autograd.grad(loss, leaves)):
            leaf.grad = gradient
        if clip:
            nn.utils.clip_grad_norm_(leaves, clip)
        optimizer.step()
        return loss.item()

    before, fastest = resident_mb(), float("inf")
    for step in range(args.steps + 2):
        start = time.process_time()
        descend(adam, alphas + betas)
        descend(sgd, weights, clip=5.0)
        if step >= 2:
            fastest = min(fastest, 1e3 * (time.process_time() - start))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(sum(p.numel() for p in weights), fastest, peak - before)


if __name__ == "__main__":
    main()
