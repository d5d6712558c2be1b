"""One plan for one query: in every process, under every seed of Python's hashes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
from hashlib import sha256
from narrows.core.plan.fragment import encode_fragment
from narrows.core.plan.plan import plan
from narrows.core.terms import ColumnType, TypedValue
from tests.oracle.federated import DAY
from tests.properties.test_same_answer import CATALOG, TEXTS
every = {"least": TypedValue(ColumnType.BIGINT, 2), "where": TypedValue(ColumnType.TEXT, "east")}
state = sha256()
for sql in TEXTS:
    values = {name: value for name, value in every.items() if f":{name}" in sql}
    split = plan(sql, {name: value.type for name, value in values.items()}, CATALOG)
    for part, found in zip(split.parts, split.fill({**values, ":today": DAY}), strict=True):
        state.update(repr((part.name, part.monotone, part.not_asked)).encode())
        state.update(encode_fragment(found))
    state.update(split.statement.encode())
print(state.hexdigest())
"""


def digest_under(seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout


@pytest.mark.parametrize("seed", ["1", "4711"])
def test_the_plan_is_the_same_in_every_process(seed: str) -> None:
    found = digest_under(seed)
    assert len(found.strip()) == 64
    assert found == digest_under("0")
