"""What tests share."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import bonas

# A shell that runs the tests in the background ignores Ctrl-C, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def score(cell: bonas.Architecture) -> float:
    """Return a score without ties, like a measured one; the first digits of a key are those of its space."""
    convolutions = cell.text.count("nor_conv_3x3") / 6
    return convolutions + int(cell.key[8:14], 16) / 0xFFFFFF / 10


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., str]:
    """Run the command `bonas` of this build in the test's folder and return what it prints."""
    program = os.environ["BONAS_COMMAND"]

    def run(*arguments: object) -> str:
        done = subprocess.run(
            [program, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the test's folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
