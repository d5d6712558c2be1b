"""The rows that a grant is about, where the question does not name their relation; and no star."""

from datetime import date

import pytest

from narrows.core.catalog import Catalog, Reference
from narrows.core.policy.bound import KeepOnly, KeepWithParent
from narrows.core.policy.cascade import leads_to, only_of
from narrows.core.policy.decision import Verdict
from narrows.core.policy.model import ColumnTest, OnlyRows, RowTest
from narrows.core.policy.views import describe
from narrows.core.terms import ColumnName, ColumnType, RelationName, TypedValue
from tests.unit.core.policy.test_cascade import CASE, CASE_ID, CATALOG, NOTE, ROLE, relation
from tests.unit.core.policy.world import ASKED, TABLES, ask, form, granting, row

OF_CASE = OnlyRows(
    CASE, RowTest((ColumnTest(ColumnName("status"), "in", (TypedValue(ColumnType.TEXT, "OPEN"),)),))
)
LIST = granting("""
list:
  at_most: {rows: 5}
  link: [person, file]
  show: {person: {surname: as is}, file: {file_no: as is, opened: as is}, paper: {number: as is}}
  rows: {person: {country: {equal: CAN}}}
""")
FILES = "SELECT f.opened FROM file f"


def test_what_refers_to_such_a_row_is_given_without_it() -> None:
    found = ask(LIST, FILES, TABLES, form("list"))
    both = "SELECT f.opened FROM file f JOIN person p USING (holder, pid)"
    assert found.rows == ask(LIST, both, TABLES, form("list")).rows
    assert found.rows is not None
    every = {row[ColumnName("opened")] for row in TABLES[RelationName("file")]}
    assert {one for (one,) in found.rows} < every
    assert date(2026, 2, 1).year in {one.year for (one,) in found.rows if isinstance(one, date)}
    assert found.bound is not None
    assert "t1 only of a person (pid) with country IN ('CAN')" in describe(found.bound)


def test_a_hidden_row_says_nothing_of_what_refers_to_it() -> None:
    """Who is sealed stays unseen: the file that stays is given or not, whatever he is."""
    never = """\
never:
  - rows: {person: {status: {in: [SEALED]}}}
    because: the law
    stays: [file]
"""
    some_rows = """
list:
  at_most: {rows: 5}
  link: [person, file]
  show: {person: {surname: as is}, file: {file_no: as is}}
  rows: {person: {country: {equal: CAN}}}
"""
    person, file = RelationName("person"), RelationName("file")
    hidden = {**row(person, pid="9", country="CAN", status="SEALED")}
    sealed = {
        country: {
            person: [{**hidden, ColumnName("country"): country}],
            file: [row(file, file_no="F9", pid="9")],
        }
        for country in ("CAN", "USA")
    }
    policy = granting(some_rows, never)
    answers = [
        ask(policy, "SELECT f.file_no FROM file f", tables, form("list")).rows
        for tables in sealed.values()
    ]
    assert answers == [[], []]


def test_what_refers_to_none_is_not() -> None:
    of_file = granting("""
list:
  at_most: {rows: 5}
  show: {person: {surname: as is}}
  rows: {file: {unit: {equal: VICE}}}
""")
    decision = ask(of_file, "SELECT p.surname FROM person p", asked=form("list")).decision
    assert "together with `file` alone" in "; ".join(decision.reasons)


def test_the_rows_are_asked_for_once_where_their_relation_is_asked() -> None:
    assert [type(one) for one in only_of([OF_CASE], CATALOG, CASE, {CASE, ROLE}, ASKED)] == [
        KeepOnly
    ]
    assert only_of([OF_CASE], CATALOG, ROLE, {CASE, ROLE}, ASKED) == ()
    (found,) = only_of([OF_CASE], CATALOG, NOTE, {NOTE}, ASKED)
    assert isinstance(found, KeepWithParent)
    assert found.parent == ROLE
    (inner,) = found.keep
    assert isinstance(inner, KeepWithParent)
    assert isinstance(inner.keep[0], KeepOnly)


def test_a_circle_of_references_ends() -> None:
    here, there = RelationName("here"), RelationName("there")
    circle: Catalog = CATALOG.__class__(
        "test",
        1,
        "UTC",
        (),
        {
            here: relation(here, (CASE_ID,), Reference((CASE_ID,), there)),
            there: relation(there, (CASE_ID,), Reference((CASE_ID,), here)),
            CASE: CATALOG.relations[CASE],
        },
        {},
    )
    assert only_of([OF_CASE], circle, here, {here}, ASKED) == ()
    assert not leads_to(circle, here, CASE)
    assert leads_to(circle, here, there)


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("SELECT p.surname FROM person p", Verdict.ALLOWED),
        ("SELECT count(*) AS n FROM person p", Verdict.ALLOWED),
        ("SELECT * FROM person p", Verdict.REFUSED),
        ("SELECT p.* FROM person p", Verdict.REFUSED),
    ],
)
def test_a_star_is_no_name(question: str, verdict: Verdict) -> None:
    grants = "list:\n  at_most: {rows: 5}\n  show: {person: {surname: as is}}\n"
    rows = "  rows: {person: {country: {equal: CAN}}}"
    named = granting(grants + rows, more="named_columns_only: true")
    found = ask(named, question, asked=form("list")).decision
    assert found.verdict is verdict
    assert ("by their names" in "; ".join(found.reasons)) == (verdict is Verdict.REFUSED)
    assert ask(granting(grants + rows), question, asked=form("list")).decision.releases
