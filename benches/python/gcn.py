"""The GCN surrogate of surrogate/benches/gcn.rs in Python's torch, for the ratio of the two.

Same network (4 x 64, batch norm, global node, sigmoid head), loss, optimiser, epochs, batch and Bayesian
sigmoid regression; NAS-Bench-201-sized random graphs of nine rows; one thread, float32. Three ways to write it:
  loader    torch.utils.data.DataLoader over single graphs, batch norm over transposed features, as the
            official BONAS code does
  resident  all graphs in one tensor, batches by indexing
  tuned     that, and batch norm over rows, without a transpose

    python benches/python/gcn.py [repeats]      (torch of the libtorch version, numpy)
"""
import sys, time
import numpy as np, torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

ROWS, CLASSES, WIDTH, EPOCHS, BATCH = 9, 8, 64, 100, 128
SUCCESSORS = {0: (1, 2, 3), 1: (4, 5), 2: (6,), 3: (7,), 4: (6,), 5: (7,), 6: (7,)}


def graph(rng):
    """Six operations on nodes, the fixed wiring of NAS-Bench-201, a global node."""
    adjacency, features = np.zeros((ROWS, ROWS), np.float32), np.zeros((ROWS, CLASSES), np.float32)
    for a, bs in SUCCESSORS.items():
        adjacency[a, list(bs)] = 1
    adjacency[:, -1] = 1
    np.fill_diagonal(adjacency, 1)
    labels = [0, *rng.integers(1, 6, 6), 6, 7]
    features[np.arange(ROWS), labels] = 1
    return adjacency.T.copy(), features


class Graphs(Dataset):
    def __init__(self, graphs, scores):
        self.graphs, self.scores = graphs, scores

    def __len__(self):
        return len(self.graphs)

    def __getitem__(self, i):
        a, x = self.graphs[i]
        return torch.from_numpy(a), torch.from_numpy(x), torch.tensor(self.scores[i], dtype=torch.float32)


class Convolution(nn.Module):
    def __init__(self, d_in, d_out, rowwise):
        super().__init__()
        self.rowwise = rowwise
        self.weight = nn.Parameter(torch.empty(d_in, d_out).uniform_(-0.05, 0.05))
        self.bias = nn.Parameter(torch.empty(d_out).uniform_(-(d_out**-0.5), d_out**-0.5))
        self.norm = nn.BatchNorm1d(d_out)

    def forward(self, h, adjacency):
        h = torch.bmm(adjacency, torch.matmul(h, self.weight)) + self.bias
        if self.rowwise:
            return torch.relu(self.norm(h.flatten(0, 1)).view_as(h))
        return torch.relu(self.norm(h.transpose(1, 2)).transpose(1, 2))


class Gcn(nn.Module):
    def __init__(self, rowwise):
        super().__init__()
        self.layers = nn.ModuleList(Convolution(CLASSES if i == 0 else WIDTH, WIDTH, rowwise) for i in range(4))
        self.head = nn.Linear(WIDTH, 1)

    def embed(self, adjacency, features):
        h = features
        for layer in self.layers:
            h = layer(h, adjacency)
        return h[:, -1]

    def forward(self, adjacency, features):
        return torch.sigmoid(self.head(self.embed(adjacency, features))).squeeze(1)


def fit_bsr(phi, t):
    """MacKay's fixed point on the eigenvalues; published settings."""
    gram, n = phi.T @ phi, len(t)
    eigenvalues = np.linalg.eigvalsh(gram)
    alpha = beta = 1e-5
    for _ in range(200):
        s = np.linalg.inv(alpha * np.eye(len(gram)) + beta * gram)
        m = beta * s @ phi.T @ t
        gamma = (beta * eigenvalues / (beta * eigenvalues + alpha)).sum()
        old = alpha, beta
        alpha = gamma / (m @ m)
        beta = max(n - gamma, 1e-9) / ((t - phi @ m) ** 2).sum()
        if np.allclose(old, (alpha, beta), rtol=1e-5, atol=0):
            break
    return m, s, beta


def loader_batches(graphs, scores):
    loader = DataLoader(Graphs(graphs, scores), BATCH, shuffle=True)
    return lambda: loader


def resident_batches(graphs, scores):
    a = torch.from_numpy(np.stack([g[0] for g in graphs]))
    x = torch.from_numpy(np.stack([g[1] for g in graphs]))
    y = torch.tensor(scores, dtype=torch.float32)

    def batches():
        for index in torch.randperm(len(y)).split(BATCH):
            yield a[index], x[index], y[index]

    return batches


def run(make_batches, rowwise, graphs, scores, candidates):
    model = Gcn(rowwise)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    batches = make_batches(graphs, scores)
    model.train()
    for _ in range(EPOCHS):
        for a, x, y in batches():
            optimiser.zero_grad()
            loss = (torch.exp(y - 1) * (model(a, x) - y) ** 2).mean()
            loss.backward()
            optimiser.step()
    model.eval()

    def embed(items):
        with torch.no_grad():
            a = torch.from_numpy(np.stack([g[0] for g in items]))
            x = torch.from_numpy(np.stack([g[1] for g in items]))
            return model.embed(a, x).double().numpy()

    y = np.clip(scores, 1e-4, 1 - 1e-4)
    m, s, beta = fit_bsr(embed(graphs), np.log(y / (1 - y)))
    phi = embed(candidates)
    return phi @ m, 1 / beta + np.einsum("ij,jk,ik->i", phi, s, phi)


def main():
    torch.set_num_threads(1)
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rng = np.random.default_rng(0)
    candidates = [graph(rng) for _ in range(1000)]
    print(f"torch {torch.__version__}, 1 thread: seconds to fit n and predict 1000, median of {repeats}")
    for n in (100, 500, 1000):
        graphs = [graph(rng) for _ in range(n)]
        scores = rng.uniform(0.8, 0.95, n)
        ways = ("loader", loader_batches, False), ("resident", resident_batches, False), ("tuned", resident_batches, True)
        for name, make, rowwise in ways:
            seconds = []
            for _ in range(repeats):
                start = time.perf_counter()
                run(make, rowwise, graphs, scores, candidates)
                seconds.append(time.perf_counter() - start)
            print(f"n={n:5d} {name:9s} {sorted(seconds)[repeats // 2]:.3f} s")


if __name__ == "__main__":
    main()
