"""Writes small files of NumPy, as other programs do and as users get them wrong. Made with numpy 2.4."""

import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SHAPE = (6, 5, 4)


def grey(images: int, first: int = 0) -> np.ndarray:
    """Pixel `at` of image `i` is `10 * (first + i) + at`."""
    n, y, x = np.indices((images, *SHAPE[1:]))
    return (10 * (first + n) + y * SHAPE[2] + x).astype(np.uint8)


def colour(images: int) -> np.ndarray:
    """As grey, plus 70 times the channel; channels last."""
    return np.stack([grey(images) + 70 * c for c in range(3)], axis=-1).astype(np.uint8)


def save(name: str, compressed: bool = False, **arrays: np.ndarray) -> None:
    (np.savez_compressed if compressed else np.savez)(HERE / f"{name}.npz", **arrays)


def keras(name: str, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    labels = np.array([0, 1, 2, 0, 1, 2], np.uint8) if labels is None else labels
    save(name, x_train=images, y_train=labels, x_test=images[:3], y_test=labels[:3])


def array(shape: str, pixels: bytes) -> bytes:
    """An array with a header that numpy does not write today."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pixels


def by_hand(name: str, images: bytes, labels: bytes) -> None:
    with zipfile.ZipFile(HERE / f"{name}.npz", "w") as file:
        for part in ["train", "test"]:
            file.writestr(zipfile.ZipInfo(f"x_{part}.npy"), images)
            file.writestr(zipfile.ZipInfo(f"y_{part}.npy"), labels)


def main() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2], np.uint8)
    keras("keras", grey(6))
    keras("colour", colour(6), labels.astype(np.int64).reshape(6, 1))
    keras("first", colour(6).transpose(0, 3, 1, 2).copy(), labels.astype(np.float32))
    keras("one", grey(6)[..., None])
    keras("wide", grey(6).astype(">u2"), labels.astype(">i4"))
    keras("unit", grey(6).astype(np.float64) / 255)
    keras("unit32", grey(6).astype(np.float32) / 255)
    keras("whole", grey(6).astype(np.float32))
    keras("flags", grey(6) > 12)
    save(
        "medmnist",
        compressed=True,
        train_images=grey(6),
        train_labels=labels.reshape(6, 1),
        val_images=grey(3, 6),
        val_labels=labels[:3].reshape(3, 1),
        test_images=grey(3, 9),
        test_labels=labels[:3].reshape(3, 1),
    )
    save("images", images=np.concatenate([grey(6), grey(6, 6)]), labels=np.tile(labels, 2))
    by_hand("python2", array("(6L, 5L, 4L)", grey(6).tobytes()), array("(6L,)", labels.tobytes()))
    # What is refused.
    by_hand("endless", array(f"(0, {2**64 - 1}, {2**64 - 1})", b""), array("(0,)", b""))
    save("empty", x_train=grey(6), y_train=labels, x_test=grey(0), y_test=labels[:0])
    keras("largest", grey(6), np.array([0, 1, 2, 0, 1, 65535]))
    keras("above", grey(6) / 50)
    keras("objects", np.array([*grey(6), None], dtype=object)[:6])
    keras("deep", grey(6).astype(np.uint16) * 257)
    keras("normal", (grey(6) / 255 - 0.5) / 0.5)
    keras("fortran", np.asfortranarray(grey(6)))
    keras("flat", grey(6).reshape(6, 20))
    keras("rgba", np.stack([grey(6)] * 4, axis=-1))
    keras("hot", grey(6), np.eye(3, dtype=np.uint8)[labels])
    keras("names", grey(6), np.array(["a", "b", "c", "a", "b", "c"]))
    keras("negative", grey(6), labels.astype(np.int8) - 1)
    keras("gap", grey(6), labels * 2)
    keras("fields", grey(6).view([("a", np.uint8)]))
    keras("complex", grey(6).astype(np.complex64))
    save("few", x_train=grey(6), y_train=labels[:5], x_test=grey(3), y_test=labels[:3])
    save("half", x_train=grey(6), y_train=labels, x_test=grey(3))
    save("sizes", x_train=grey(6), y_train=labels, x_test=grey(3)[:, :4], y_test=labels[:3])
    save("others", features=grey(6), targets=labels)
    save("bomb", compressed=True, images=np.zeros((1024, 32, 32), np.uint8), labels=np.zeros(1024, np.uint8))


if __name__ == "__main__":
    main()
