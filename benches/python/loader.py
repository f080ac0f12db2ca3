"""PyTorch's DataLoader on a folder of images: what `loader.rs` compares with.

Arguments: the folder, the images of a batch, the worker processes. Prints images a second of an epoch after the first.
"""

import sys
import time

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def turbo(path: str) -> torch.Tensor:
    return decode_jpeg(read_file(path), mode=ImageReadMode.RGB)


PILLOW = transforms.Compose(
    [
        transforms.RandomResizedCrop(224),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)
TENSORS = v2.Compose(
    [
        v2.RandomResizedCrop(224, antialias=True),
        v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
)


def measured(data: datasets.ImageFolder, batch: int, workers: int) -> float:
    loader = DataLoader(data, batch, shuffle=True, num_workers=workers, persistent_workers=True)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        for _images, _labels in loader:
            pass
        seconds.append(time.perf_counter() - begun)
    return len(data) / min(seconds[1:])


def main() -> None:
    folder, batch, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pillow = measured(datasets.ImageFolder(folder, PILLOW), batch, workers)
    tensors = measured(datasets.ImageFolder(folder, TENSORS, loader=turbo), batch, workers)
    print(f"PyTorch  decoded by Pillow and cropped, every epoch        {pillow:8.0f}")
    print(f"PyTorch  decoded by libjpeg-turbo and cropped, every epoch {tensors:8.0f}")


if __name__ == "__main__":
    main()
