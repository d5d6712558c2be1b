"""The mutants themselves: that they still apply, and that tests kill them.

All of them take `make mutants`; here every fourth runs, those after `NARROWS_MUTANTS_FROM`.
"""

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.mutants.entry import ROOT, SOURCE, Mutant, all_mutants

_PARTS = 4
_PART = int(os.environ.get("NARROWS_MUTANTS_FROM", "0")) % _PARTS + 1


@pytest.mark.parametrize("mutant", all_mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_applies_once(mutant: Mutant) -> None:
    mutated = mutant.applied((SOURCE / mutant.file).read_text())
    compile(mutated, mutant.file, "exec")
    for tests in mutant.tests:
        assert (ROOT / tests.partition("::")[0]).exists(), tests


def test_a_text_that_is_gone_is_an_error() -> None:
    mutant = Mutant("any", "core/terms.py", "all", "no such text", "", ("tests/golden",))
    with pytest.raises(ValueError, match="stands 0 times"):
        mutant.applied("text")


def test_there_are_enough_of_each() -> None:
    mutants = all_mutants()
    assert len(mutants) >= 40
    assert [name for name, n in Counter(one.name for one in mutants).items() if n > 1] == []
    files = {one.file for one in mutants}
    wanted = (
        ("core/policy", ("bind", "cascade", "decide", "finish", "grants", "anchors", "gaps")),
        ("core/plan", ("split", "merge", "plan", "pushdown", "fragmenting")),
        ("node", ("compile", "terms", "release", "answer")),
        ("core", ("admission",)),
    )
    missing = {f"{folder}/{name}.py" for folder, names in wanted for name in names} - files
    assert missing == set()


@pytest.mark.timeout(0)
def test_mutants_are_killed() -> None:
    part = ["--part", f"{_PART}/{_PARTS}", "--known-sound"]
    command = [sys.executable, "-m", "tests.mutants.run", *part]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
