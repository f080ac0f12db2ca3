"""Holds exported networks against what bonas says: `cargo xtask deploy` runs this.

Every folder below FOLDER has a network in PyTorch source, its weights, and what bonas says of some images.
"""

import argparse
import importlib.util
import json
from pathlib import Path

import onnx
import onnxruntime
import torch
from safetensors.torch import load_file

torch.set_num_threads(1)


def source(folder):
    """The module in model.py."""
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(ours, theirs):
    """The largest difference, relative to the largest of ours."""
    return float((ours - theirs).abs().max() / ours.abs().max().clamp_min(1e-30))


def run(file, expected):
    """Logits of an ONNX file by ONNX Runtime, in batches of two sizes."""
    onnx.checker.check_model(onnx.load(file), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    parts = expected["images"].split([3, 5])
    logits = [session.run(["logits"], {"images": part.numpy()})[0] for part in parts]
    return torch.cat([torch.from_numpy(part) for part in logits])


def compare(folder):
    """Differences of logits, of the loss in training, and of the gradient's norm."""
    network = source(folder).load(folder / "model.safetensors")
    expected = load_file(folder / "expected.safetensors")
    card = json.loads((folder / "model.json").read_text())
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert parameters == card["params"], f"{folder}: {parameters} parameters, not {card['params']}"
    with torch.no_grad():
        logits = difference(expected["logits"], network(expected["images"]))
    figures = {"logits": (logits, 1e-5)}
    for name in ["model", "folded"]:
        figures[name] = (difference(expected["logits"], run(folder / f"{name}.onnx", expected)), 1e-5)
    network.double().train()
    output = network(expected["images"].double())
    loss = torch.nn.functional.cross_entropy(output, expected["labels"])
    loss.backward()
    gradients = [p.grad.norm() for p in network.parameters() if p.grad is not None]
    norm = torch.stack(gradients).norm()
    return figures | {
        "loss": (difference(expected["loss"], loss.detach()), 1e-10),
        "gradient": (difference(expected["norm"], norm), 1e-10),
    }


def told(figures):
    """Figures on a line."""
    return "  ".join(f"{name} {value:.1e}" for name, value in figures.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folders = sorted(path.parent for path in parser.parse_args().folder.glob("*/model.py"))
    assert folders, "no networks to compare"
    failed, largest = 0, {}
    for folder in folders:
        figures = compare(folder)
        bad = [name for name, (value, most) in figures.items() if not value <= most]
        failed += bool(bad)
        values = {name: value for name, (value, _) in figures.items()}
        largest = {name: max(largest.get(name, 0.0), value) for name, value in values.items()}
        said = told(values)
        print(f"{folder.name:48} {said}{'  FAILED: ' + ', '.join(bad) if bad else ''}")
    print(f"\n{len(folders) - failed} passed, {failed} failed")
    print(f"the largest of each: {told(largest)}")
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
