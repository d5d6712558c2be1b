"""When rows may be given although a holder is missing, and what is said when not."""

import pytest

from narrows.core.plan.plan import plan
from narrows.core.plan.split import Split
from narrows.core.policy.gaps import why_withheld
from narrows.core.terms import ColumnType, Holder
from tests.unit.serving.world import CATALOG, NSOR, OSOR, SQL

COUNTING = "SELECT count(*) FROM person p WHERE p.document = :document"
BOTH = (
    "SELECT p.surname FROM person p WHERE p.document = :document "
    "AND NOT EXISTS (SELECT 1 FROM vehicle v WHERE v.plate = :document)"
)
ASKED = {NSOR: [0], OSOR: [0]}


def split(sql: str) -> Split:
    return plan(sql, {"document": ColumnType.TEXT}, CATALOG)


def test_a_holder_that_holds_is_named_and_the_way_to_collect() -> None:
    one = why_withheld(split(SQL), ASKED, [OSOR], partial=False, held=[OSOR])
    assert "or of all with the ticket once it is approved" in one
    assert "ticket" not in why_withheld(split(SQL), ASKED, [OSOR], partial=False, held=[NSOR])
    assert why_withheld(split(SQL), ASKED, [OSOR], partial=True, held=[OSOR]) == ""
    every = why_withheld(split(SQL), ASKED, [NSOR, OSOR], partial=True, held=[OSOR])
    assert every == "`osor` must decide first"


def why(*gaps: Holder, sql: str = SQL, partial: bool = True) -> str:
    """What is said where both holders were asked, and these are missing."""
    return why_withheld(split(sql), ASKED, gaps, partial=partial)


@pytest.mark.parametrize("sql", [SQL, COUNTING])
@pytest.mark.parametrize("partial", [True, False])
def test_where_there_is_no_gap_nothing_is_withheld(sql: str, partial: bool) -> None:
    assert why(sql=sql, partial=partial) == ""


def test_a_gap_withholds_unless_the_request_allows_it() -> None:
    said = why(OSOR, partial=False)
    assert "`osor` did not answer" in said
    assert said.endswith("ask of the others alone, WHERE holder IN ('nsor'), or allow one")
    assert why(OSOR) == ""


def test_a_gap_under_a_count_withholds_always() -> None:
    for partial in (True, False):
        said = why(NSOR, sql=COUNTING, partial=partial)
        assert "`nsor`" in said
        assert said.endswith("WHERE holder IN ('osor')")
        # To allow an incomplete answer would not help, so that is not the hint.
        assert said.startswith("without `nsor` the answer could say something false")


def test_where_all_are_missing_there_is_nobody_else_to_ask() -> None:
    assert why(NSOR, OSOR) == "no holder answered"
    assert why_withheld(split(SQL), {OSOR: [0]}, [OSOR], partial=True) == "no holder answered"


def test_only_the_parts_that_the_missing_holder_was_asked_count() -> None:
    """`NOT EXISTS` is false without the vehicles; but who holds none cannot be missed there."""
    found = split(BOTH)
    monotone = [one.monotone for one in found.parts]
    assert sorted(monotone) == [False, True]
    asked = {NSOR: [monotone.index(True)], OSOR: [0, 1]}
    assert why_withheld(found, asked, [NSOR], partial=True) == ""
    assert "something false" in why_withheld(found, asked, [OSOR], partial=True)
