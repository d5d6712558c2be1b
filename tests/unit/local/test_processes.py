"""Which process is ours: an id counts only with the moment at which it started."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrows.errors import BadFederation
from narrows.local.processes import Process, _started, find, last_words, start, stop
from narrows.local.state import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("nsor", "node", "127.0.0.1:1", tmp_path)


@pytest.fixture
def child() -> Iterator[Process]:
    """A process of the test's own, which is gone in the end."""
    found = subprocess.Popen(["sleep", "600"])
    started = _started(found.pid)
    assert started is not None
    try:
        yield Process(found.pid, started)
    finally:
        found.kill()
        found.wait()


def remember(place: Place, process: Process, **changes: object) -> None:
    saved = {"pid": process.pid, "started": process.started, **changes}
    place.pid_file.write_text(json.dumps(saved))


def test_a_process_that_runs_is_found(place: Place, child: Process) -> None:
    remember(place, child)
    assert find(place) == child


def test_an_id_that_was_given_out_again_is_not_ours(place: Place, child: Process) -> None:
    remember(place, child, started=child.started - 1)
    assert find(place) is None
    assert not stop(place)
    os.kill(child.pid, 0)
    assert _started(child.pid) == child.started
    assert not place.pid_file.exists()


def test_our_own_start_is_known() -> None:
    assert _started(os.getpid())
    assert _started(2**22 + 1) is None


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "7", "{}", '{"pid": 1}', '{"pid": "x", "started": 1}']
)
def test_a_damaged_file_remembers_nobody(place: Place, text: str) -> None:
    place.pid_file.write_text(text)
    assert find(place) is None
    assert not stop(place)


def test_where_nothing_ran_nothing_is_found(place: Place) -> None:
    assert find(place) is None
    assert not stop(place)


def test_a_process_is_stopped_and_forgotten(place: Place, child: Process) -> None:
    remember(place, child)
    assert stop(place)
    assert _started(child.pid) is None
    assert not place.pid_file.exists()
    assert find(place) is None
    assert not stop(place)


def test_one_that_died_is_not_taken_for_running(place: Place, child: Process) -> None:
    remember(place, child)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    # Dead and not yet let go: its entry in /proc is still there.
    assert Path(f"/proc/{child.pid}").exists()
    assert _started(child.pid) is None
    assert find(place) is None


def test_one_that_will_not_stop_is_killed(place: Place) -> None:
    stubborn = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo ready; sleep 600 & wait; sleep 600"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert stubborn.stdout is not None
    try:
        stubborn.stdout.readline()
        started = _started(stubborn.pid)
        assert started is not None
        remember(place, Process(stubborn.pid, started))
        assert stop(place, within_s=0)
        assert find(place) is None
    finally:
        # What `stop` has let go of may be gone with all of its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(stubborn.pid, signal.SIGKILL)
        stubborn.wait()
        stubborn.stdout.close()


def test_what_runs_already_is_not_started_again(place: Place, child: Process) -> None:
    remember(place, child)
    with pytest.raises(BadFederation, match="runs already"):
        start(place)
    assert find(place) == child


def test_the_last_words_are_the_last_line_of_the_log(place: Place) -> None:
    assert last_words(place) == ""
    place.log.write_bytes(b"one\nthe disk is \xff full\n\n")
    assert last_words(place) == "the disk is � full"
    place.log.write_text("\n")
    assert last_words(place) == ""
