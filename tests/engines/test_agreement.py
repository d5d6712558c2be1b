"""Engine agreement: what goes down means the same everywhere, and one table says what does not.

`agreement.txt` is the record, and `docs/engines.md` says the same. With `NARROWS_BLESS=1` both are
written anew; a person reviews the difference.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from narrows.engines.protocol import Dialect
from tests.engines.candidates import EACH, Candidate
from tests.engines.expressions import AT_THE_NODE, CANDIDATES
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
    if candidate.how != EACH:
        return False
    found = {filters_of(one) is not None for one in candidate.asked or candidate.terms}
    assert len(found) == 1, candidate.said
    return found.pop()


def where(candidate: Candidate) -> str:
    """Where it is worked out, as the page says it."""
    at_the_node = candidate.how != EACH and candidate.why == AT_THE_NODE
    return "to the node" if at_the_node else "yes" if goes_down(candidate) else "no"


def recorded() -> dict[str, tuple[str, ...]]:
    lines = [line.split(" | ") for line in RECORD.read_text().splitlines()]
    return {said: tuple(outcomes) for said, *outcomes in lines}


def table() -> str:
    """The table of the page, from the record."""
    lines = [HEAD, "|---|---|---|---|---|---|"]
    known = recorded()
    for one in CANDIDATES:
        cells = (one.said, where(one), *known[one.said], one.why)
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


# --- negative controls: an engine that stops agreeing must be seen ----------------------------


def _as_written(dialect: Dialect) -> Dialect:
    return replace(
        dialect, like=lambda term, pattern: f"{term} LIKE {pattern}", pattern=lambda text: text
    )


def _by_its_own_order(dialect: Dialect) -> Dialect:
    return replace(dialect, collated=lambda term: term)


def _null_is_unknown(dialect: Dialect) -> Dialect:
    return replace(dialect, same=lambda left, right: f"{left} = {right}")


@pytest.mark.parametrize(
    ("engine", "said", "fault", "seen"),
    [
        ("sqlite", "`LIKE` with a constant", _as_written, "capitals"),
        ("postgresql", "`LIKE` with a constant", _as_written, "a backslash"),
        ("sqlite", "`=`, `<>`, `<`, `<=`, `>`, `>=` of two `text`", _by_its_own_order, "capitals"),
        ("sqlite", "`IN` with constants", _by_its_own_order, "capitals"),
        ("duckdb", "`IS [NOT] DISTINCT FROM`", _null_is_unknown, "NULL"),
        ("postgresql", "`IS [NOT] DISTINCT FROM`", _null_is_unknown, "NULL"),
        ("sqlite", "`IS [NOT] DISTINCT FROM`", _null_is_unknown, "NULL"),
    ],
)
def test_an_engine_that_differs_is_seen(
    engine: str,
    said: str,
    fault: Callable[[Dialect], Dialect],
    seen: str,
    filled: Grid,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (candidate,) = (one for one in CANDIDATES if one.said.startswith(said))
    faulty = filled.engines[engine]
    monkeypatch.setattr(faulty, "dialect", fault(faulty.dialect))
    found = filled.outcomes(candidate)
    assert found[engine].startswith("differs: ")
    assert seen in found[engine]
    assert {found[other] for other in ENGINES if other != engine} == {AGREES}
