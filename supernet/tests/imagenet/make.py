"""Writes meta.mat in the form of ILSVRC's development kit, packed and plain, with four of its synsets. Made with scipy 1.17."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

FIELDS = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
ROWS = [
    (1.0, "n03126707", "crane", "lifts and moves heavy objects", 0.0, np.zeros((1, 0)), 0.0, 1300.0),
    (2.0, "n01440764", "tench, Tinca tinca", "freshwater dace-like game fish", 0.0, np.zeros((1, 0)), 0.0, 1300.0),
    (3.0, "n02012849", "crane", "large long-necked wading bird", 0.0, np.zeros((1, 0)), 0.0, 1300.0),
    (1001.0, "n00001740", "entity", "", 2.0, np.array([[1, 3]], np.uint16), 19.0, 0.0),
]


def main() -> None:
    synsets = np.empty((len(ROWS), 1), dtype=[(field, object) for field in FIELDS])
    for i, row in enumerate(ROWS):
        synsets[i, 0] = row
    here = Path(__file__).parent
    savemat(here / "meta.mat", {"synsets": synsets}, do_compression=True)
    savemat(here / "meta-plain.mat", {"synsets": synsets})


if __name__ == "__main__":
    main()
