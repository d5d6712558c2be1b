"""The three libraries, from their folder: unlike tables, one agreed answer, on both engines."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from narrows.core.plan.plan import plan
from narrows.core.policy.bind import bind
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.finish import no_pseudonym
from narrows.core.terms import ColumnType, MemberName, Purpose, Scalar, TypedValue
from narrows.engines.duckdb import open_duckdb
from narrows.engines.sqlite import open_sqlite
from narrows.folder.load import Federation, load_folder
from narrows.node.compile import compile_bound, types_in
from narrows.node.release import released_rows

LIBRARY = Path(__file__).parents[2] / "examples" / "library"
QUESTION = """
SELECT p.holder, p.full_name, p.postal_code, p.born_on, l.due_on, l.loan_state
FROM patron p JOIN loan l USING (holder, patron_id) WHERE p.card_number = :card
"""
DESK = Requester(MemberName("reader-desk"), "desk", "CAN")
WHO = Circumstances(
    DESK, Purpose("interlibrary_loan"), "lookup", date(2026, 6, 1), frozenset(["officer"])
)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    command: list[str | Path] = [
        sys.executable,
        LIBRARY / "generate.py",
        "--seed",
        "7",
        "--out",
        folder,
    ]
    subprocess.run(command, check=True)
    return folder


async def released(
    found: Federation, name: str, card: str, databases: Path
) -> list[tuple[Scalar, ...]]:
    node = found.members[MemberName(name)].node
    assert node is not None
    split = plan(QUESTION, {"card": ColumnType.TEXT}, found.catalog)
    (fragment,) = split.fill({"card": TypedValue(ColumnType.TEXT, card)})
    decision = decide(node.policy, found.catalog, fragment, WHO)
    assert decision.narrowed == ("patron.born_on: year", "patron.postal_code: first 3")
    bound = bind(node.policy, found.catalog, fragment, WHO, decision)
    path = databases / node.database
    engine = open_sqlite(path) if node.engine == "sqlite" else open_duckdb(path, parquet=False)
    try:
        statement = compile_bound(
            bound, node.mapping, engine.dialect, types_in(bound, found.catalog)
        )
        return released_rows(bound, (await engine.run([statement], 10)).rows[0], no_pseudonym)
    finally:
        engine.close()


@pytest.mark.parametrize("name", ["harbour", "hilltop", "riverside"])
async def test_each_library_answers_narrowed_from_its_own_tables(
    name: str, databases: Path
) -> None:
    found = load_folder(LIBRARY)
    rows = await released(found, name, "ZZ1001", databases)
    assert rows
    for row in rows:
        assert name in row
        assert "Ada Okafor" in row
        assert "B3H" in row
        assert date(1984, 1, 1) in row


@pytest.mark.parametrize("name", ["harbour", "hilltop", "riverside"])
async def test_who_opted_out_is_nobody(name: str, databases: Path) -> None:
    found = load_folder(LIBRARY)
    hidden = await released(found, name, "ZZ1002", databases)
    assert hidden == await released(found, name, "ZZ9999", databases) == []
