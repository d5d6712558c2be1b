"""Applies each mutant to a copy of the sources, and prints which test notices it.

    python -m tests.mutants.run [--part N/M] [--known-sound] [name ...]

The tests named in the entry are run one after the other until one fails; a mutant that none of
them notices has survived, and the exit status says so. `--part 2/5` runs every fifth of them.

First all of these tests run on the sources as they are: a test that fails anyway kills nothing.
`--known-sound` leaves that out, for a run of all tests, which tells it itself. Work that does not end
is noticed by an alarm; a fault with which nothing loads, or that kills the process, proves nothing.

Each runs in a fork of this process, which has loaded everything but Narrows itself: loading takes
longer than most tests.
"""

import argparse
import contextlib
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.entry import ROOT, SOURCE, Mutant, all_mutants

_NAME = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_DEADLINE_S = 120
_SOUND_S = 900
_SLOW = ("tests/unit/core/policy/compare", "tests/unit/core/policy/checks")
"""About the officer's tools: they take long, and are no proof of what a policy releases."""
_LOADED = (
    "adbc_driver_postgresql.dbapi",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "duckdb",
    "hypothesis",
    "opentelemetry.sdk.trace",
    "phonenumbers",
    "pyarrow.compute",
    "pydantic",
    "rapidfuzz.distance",
    "ruamel.yaml",
    "sqlglot.optimizer.qualify",
)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: which test killed it, if one did."""

    mutant: Mutant
    killed_by: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Running:
    """A fork that runs the tests of a mutant, and the folder that it has for itself."""

    mutant: Mutant
    folder: Path
    started_s: float

    def fate(self, status: int) -> Fate:
        """What became of it. Raises: RuntimeError where the tests could not be run."""
        said = (self.folder / "said").read_text(errors="replace")
        shutil.rmtree(self.folder)
        found = _NAME.search(said)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            killed_by = f"{self.mutant.tests[-1]} (no end)"
        elif os.WIFEXITED(status) and os.WEXITSTATUS(status) == pytest.ExitCode.OK:
            killed_by = ""
        elif (
            os.WIFEXITED(status)
            and os.WEXITSTATUS(status) == pytest.ExitCode.TESTS_FAILED
            and found
        ):
            killed_by = found[1]
        else:
            message = f"the tests of `{self.mutant.name}` ended with {status}"
            raise RuntimeError(f"{message}: {said[-2000:]}")
        return Fate(self.mutant, killed_by, time.monotonic() - self.started_s)


def start(mutant: Mutant, deadline_s: int = _DEADLINE_S) -> tuple[int, _Running]:
    """The process of a mutant's tests. Raises: ValueError where its old text is not there once."""
    mutated = mutant.applied((SOURCE / mutant.file).read_text())
    folder = Path(tempfile.mkdtemp(prefix="narrows-mutant-"))
    shutil.copytree(SOURCE, folder / "narrows")
    (folder / "narrows" / mutant.file).write_text(mutated)
    process = os.fork()
    if process == 0:
        _run_tests(mutant, folder, deadline_s)
    return process, _Running(mutant, folder, time.monotonic())


def _run_tests(mutant: Mutant, folder: Path, deadline_s: int) -> None:
    """Never returns: ends the fork with the status of the first tests that fail."""
    status = 3
    try:
        signal.alarm(deadline_s)
        output = os.open(folder / "said", os.O_CREAT | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ |= {"PYTHONPATH": str(folder), "NARROWS_PROOF_SHRINK": "0"}
        sys.path[:] = [str(folder), *(one for one in sys.path if one != str(SOURCE.parent))]
        options = ["-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        options += [f"--ignore={slow}" for slow in _SLOW]
        for tests in mutant.tests:
            status = int(pytest.main([*options, "-p", "no:randomly", tests]))
            if status:
                break
    except Exception:  # noqa: BLE001 - said by the status; a fork must not run on
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def failing(mutants: Sequence[Mutant]) -> str:
    """The first of their tests that fails on the sources as they are; empty where none does."""
    tests = tuple(dict.fromkeys(one for mutant in mutants for one in mutant.tests))
    line = (SOURCE / "errors.py").read_text().splitlines()[0]
    process, running = start(Mutant("no fault", "errors.py", "", line, line, tests), _SOUND_S)
    return running.fate(os.waitpid(process, 0)[1]).killed_by


def run(mutants: Sequence[Mutant], workers: int) -> list[Fate]:
    """The fate of each mutant, in the order in which they end; printed as they do."""
    waiting, running, fates = list(mutants), dict[int, _Running](), list[Fate]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                process, started = start(waiting.pop(0))
                running[process] = started
            process, status = os.wait()
            fates.append(running.pop(process).fate(status))
            print(spell(fates[-1]), flush=True)  # noqa: T201 - it is the table
    finally:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    return fates


def spell(fate: Fate) -> str:
    """One line of the table."""
    outcome = f"killed by {fate.killed_by}" if fate.killed_by else "SURVIVED"
    return f"{fate.seconds:6.1f} s  {fate.mutant.file:32} {fate.mutant.name:52} {outcome}"


def chosen(part: str, names: Sequence[str]) -> list[Mutant]:
    """The mutants that the command line asks for."""
    number, count = map(int, part.split("/"))
    named = [one for one in all_mutants() if not names or any(n in one.name for n in names)]
    return named[number - 1 :: count]


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when no mutant survives."""
    started_s = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--known-sound", action="store_true")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    for name in _LOADED:
        importlib.import_module(name)
    assert not any(name.partition(".")[0] == "narrows" for name in sys.modules)
    mutants = chosen(given.part, given.names)
    if not given.known_sound:
        if broken := failing(mutants):
            print(f"without any fault, {broken} fails: nothing can be told")  # noqa: T201
            return 2
        took_s = time.monotonic() - started_s
        print(f"{took_s:6.1f} s  without any fault, all tests pass")  # noqa: T201
    fates = run(mutants, os.cpu_count() or 1)
    survivors = [fate for fate in fates if not fate.killed_by]
    took_s = time.monotonic() - started_s
    print(f"{len(fates) - len(survivors)} of {len(fates)} killed in {took_s:.0f} s")  # noqa: T201
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
