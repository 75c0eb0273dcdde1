"""The supervisor's children for real: small programs that print, end, refuse to end, and are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from jobs.supervisor.console import worth_showing
from jobs.supervisor.crew import Crew, EndedEarly, Watch
from tests.processes import all_gone, eventually, naming

ROOT = Path(__file__).parents[3]


def python(program: str) -> Sequence[str]:
    return [sys.executable, "-u", "-c", program]


SLEEPS = python("import time; time.sleep(60)")
DEAF = python("import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)")
# a child with a child of its own in another session, as a worker has while a job is at work
WORKS = python(
    "import subprocess, time; subprocess.Popen(['sleep', '60'], start_new_session=True); print('working');"
    "time.sleep(60)"
)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    watch = Watch()
    crew = Crew(tmp_path / "logs", watch)
    yield crew
    crew.stop(1)
    watch.dismiss()


def log(crew: Crew, name: str) -> str:
    return (crew.logs / f"{name}.log").read_text()


def test_everything_is_logged_and_only_warnings_are_shown(crew: Crew, capsys: pytest.CaptureFixture[str]) -> None:
    said = python("print('09:00:00 INFO a quiet'); print('09:00:01 ERROR a loud'); import time; time.sleep(60)")
    crew.start({"talker": said}, os.environ)
    assert crew.wait(lambda: log(crew, "talker").endswith("loud\n"), 10)
    assert "quiet" in log(crew, "talker")
    assert capsys.readouterr().out == "talker     | 09:00:01 ERROR a loud\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "ERROR", "logger": "x", "message": "it broke", "trace": "long"}', "ERROR x it broke"),
        ('{"level": "INFO", "message": "fine"}', ""),
        ("{not json", ""),
        ("WARNING:root:loud", "WARNING:root:loud"),
        ("a line that speaks of an error", ""),
    ],
)
def test_what_is_worth_showing(line: str, shown: str) -> None:
    assert worth_showing(line) == shown


def test_a_child_that_ends_by_itself_is_shown_with_its_last_lines(crew: Crew) -> None:
    crew.start({"fine": SLEEPS, "broken": python("print('one'); print('two'); raise SystemExit(3)")}, os.environ)
    with pytest.raises(EndedEarly, match=r"broken ended by itself \(code 3\)(.|\n)*one\n  two"):
        crew.wait(lambda: False, 10)


def test_a_killed_child_starts_again_but_not_for_ever(crew: Crew) -> None:
    crew.start({"victim": SLEEPS}, os.environ)
    for _ in range(5):
        before = crew.pids()["victim"]
        os.kill(before, signal.SIGKILL)
        assert crew.wait(lambda before=before: crew.pids()["victim"] != before, 10)
    os.kill(crew.pids()["victim"], signal.SIGKILL)
    with pytest.raises(EndedEarly, match="victim ended"):
        crew.wait(lambda: False, 10)


def test_many_killed_at_once_all_start_again(crew: Crew) -> None:
    crew.start({f"child-{number}": SLEEPS for number in range(8)}, os.environ)
    before = crew.pids()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    assert crew.wait(lambda: all(crew.pids()[name] != pid for name, pid in before.items()), 20)


def test_stop_ends_the_deaf_and_what_children_left_behind(crew: Crew) -> None:
    crew.start({"deaf": DEAF, "working": WORKS}, os.environ)
    assert crew.wait(lambda: "deaf" in log(crew, "deaf") and "working" in log(crew, "working"), 10)
    pids = [*crew.pids().values()]
    run = crew.watch.run
    assert len(naming(run)) >= 3
    crew.stop(0.5)
    assert all_gone(pids, 1)
    assert eventually(lambda: naming(run) == [crew.watch.running.pid], 1)


def test_groups_stop_from_the_last_to_the_first(crew: Crew, tmp_path: Path) -> None:
    order = tmp_path / "order"
    says = "import signal, sys, time; signal.signal(15, lambda *_: (open({!r}, 'a').write({!r}), sys.exit()))"
    for name in ("first", "second", "third"):
        crew.start({name: python(says.format(str(order), name + " ") + "; print('up'); time.sleep(60)")}, os.environ)
    assert crew.wait(lambda: all("up" in log(crew, name) for name in ("first", "second", "third")), 10)
    crew.stop()
    assert order.read_text().split() == ["third", "second", "first"]


SUPERVISES = """
import os, sys
from pathlib import Path
from jobs.supervisor.crew import Crew, Watch
crew = Crew(Path(sys.argv[1]), Watch())
crew.start({"deaf": %r, "working": %r}, os.environ)
crew.wait(lambda: all((crew.logs / f"{name}.log").read_text() for name in ("deaf", "working")), 20)
print(crew.watch.run, *crew.pids().values(), crew.watch.running.pid, flush=True)
crew.wait(lambda: False, 60)
"""


@pytest.mark.faults
def test_kill_9_of_the_supervisor_leaves_nothing(tmp_path: Path) -> None:
    program = SUPERVISES % (list(DEAF), list(WORKS))
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    run, *pids = supervisor.stdout.readline().split()
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    assert all_gone([int(pid) for pid in pids])
    assert eventually(lambda: not naming(run))


@pytest.mark.faults
def test_a_killed_watcher_is_replaced(crew: Crew) -> None:
    crew.start({"sleeper": SLEEPS}, os.environ)
    before = crew.watch.running.pid
    os.kill(before, signal.SIGKILL)
    assert crew.wait(lambda: crew.watch.running.pid != before, 10)
    assert crew.watch.pids == [crew.pids()["sleeper"]]
