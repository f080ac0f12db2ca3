"""The folder of a study is that of the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bonas
from conftest import score

TOLD = """
[study]
seed = 3
architectures = {budget}

[space]
name = "nasbench201"

[strategy]
name = "bonas"
batch = 4
initial = 4

[evaluator]
name = "told"

[final]
seeds = 0
"""
STRATEGY = {"name": "bonas", "batch": 4, "initial": 4}
# Files with times and facts about the machine.
TIMES = {"environment.json", "report.html", "timings.json", "timings.html", "timings.jsonl", "lock"}


def study(path: str | Path | None, budget: int = 12) -> bonas.Study:
    return bonas.Study("nasbench201", STRATEGY, 3, path, budget=budget)


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files but those with times."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in TIMES)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_the_same_bytes_as_asked_and_told_by_the_command(
    command: Callable[..., str], in_folder: Path
) -> None:
    Path("told.toml").write_text(TOLD.format(budget=12))
    command("search", "told.toml", "--out", "a")
    while trials := json.loads(command("ask", "a", "-n", 3, "--json"))["trials"]:
        for trial in trials:
            value = score(bonas.Architecture("nasbench201", trial["architecture"]["text"]))
            command("tell", "a", trial["id"], f"--score={value!r}")

    ours = study("b")
    while trials := ours.ask(3):
        for trial in trials:
            ours.tell(trial, score(trial.architecture))
    assert ours.ended == "budget"
    ours.close()

    theirs = files(Path("a"))
    assert {"config.toml", "journal.jsonl", "summary.json", "winner.txt"} <= set(theirs)
    assert files(Path("b")) == theirs
    assert {path.name for path in Path("a").iterdir()} == {path.name for path in Path("b").iterdir()}


def test_optimize_has_the_history_of_a_search(command: Callable[..., str], in_folder: Path) -> None:
    """A search that evaluates itself: by a program, in rounds."""
    Path("count.py").write_text(
        textwrap.dedent("""
        import json, sys
        architecture = json.load(sys.stdin)["architecture"]
        ones = architecture["text"].count("nor_conv_3x3") / 6
        print(json.dumps({"score": ones + int(architecture["key"][8:14], 16) / 0xFFFFFF / 10}))
        """)
    )
    evaluator = f'name = "command"\ncommand = [{json.dumps(sys.executable)}, "count.py"]'
    Path("run.toml").write_text(TOLD.format(budget=12).replace('name = "told"', evaluator))
    command("search", "run.toml", "--out", "a")
    theirs = [
        (proposed["key"], outcome["scored"]["value"])
        for proposed, outcome in _outcomes(Path("a/journal.jsonl"))
    ]
    for jobs in (1, 3):
        ours = study(None)
        ours.optimize(score, n_jobs=jobs)
        assert [(e.architecture.key, e.score) for e in ours.evaluations] == theirs


def _outcomes(journal: Path) -> list[tuple[dict[str, str], dict[str, dict[str, float]]]]:
    """Pair what was proposed with what came of it, in order."""
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    events = [record["record"] for record in records]
    proposed = [
        p for event in events if event["event"] == "asked" for batch in event["batches"] for p in batch
    ]
    outcomes = [o for event in events if event["event"] == "evaluated" for o in event["outcomes"]]
    return list(zip(proposed, outcomes, strict=True))


def test_commands_and_python_take_turns(command: Callable[..., str], in_folder: Path) -> None:
    with study("a", budget=8) as ours:
        first = ours.ask(2)
        ours.tell(first[0], 0.5)
    assert json.loads(command("runs", ".", "--json"))["runs"][0]["pending"] == 1
    assert command("ask", "a", "--pending").startswith(f"{first[1].id}\t{first[1].architecture.text}")
    command("tell", "a", first[1].id, "--score=0.25")
    with bonas.Study.open("a") as ours:
        assert [e.score for e in ours.evaluations] == [0.5, 0.25]
        ours.optimize(score)
        assert ours.ended == "budget"
        assert len(ours.evaluations) == 8
    assert "8 architectures" in command("report", "a") or Path("a/report.html").exists()


def test_killed_at_any_instant_it_goes_on_to_the_same_history(in_folder: Path) -> None:
    program = textwrap.dedent("""
        import sys, time
        import bonas
        sys.path.insert(0, sys.argv[1])
        from conftest import score
        def slow(cell):
            time.sleep(0.02)
            return score(cell)
        study = bonas.Study("nasbench201", {"name": "bonas", "batch": 4, "initial": 4}, 3, "killed", budget=16)
        study.optimize(slow, n_jobs=int(sys.argv[2]))
    """)
    Path("program.py").write_text(program)
    undisturbed = study(None, budget=16)
    undisturbed.optimize(score)
    expected = [(e.architecture.key, e.score) for e in undisturbed.evaluations]
    kills = 0
    for jobs in ("1", "2"):
        shutil.rmtree("killed", ignore_errors=True)
        for delay in range(1, 60):
            arguments = [sys.executable, "program.py", str(Path(__file__).parent), jobs]
            process = subprocess.Popen(arguments)
            journal = Path("killed/journal.jsonl")
            before = journal.stat().st_size if journal.exists() else 0
            # From its first step on, so that every process comes a bit further.
            while process.poll() is None and not (journal.exists() and journal.stat().st_size > before):
                time.sleep(0.001)
            time.sleep(0.007 * (delay % 9))
            ended = process.poll()
            process.kill()
            process.wait()
            if ended is not None:
                assert ended == 0
                break
            kills += 1
        with bonas.Study.open("killed") as resumed:
            assert resumed.ended == "budget"
            assert [(e.architecture.key, e.score) for e in resumed.evaluations] == expected
    assert kills >= 6


def test_a_path_of_something_else(command: Callable[..., str], in_folder: Path) -> None:
    study("a").close()
    study(Path("a")).close()
    Path("file").write_text("")
    with pytest.raises(bonas.PathError, match="is a file, not a folder") as caught:
        study("file")
    assert isinstance(caught.value, OSError)
    with pytest.raises(bonas.PathError, match="there is no folder"):
        bonas.Study.open("nothing")
    with pytest.raises(bonas.SettingError, match="path: it is empty"):
        study("")
    for other, words in [
        (
            lambda: bonas.Study("nasbench201", STRATEGY, 4, "a", budget=12),
            r"study.seed = 3 there, study.seed = 4 here",
        ),
        (lambda: bonas.Study("nasbench201", "random", 3, "a", budget=12), "strategy.name"),
        (lambda: bonas.Study("darts", STRATEGY, 3, "a", budget=12), "space.name"),
        (lambda: study("a", budget=13), "with another budget"),
    ]:
        with pytest.raises(bonas.SettingError, match=words):
            other()
    Path("images.toml").write_text(
        '[space]\nname = "nasbench201"\n[evaluator]\nname = "synthetic"\n[final]\nseeds = 0\n'
    )
    command("search", "images.toml", "--out", "run", "--set", "study.architectures=4")
    with pytest.raises(bonas.SettingError, match="evaluates here itself"):
        bonas.Study.open("run")


def test_one_at_a_time(in_folder: Path) -> None:
    first = study("a")
    with pytest.raises(bonas.LockedError, match="this program has it open already"):
        bonas.Study.open("a", patience=0.1)
    program = "import bonas; bonas.Study.open('a', patience=0.1)"
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "is in use by another process" in elsewhere.stderr
    first.close()
    first.close()
    with pytest.raises(bonas.ClosedError, match="open it again"):
        first.ask()
    bonas.Study.open("a").close()


def test_a_fork_does_not_write(in_folder: Path) -> None:
    ours = study("a")
    before = Path("a/journal.jsonl").read_bytes()
    child = os.fork()
    if child == 0:
        try:
            ours.ask()
        except bonas.ClosedError as error:
            os._exit(7 if "forked off" in str(error) else 1)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert Path("a/journal.jsonl").read_bytes() == before
    assert len(ours.ask(2)) == 2


def test_a_fork_closes_nothing(in_folder: Path) -> None:
    program = textwrap.dedent("""
        import os, threading, time
        import bonas
        first = bonas.Study("nasbench201", "random", path="a", budget=4)
        # A thread that has the second study locked while it waits for the folder.
        second = bonas.Study("nasbench201", "random", path="b", budget=4)
        locked = threading.Event()
        def work():
            locked.set()
            while True:
                second.tell(second.ask()[0], 0.5) if not second.ended else second.pending
        threading.Thread(target=work, daemon=True).start()
        locked.wait()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                first.close(), second.close()
                os._exit(0 if "closed" in repr(second) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        first.ask()
        first.close()
    """)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_another_working_folder(in_folder: Path) -> None:
    ours = study("a", budget=4)
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    ours.optimize(score)
    ours.extend(6)
    ours.optimize(score)
    assert (len(ours.evaluations), os.listdir(".")) == (6, [])
    assert Path("../a/report.html").exists()


def test_a_report_that_cannot_be_written(in_folder: Path) -> None:
    ours = study("a", budget=4)
    Path("a/report.html").mkdir()
    with pytest.warns(Warning, match="everything told is recorded, but the report could not be written"):
        ours.optimize(score)
    assert (ours.ended, len(ours.evaluations)) == ("budget", 4)
    Path("a/report.html").rmdir()
    assert ours.ask() is None or ours.ask() == []
    assert Path("a/report.html").stat().st_size > 0


def test_the_lock_is_kept_at_the_end(in_folder: Path) -> None:
    ours = study("a", budget=4)
    ours.optimize(score)
    with pytest.raises(bonas.LockedError):
        bonas.Study.open("a", patience=0.1)
    ours.close()


def test_extended(in_folder: Path) -> None:
    ours = study("a", budget=8)
    ours.optimize(score)
    ours.optimize(score, 5)
    assert len(ours.evaluations) == 8
    ours.extend(12)
    assert (ours.budget, ours.ended) == (12, None)
    ours.optimize(score)
    longer = study(None, budget=12)
    longer.optimize(score)
    assert [e.architecture for e in ours.evaluations] == [e.architecture for e in longer.evaluations]
    ours.close()
    study("a", budget=12).close()
    with pytest.raises(bonas.SettingError, match="in memory"):
        longer.extend(20)
    with pytest.raises(bonas.SettingError, match="budget: 4 is too few"):
        bonas.Study.open("a").extend(4)


def test_a_deleted_folder(in_folder: Path) -> None:
    ours = study("a")
    ours.tell(ours.ask()[0], 0.5)
    shutil.rmtree("a")
    for step in (ours.ask, lambda: ours.optimize(score), ours.report, lambda: ours.extend(100)):
        with pytest.raises(bonas.PathError, match="the journal in .*/a is gone"):
            step()
    assert not Path("a").exists()
    assert [e.score for e in ours.evaluations] == [0.5]
    ours.close()


def test_ctrl_c_ends_a_call_and_keeps_the_state(in_folder: Path) -> None:
    program = textwrap.dedent("""
        import itertools, sys, time
        import bonas
        study = bonas.Study("nasbench201", seed=3, path="a", budget=12)
        number = itertools.count()
        def slow(cell):
            quick = next(number) < 3
            print(cell.key, flush=True)
            time.sleep(0.05 if quick else 60)
            return 0.5
        try:
            study.optimize(slow, n_jobs=int(sys.argv[1]))
        except KeyboardInterrupt:
            print("told", len(study.evaluations), "pending", len(study.pending), flush=True)
    """)
    Path("program.py").write_text(program)
    for jobs, pending in (("1", 1), ("2", 2)):
        shutil.rmtree("a", ignore_errors=True)
        process = subprocess.Popen([sys.executable, "program.py", jobs], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(3 + pending):
            process.stdout.readline()
        while Path("a/journal.jsonl").read_text().count('"told","trial"') < 3:
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        assert time.monotonic() - begun < 5
        assert process.returncode == 0
        assert rest.splitlines()[-1] == f"told 3 pending {pending}"
        ours = bonas.Study.open("a")
        ours.optimize(lambda cell: 0.5)
        assert len({e.architecture.key for e in ours.evaluations}) == 12
        ours.close()
