"""Engine agreement: what goes down means the same everywhere, and one table says what does not.

`agreement.txt` is the record, and `docs/engines.md` says the same. With `NARROWS_BLESS=1` both are
written anew; a person reviews the difference.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.candidates import Candidate
from tests.engines.expressions import CANDIDATES
from tests.engines.grid import AGREES, Grid, filters_of, grid
from tests.postgresql import Server

RECORD = Path(__file__).with_name("agreement.txt")
PAGE = Path(__file__).parents[2] / "docs" / "engines.md"
ENGINES = ("duckdb", "sqlite", "postgresql")
HEAD = "| Expression | Goes down | DuckDB, Parquet | SQLite | PostgreSQL | Why not |"
_BLESSES = os.environ.get("NARROWS_BLESS") == "1"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, pg: Server) -> Iterator[Grid]:
    with grid(tmp_path_factory.mktemp("grid"), pg) as found:
        yield found


def goes_down(candidate: Candidate) -> bool:
    """Whether the planner pushes it. Fails where it pushes some of its terms and not others."""
    if candidate.how != "each row":
        return False
    found = {filters_of(one) is not None for one in candidate.asked or candidate.terms}
    assert len(found) == 1, candidate.said
    return found.pop()


def recorded() -> dict[str, tuple[str, ...]]:
    lines = [line.split(" | ") for line in RECORD.read_text().splitlines()]
    return {said: tuple(outcomes) for said, *outcomes in lines}


def table() -> str:
    """The table of the page, from the record."""
    lines = [HEAD, "|---|---|---|---|---|---|"]
    known = recorded()
    for one in CANDIDATES:
        cells = (one.said, "yes" if goes_down(one) else "no", *known[one.said], one.why)
        lines.append(f"| {' | '.join(cells)} |".replace("  |", " |"))
    return "\n".join(lines)


def test_each_engine_does_what_the_record_says(filled: Grid) -> None:
    found = {one.said: filled.outcomes(one) for one in CANDIDATES}
    if _BLESSES:
        lines = [" | ".join((said, *(by[e] for e in ENGINES))) for said, by in found.items()]
        RECORD.write_text("\n".join(lines) + "\n")
    assert {said: tuple(by[e] for e in ENGINES) for said, by in found.items()} == recorded()


def test_what_goes_down_agrees_on_every_engine() -> None:
    known = recorded()
    pushed = [one.said for one in CANDIDATES if goes_down(one)]
    assert {said: known[said] for said in pushed} == dict.fromkeys(pushed, (AGREES,) * 3)
    assert len(pushed) > 10


def test_what_stays_above_says_why() -> None:
    assert [one.said for one in CANDIDATES if bool(one.why) is goes_down(one)] == []


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text()
    if _BLESSES:
        before, _, after = page.partition(HEAD)
        page = before + table() + "\n\n" + after.partition("\n\n")[2]
        PAGE.write_text(page)
    assert table() in page
