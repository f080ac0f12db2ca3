"""Writes expected.json: crops and scaled images by torchvision on images of Pillow. The images are formulas, which the test has, too.

Made with torchvision 0.29 and Pillow 12.3; the tall images at the ends of the lists by the functions of Pillow that torchvision
calls. Pillow 13.0 differs by one step in these, whose rows it scales first.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.transforms import functional as F


def picture(width: int, height: int) -> Image.Image:
    """Colours that change from pixel to pixel."""
    y, x, c = np.indices((height, width, 3))
    return Image.fromarray(((37 * x + 53 * y + 101 * c + 7 * x * y) % 256).astype(np.uint8))


def planes(image: Image.Image) -> list[int]:
    return np.asarray(image).transpose(2, 0, 1).ravel().tolist()


def main() -> None:
    crops = []
    for width, height, (top, left, tall, wide), side in [
        (40, 30, (3, 5, 20, 27), 12),
        (40, 30, (0, 0, 30, 40), 16),
        (40, 30, (10, 30, 7, 4), 12),
        (40, 30, (29, 39, 1, 1), 4),
        (40, 30, (2, 2, 12, 20), 12),
        (40, 30, (2, 2, 20, 12), 12),
        (224, 224, (1, 3, 200, 180), 14),
        (40, 60, (1, 2, 50, 20), 24),
    ]:
        size = [side, side]
        image = F.resized_crop(picture(width, height), top, left, tall, wide, size, F.InterpolationMode.BILINEAR)
        crops.append({"image": [width, height], "part": [top, left, tall, wide], "side": side, "pixels": planes(image)})
    scaled = []
    for width, height, resize, crop in [
        (50, 37, 16, 14),
        (37, 50, 16, 14),
        (37, 50, 17, 14),
        (41, 60, 19, 8),
        (20, 20, 24, 24),
        (16, 16, 16, 11),
        (7, 90, 12, 9),
        (500, 375, 32, 28),
        (30, 90, 16, 14),
    ]:
        image = F.center_crop(F.resize(picture(width, height), resize, F.InterpolationMode.BILINEAR), [crop, crop])
        scaled.append({"image": [width, height], "resize": resize, "crop": crop, "pixels": planes(image)})
    text = json.dumps({"crops": crops, "scaled": scaled}, separators=(",", ":"))
    Path(__file__).with_name("expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
