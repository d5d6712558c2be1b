"""Processes of a federation on this machine: started, waited for, stopped; never somebody else's.

A process is remembered by its id *and* the moment it started, since ids are given out again.
"""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from narrows.errors import BadFederation
from narrows.local.state import Place

STOP_S = 15.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """A running process of ours."""

    pid: int
    started: int
    """The kernel's start time of the process, in clock ticks since boot."""


def start(place: Place) -> Process:
    """The process of that place, just started. Raises: BadFederation where it runs already."""
    if find(place) is not None:
        raise BadFederation(f"`{place.name}` runs already", hint="`narrows down` stops it")
    command = [sys.executable, "-m", "narrows.cli.main", place.role, "serve", str(place.settings)]
    # A session of its own: Ctrl-C at the terminal stops it in order, and not all at once.
    pid = os.posix_spawn(
        sys.executable,
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(place.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    found = Process(pid, _started(pid) or 0)
    place.pid_file.write_text(json.dumps({"pid": found.pid, "started": found.started}))
    return found


def find(place: Place) -> Process | None:
    """The process that runs there, or None."""
    try:
        saved = json.loads(place.pid_file.read_text())
        found = Process(int(saved["pid"]), int(saved["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    _reap(found.pid)
    return found if _started(found.pid) == found.started else None


def stop(place: Place, *, within_s: float = STOP_S) -> bool:
    """Whether a process was there to stop; it is gone when this returns.

    SIGTERM first, which drains; SIGKILL after `within_s`.
    """
    found = find(place)
    if found is None:
        place.pid_file.unlink(missing_ok=True)
        return False
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while find(place) is not None:
        if time.monotonic() > deadline:
            os.kill(found.pid, signal.SIGKILL)
        time.sleep(LOOK_S)
    place.pid_file.unlink(missing_ok=True)
    return True


def last_words(place: Place) -> str:
    """The last line that the process wrote, as it died."""
    try:
        lines = place.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _started(pid: int) -> int | None:
    """The start time from /proc (proc(5), stat, field 22); None for no process or a dead one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])


def _reap(pid: int) -> None:
    """Nothing; a dead child of this very process is let go."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
