"""Programs that end while bonas works."""

from __future__ import annotations

import subprocess
import sys

import pytest

DAEMON = """
import threading, time
import bonas

study = bonas.Study("nasbench201", "random", budget=10**5)
threading.Thread(target=lambda: study.optimize(lambda cell: 0.5), daemon=True).start()
time.sleep(0.3)
"""

# Called after what bonas registers, as it was registered before.
LAST = """
import atexit

study = []


@atexit.register
def last() -> None:
    study[0].optimize(lambda cell: 0.5)
    print(study[0].ended)
    study[0].close()


import bonas

study.append(bonas.Study("nasbench201", "random", budget=3))
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("attempt", range(3))
def test_a_program_ends_well_while_a_daemon_thread_is_inside(attempt: int) -> None:
    done = run(DAEMON)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_thread_that_ends_the_program_may_still_use_a_study() -> None:
    done = run(LAST)
    assert (done.returncode, done.stdout, done.stderr) == (0, "budget\n", "")
