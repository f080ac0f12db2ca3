"""Writes small pictures of every colour type of PNG and JPEG, and what a viewer shows of them on white.

    pip install pillow==13.0.0 numpy && python make.py

PNG files are written here byte by byte, and their pixels follow from the PNG specification; what JPEG files show is said
by Pillow (libjpeg-turbo), which also turns them as Exif says.
"""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SIDE = 8
HERE = Path(__file__).parent
expected = {}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(rows, depth):
    """Samples [h, w * channels] as rows of bytes, each after filter type 0."""
    lines = []
    for row in rows:
        if depth == 16:
            line = b"".join(struct.pack(">H", int(v)) for v in row)
        else:
            bits = "".join(f"{int(v):0{depth}b}" for v in row)
            line = int(bits, 2).to_bytes(len(bits) // 8, "big")
        lines.append(b"\0" + line)
    return b"".join(lines)


def adam7(samples, channels, depth):
    """The seven passes of an interlaced picture."""
    grid = samples.reshape(SIDE, SIDE, channels)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return b"".join(packed(grid[y::dy, x::dx].reshape(-(-(SIDE - y) // dy), -1), depth) for x, y, dx, dy in passes)


def png(name, colour, depth, samples, shown, grey, extra=b"", interlaced=False):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    samples = np.asarray(samples).reshape(SIDE, SIDE * channels)
    data = adam7(samples, channels, depth) if interlaced else packed(samples, depth)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, colour, 0, 0, int(interlaced))
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    (HERE / name).write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    expected[name] = {"grey": grey, "tolerance": 1, "pixels": np.rint(shown).astype(int).reshape(-1).tolist()}


def on_white(colour, opacity):
    """Colour and opacity in 0..1, to 0..255."""
    return 255 * (colour * opacity + 1 - opacity)


rng = np.random.default_rng(1)
shape = (SIDE, SIDE)


def drawn(depth, *more):
    return rng.integers(0, 2**depth, (*shape, *more))


def three(grey):
    return np.repeat(grey[..., None], 3, axis=2)


for depth in (1, 2, 4, 8, 16):
    grey, full = drawn(depth), 2**depth - 1
    png(f"grey{depth}.png", 0, depth, grey, three(255 * grey / full), True)
    clear = int(grey[0, 0])
    opacity = (grey != clear).astype(float)
    shown = three(on_white(grey / full, opacity))
    png(f"grey{depth}-trns.png", 0, depth, grey, shown, True, chunk(b"tRNS", struct.pack(">H", clear)))
for depth in (8, 16):
    full = 2**depth - 1
    rgb = drawn(depth, 3)
    png(f"rgb{depth}.png", 2, depth, rgb, 255 * rgb / full, False)
    clear = rgb[0, 0]
    opacity = (rgb != clear).any(axis=2, keepdims=True).astype(float)
    trns = chunk(b"tRNS", struct.pack(">HHH", *map(int, clear)))
    png(f"rgb{depth}-trns.png", 2, depth, rgb, on_white(rgb / full, opacity), False, trns)
    la = drawn(depth, 2)
    png(f"grey-alpha{depth}.png", 4, depth, la, three(on_white(la[..., 0] / full, la[..., 1] / full)), True)
    rgba = drawn(depth, 4)
    shown = on_white(rgba[..., :3] / full, rgba[..., 3:] / full)
    png(f"rgba{depth}.png", 6, depth, rgba, shown, False)
    png(f"rgba{depth}-interlaced.png", 6, depth, rgba, shown, False, interlaced=True)
for depth in (1, 2, 4, 8):
    count = min(2**depth, 200)
    palette = rng.integers(0, 256, (count, 3))
    at = rng.integers(0, count, shape)
    plte = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    png(f"palette{depth}.png", 3, depth, at, palette[at], False, plte)
    opacity = np.append(rng.integers(0, 256, count - 1), 255)
    trns = chunk(b"tRNS", opacity[:-1].astype(np.uint8).tobytes())
    shown = on_white(palette[at] / 255, opacity[at][..., None] / 255)
    png(f"palette{depth}-trns.png", 3, depth, at, shown, False, plte + trns)

smooth = np.add.outer(np.arange(SIDE) * 12, np.arange(SIDE) * 17)
picture = np.stack([smooth + 20, 255 - smooth, 30 + smooth // 2], axis=2).astype(np.uint8)


def jpeg(name, image, grey=False, tolerance=3, **more):
    written = io.BytesIO()
    image.save(written, "JPEG", quality=95, **more)
    (HERE / name).write_bytes(written.getvalue())
    shown = ImageOps.exif_transpose(Image.open(written)).convert("RGB")
    expected[name] = {"grey": grey, "tolerance": tolerance, "pixels": np.asarray(shown).astype(int).reshape(-1).tolist()}


jpeg("grey.jpg", Image.fromarray(picture[..., 0]), True)
jpeg("rgb.jpg", Image.fromarray(picture), subsampling=0)
jpeg("rgb-progressive.jpg", Image.fromarray(picture), subsampling=0, progressive=True)
jpeg("rgb-subsampled.jpg", Image.fromarray(picture), tolerance=12)
cmyk = np.concatenate([255 - picture, np.full((*shape, 1), 40, np.uint8)], axis=2)
jpeg("cmyk.jpg", Image.fromarray(cmyk, "CMYK"), tolerance=6)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg(f"turned{orientation}.jpg", Image.fromarray(picture), subsampling=0, exif=exif)

(HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
