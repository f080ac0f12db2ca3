"""Unpack from wheels only what compiling and running against libtorch needs.

Usage: unpack.py WHEELS_DIR DESTINATION cpu|gpu
"""

import pathlib
import re
import sys
import zipfile

LICENCES = r".*\.dist-info/(METADATA|.*LICEN[CS]E.*|.*NOTICE.*|licenses/.*)"
NEEDED = {
    "cpu": [
        r"torch/include/.*",
        r"torch/lib/(libtorch_cpu|libtorch|libc10)\.so",
        r"torch/lib/libgomp\.so\.1",
        r"nvidia/cu13/lib/(libcudart|libcupti)\.so\.13",
        LICENCES,
    ],
    "gpu": [
        r"torch/include/.*",
        r"torch/lib/(?!libtorch_python|libshm).*\.so(\.\d+)*",
        r"nvidia/.*/lib/[^/]*\.so(\.\d+)*",
        LICENCES,
    ],
}


def unpack(wheel, destination, needed):
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if needed.fullmatch(name)]
        if not members:
            raise SystemExit(f"{wheel.name}: holds none of the files that libtorch needs")
        archive.extractall(destination, members)


def main(wheels, destination, variant):
    needed = re.compile("|".join(f"(?:{pattern})" for pattern in NEEDED[variant]))
    for wheel in sorted(pathlib.Path(wheels).glob("*.whl")):
        unpack(wheel, destination, needed)
        wheel.unlink()  # before the next one, so that the disk never holds all of both


if __name__ == "__main__":
    main(*sys.argv[1:])
