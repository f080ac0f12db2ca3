"""The networks of benches/inference.rs in PyTorch and ONNX Runtime: milliseconds of the fastest run of each.

    python benches/python/inference.py FOLDER BATCH RUNS WARM_UP      (torch, safetensors, onnxruntime, numpy)

FOLDER has model.py, model.safetensors, model.onnx and folded.onnx.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch


def fastest(run: Callable[[], object], runs: int, warm_up: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times[warm_up:])


def main() -> None:
    folder, (batch, runs, warm_up) = Path(sys.argv[1]), (int(argument) for argument in sys.argv[2:5])
    torch.set_num_threads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(folder / file, options, providers=["CPUExecutionProvider"])
        for name, file in [("ONNX Runtime", "model.onnx"), ("ONNX Runtime, folded", "folded.onnx")]
    }
    image = next(iter(sessions.values())).get_inputs()[0]
    shape = (batch, *image.shape[1:])
    pixels = np.sin(0.013 * np.arange(np.prod(shape))).astype(np.float32).reshape(shape)
    for name, session in sessions.items():
        print(name, fastest(lambda: session.run(None, {image.name: pixels}), runs, warm_up), flush=True)
    sys.path.insert(0, str(folder))
    network = importlib.import_module("model").load(folder / "model.safetensors").eval()
    images = torch.from_numpy(pixels)
    with torch.inference_mode():
        print("PyTorch", fastest(lambda: network(images), runs, warm_up), flush=True)


main()
