"""One training step of a DARTS path in Python's torch: the other side of benches/supernet.rs.

Reads settings from the command line and prints one number a step, in milliseconds of processor
time, on a line of its own. The network is that of Liu et al. 2019 with the normalisation of weight-sharing networks
(no scale and shift, one after each pool), written as their code is.
"""

import argparse
import time

import torch
import torch.nn.functional as F
from torch import nn

# DARTS_V2: pairs of (operation, predecessor), two a node.
NORMAL = [
    ("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
    ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2),
]
REDUCE = [
    ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
    ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1),
]


def norm(channels):
    return nn.BatchNorm2d(channels, affine=False)


def conv(c_in, c_out, kernel, stride=1, dilation=1, groups=1):
    padding = dilation * (kernel - 1) // 2
    return nn.Conv2d(c_in, c_out, kernel, stride, padding, dilation, groups, bias=False)


def relu_conv_bn(c_in, c_out):
    return nn.Sequential(nn.ReLU(), conv(c_in, c_out, 1), norm(c_out))


def depthwise_separable(c, kernel, stride, dilation=1):
    return [nn.ReLU(), conv(c, c, kernel, stride, dilation, groups=c), conv(c, c, 1), norm(c)]


class FactorizedReduce(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.relu = nn.ReLU()
        self.first = conv(c_in, c_out // 2, 1, 2)
        self.second = conv(c_in, c_out // 2, 1, 2)
        self.bn = norm(c_out)

    def forward(self, x):
        x = self.relu(x)
        return self.bn(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], dim=1))


OPS = {
    "max_pool_3x3": lambda c, s: nn.Sequential(nn.MaxPool2d(3, s, 1), norm(c)),
    "skip_connect": lambda c, s: nn.Identity() if s == 1 else FactorizedReduce(c, c),
    "sep_conv_3x3": lambda c, s: nn.Sequential(*depthwise_separable(c, 3, s), *depthwise_separable(c, 3, 1)),
    "dil_conv_3x3": lambda c, s: nn.Sequential(*depthwise_separable(c, 3, s, 2)),
}


class Cell(nn.Module):
    def __init__(self, genotype, c_older, c_newer, c, reduction, after_reduction):
        super().__init__()
        self.older = FactorizedReduce(c_older, c) if after_reduction else relu_conv_bn(c_older, c)
        self.newer = relu_conv_bn(c_newer, c)
        self.sources = [source for _, source in genotype]
        stride = lambda source: 2 if reduction and source < 2 else 1
        self.ops = nn.ModuleList(OPS[op](c, stride(source)) for op, source in genotype)

    def forward(self, older, newer):
        states = [self.older(older), self.newer(newer)]
        for i in range(0, len(self.ops), 2):
            first, second = (self.ops[j](states[self.sources[j]]) for j in (i, i + 1))
            states.append(first + second)
        return torch.cat(states[2:], dim=1)


class Network(nn.Module):
    def __init__(self, c, layers, classes=10):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 3 * c, 3), nn.BatchNorm2d(3 * c))
        self.cells = nn.ModuleList()
        older = newer = 3 * c
        after_reduction = False
        for i in range(layers):
            reduction = i in (layers // 3, 2 * layers // 3)
            if reduction:
                c *= 2
            genotype = REDUCE if reduction else NORMAL
            self.cells.append(Cell(genotype, older, newer, c, reduction, after_reduction))
            older, newer, after_reduction = newer, 4 * c, reduction
        self.classifier = nn.Linear(newer, classes)

    def forward(self, x):
        older = newer = self.stem(x)
        for cell in self.cells:
            older, newer = newer, cell(older, newer)
        return self.classifier(F.adaptive_avg_pool2d(newer, 1).flatten(1))


def wall_times(take_step, warmup, steps):
    """Prints the mean wall time of a step; the device is waited for before and after, and not between."""
    for _ in range(warmup):
        take_step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        take_step()
    torch.cuda.synchronize()
    print(1e3 * (time.perf_counter() - start) / steps, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mixed", action="store_true", help="autocast to bfloat16")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    device = torch.device(args.device)
    net = Network(args.channels, args.layers).to(device, memory_format=layout).train()
    print("params", sum(p.numel() for p in net.parameters()), flush=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    count = args.batch * 3 * 32 * 32
    x = torch.sin(0.013 * torch.arange(count, dtype=torch.float64)).float().view(args.batch, 3, 32, 32).to(device)
    labels = (torch.arange(args.batch) % 10).to(device)

    def take_step():
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=args.mixed):
            loss = F.cross_entropy(net(x.contiguous(memory_format=layout)), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        return loss

    if device.type == "cuda":
        wall_times(take_step, args.warmup, args.steps)
        return
    for step in range(args.warmup + args.steps):
        start = time.process_time()
        take_step().item()
        if step >= args.warmup:
            print(1e3 * (time.process_time() - start), flush=True)


if __name__ == "__main__":
    main()
