"""Columns through their masks, and tests that see what is shown."""

from datetime import date

import pytest

from narrows.core.policy.decision import Verdict
from narrows.core.policy.model import Policy
from narrows.core.policy.views import describe
from narrows.core.terms import ColumnType, TypedValue
from tests.unit.core.policy.world import TABLES, ask, granting

LOOKUP = """
lookup:
  by: [[paper.number]]
  at_most: {rows: 5, literals: 1}
  link: [person, paper]
  show: {person: {surname: as is, age: as is}}
"""
ONE = "SELECT p.surname FROM person p JOIN paper i USING (holder, pid) WHERE i.number = 'A'"


def masked(mask: str) -> Policy:
    return granting(LOOKUP.replace("surname: as is, age: as is", mask))


@pytest.mark.parametrize(
    ("mask", "column", "shown"),
    [
        ("born: month", "born", date(1981, 3, 1)),
        ("seen: day", "seen", "2026-05-17T00:00:00.000000"),
        ("seen: month", "seen", "2026-05-01T00:00:00.000000"),
        ("seen: year", "seen", "2026-01-01T00:00:00.000000"),
        ("age: bucket 10", "age", 40),
        ("age: round 10", "age", 50),
        ("weight: round 5", "weight", 60.0),
        ("surname: pseudonym month", "surname", "[vpd/investigation/2026-06/person.surname|"),
        ("surname: pseudonym year", "surname", "[vpd/investigation/2026/person.surname|"),
        ("surname: pseudonym day", "surname", "[vpd/investigation/2026-06-01/person.surname|"),
        ("pid: pseudonym day", "pid", "nsor:[vpd/investigation/2026-06-01/person.pid|1]"),
    ],
)
def test_a_column_is_shown_through_its_mask(mask: str, column: str, shown: object) -> None:
    question = ONE.replace("surname", column).replace("'A'", "'ZZ 123-456'")
    found = ask(masked(mask), question, TABLES)
    assert found.rows is not None
    assert found.bound is not None
    ((value,),) = found.rows
    if column == "seen":
        assert TypedValue(ColumnType.TIMESTAMP, value).text == shown
    elif isinstance(shown, str):
        assert str(value).startswith(shown)
    else:
        assert value == shown
    assert found.decision.verdict is Verdict.NARROWED
    assert "(" in describe(found.bound).splitlines()[0]


def test_a_test_sees_what_is_shown() -> None:
    given = masked("age: bucket 10, surname: as is")
    at_forty = ONE.replace("'A'", "'ZZ 123-456' AND p.age = 40")
    assert ask(given, at_forty, TABLES).rows == [("Lévesque-Côté",)]
    assert ask(given, at_forty.replace("40", "45"), TABLES).rows == []
    alike = ONE.replace("'A'", "'ZZ 123-456' AND name_sim(p.surname, 'Levesque Cote') >= 0.95")
    found = ask(given, alike, TABLES)
    assert found.rows == [("Lévesque-Côté",)]
    assert found.bound is not None
    assert found.bound.is_finished_by_node
    assert "name_sim(t1.surname, $2) >= 0.95" in describe(found.bound)
    first = ONE.replace("'A'", "'ZZ 123-456' AND NOT substr(p.surname, 1, 2) IN ('Ro', 'Xx')")
    found = ask(given, first, TABLES)
    assert found.rows == [("Lévesque-Côté",)]
    assert found.bound is not None
    assert not found.bound.is_finished_by_node
    assert "NOT (substr(t1.surname, 1, 2) IN ($2, $3))" in describe(found.bound)
    inside = ONE.replace("'A'", "'A' AND (p.age IS NULL OR name_sim(p.surname, 'Roy') >= 1)")
    nested = ask(given, inside).bound
    assert nested is not None
    assert nested.is_finished_by_node


def test_what_is_unknown_is_alike_to_nothing() -> None:
    given = masked("surname: as is, country: as is, age: as is")
    alike = "name_sim(p.surname || ' ' || p.country, 'Nguyen CAN') >= 0"
    question = ONE.replace("'A'", f"'ZZ999999' AND NOT {alike}")
    assert ask(given, question, TABLES).rows == []


def test_what_is_shown_as_nothing_is_not_even_read() -> None:
    given = masked("surname: null, age: bucket 10")
    question = ONE.replace("p.surname", "p.surname, p.age").replace("'A'", "'ZZ 123-456'")
    found = ask(given, question, TABLES)
    assert found.bound is not None
    assert found.bound.is_finished_by_node
    assert "surname" not in {column.column for column in found.bound.raw_columns}
    assert found.rows == [(40, None)]
