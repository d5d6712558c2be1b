"""A case as text: what is read, what is refused with its line, when it passes, what it covers."""

import pytest

from narrows.core.plan.plan import plan
from narrows.core.policy.cases import (
    Expected,
    circumstances_from,
    clauses_of,
    covered_by,
    differences,
    read_case,
)
from narrows.core.policy.decision import Circumstances
from narrows.core.policy.offline import NOT_ASKED, Answered, decide_parts, together
from narrows.core.terms import ColumnType, Holder, Purpose
from narrows.errors import BadFederation, MalformedQuery
from tests.unit.core.policy.rich import ABROAD, CATALOG, CITY, DAY, POLICY, REQUESTERS, changed

TEXT = """\
The city asks whose passport it is.

Only the area of the address is shown.

-- request --
as       city          purpose  aid
day      2026-06-01    officer  12
case     C-1           grounds  a found passport

SELECT p.surname, p.postal FROM person p JOIN paper d USING (holder, person_id)
WHERE d.kind = 'PASSPORT' AND d.number = 'ZZ123456'

-- decision --
NARROWED  city-inquiry, never[1], never[2]
  narrowed  person.postal: first 3
  caveat  For this inquiry only
"""


def answered(policy_text_changes: tuple[tuple[str, str], ...] = ()) -> Answered:
    case = read_case(TEXT, "case.txt")
    policy = changed(*policy_text_changes)
    who = circumstances_from(case.fields, CITY, CATALOG, case.file)
    parts = decide_parts(policy, CATALOG, plan(case.sql, {}, CATALOG), who)
    return together(part.decision for part in parts)


def test_a_case_is_read_and_passes() -> None:
    case = read_case(TEXT, "case.txt")
    assert case.prose.splitlines()[0] == "The city asks whose passport it is."
    assert case.sql.startswith("SELECT")
    assert case.sql.endswith("'ZZ123456'")
    assert differences(case.expected, answered()) == ()


def test_a_case_fails_where_the_policy_gives_another_answer() -> None:
    expected = read_case(TEXT, "case.txt").expected
    assert differences(expected, answered((("postal: first 3", "postal: first 2"),))) == (
        "narrowed and not expected: person.postal: first 2",
        "not narrowed: person.postal: first 3",
    )
    assert differences(expected, answered((("For this inquiry", "For that inquiry"),))) == (
        "not said as caveat: For this inquiry only",
    )
    found = differences(
        expected, answered((("requires: [officer", "requires: [approver, officer"),))
    )
    assert found == (
        "decided REFUSED, expected NARROWED",
        "cites city-inquiry, expected city-inquiry, never[1], never[2]",
        "not narrowed: person.postal: first 3",
        "not said as caveat: For this inquiry only",
        "because: `city-inquiry` requires `approver`",
    )


@pytest.mark.parametrize(
    ("old", "new", "said", "line"),
    [
        ("-- request --\n", "", "has not the parts", 1),
        ("-- decision --\n", "-- decisions --\n", "has not the parts", 1),
        ("-- request --\n", "-- request --\n-- more --\n", "has not the parts", 1),
        ("as       city          purpose", "as       city          purpos", "no field `purpos`", 6),
        ("officer  12\n", "officer\n", "a field without a value", 7),
        ("as       city          purpose  aid", "as       city", "lacks `purpose`", 6),
        ("NARROWED  city", "MAYBE  city", "the decision is none", 14),
        (
            "NARROWED  city-inquiry, never[1], never[2]",
            "NARROWED  a  b",
            "the decision is none",
            14,
        ),
        ("  narrowed  person", "  shown  person", "a line says nothing known", 15),
        ("  caveat  For this inquiry only", "  caveat", "a line says nothing known", 16),
        (TEXT[TEXT.index("NARROWED") :], "", "the decision is none", 14),
        (TEXT[TEXT.index("SELECT") : TEXT.index("\n-- decision")], "", "asks nothing", 5),
    ],
)
def test_a_slip_in_a_case_is_told_with_its_line(old: str, new: str, said: str, line: int) -> None:
    assert old in TEXT
    with pytest.raises(BadFederation, match=said) as caught:
        read_case(TEXT.replace(old, new, 1), "case.txt")
    assert (caught.value.file, caught.value.line, bool(caught.value.hint)) == (
        "case.txt", line, True,
    )  # fmt: skip


def test_fields_say_the_circumstances() -> None:
    fields = {"as": "abroad", "purpose": "aid", "day": "2026-06-01"}
    assert circumstances_from(fields, ABROAD, CATALOG, "") == Circumstances(
        ABROAD,
        Purpose("aid"),
        "lookup",
        DAY,
        frozenset(),
    )
    full = circumstances_from(
        fields
        | {"form": "pointer", "officer": "12", "approver": "12", "reference": "R", "authority": "s.1",
           "signed": "approver", "emergency": "yes", "ticket": "yes", "merge": "archive"},
        ABROAD,
        CATALOG,
        "",
    )  # fmt: skip
    assert full.given == {"officer", "approver", "agreement_reference", "authority"}
    assert (full.form, full.self_approved, full.emergency, full.has_ticket, full.merge_at) == (
        "pointer", True, True, True, Holder("archive"),
    )  # fmt: skip
    assert full.signed_by == {"agency", "approver"}
    with pytest.raises(BadFederation, match="none of the calendar"):
        circumstances_from(fields | {"day": "2026-02-30"}, ABROAD, CATALOG, "case.txt")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("purpose", "ayd"),
        ("form", "lokup"),
        ("signed", "aprover"),
        ("merge", "nobody"),
        ("emergency", "no"),
        ("ticket", "no"),
    ],
)
def test_a_slip_is_told_and_not_refused_by_every_policy(name: str, text: str) -> None:
    fields = {"as": "city", "purpose": "aid", "day": "2026-06-01", name: text}
    with pytest.raises(BadFederation, match=f"`{name}` says what there is not") as caught:
        circumstances_from(fields, CITY, CATALOG, "case.txt")
    assert caught.value.hint.startswith("one of ")
    assert text not in str(caught.value).split("one of ")[0].split()


def test_a_holder_that_is_asked_nothing_decides_nothing() -> None:
    assert together(()) == Answered(NOT_ASKED)
    assert not together(()).releases
    assert answered().releases
    elsewhere = plan("SELECT box FROM vault WHERE holder = 'archive'", {}, CATALOG)
    who = circumstances_from(
        {"as": "city", "purpose": "aid", "day": "2026-06-01"}, CITY, CATALOG, ""
    )
    assert decide_parts(POLICY, CATALOG, elsewhere, who) == ()
    kinds = {"name": ColumnType.TEXT}
    unfilled = plan("SELECT surname FROM person WHERE surname = :name", kinds, CATALOG)
    kinds = {"name": ColumnType.TEXT}
    unfilled = plan("SELECT surname FROM person WHERE surname = :name", kinds, CATALOG)
    with pytest.raises(MalformedQuery):
        decide_parts(POLICY, CATALOG, unfilled, who)


def test_several_parts_are_told_as_the_gravest() -> None:
    case = read_case(TEXT, "case.txt")
    who = circumstances_from(case.fields, CITY, CATALOG, case.file)
    both = f"SELECT a.surname FROM ({case.sql}) AS a, (SELECT box FROM vault) AS b"
    parts = decide_parts(POLICY, CATALOG, plan(both, {}, CATALOG), who)
    assert [part.decision.verdict for part in parts] == ["ALLOWED", "REFUSED"]
    assert together(part.decision for part in parts).verdict == "REFUSED"


def test_coverage_is_of_never_agreements_and_grants() -> None:
    assert clauses_of(POLICY) == (
        "never[1]", "never[2]", "never[3]", "never[4]",
        "city-inquiry", "city-inquiry: lookup 1", "city-inquiry: lookup 2",
        "foreign-desk", "foreign-desk: pointer",
        "figures", "figures: count 1", "figures: count 2",
        "own-list", "own-list: list", "own-list: pointer",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "more"),
    [
        ("SELECT p.postal FROM person p WHERE substr(p.surname, 1, 1) = 'T'",
         {"never[1]", "never[2]", "city-inquiry", "city-inquiry: lookup 2"}),
        ("SELECT p.score FROM person p WHERE substr(p.surname, 1, 1) = 'T'",
         {"city-inquiry", "never[3]"}),
        ("SELECT p.postal FROM person p WHERE substr(p.surname, 1, 1) = 'T' AND p.score = 1.5",
         {"city-inquiry", "never[3]"}),
        ("SELECT v.box FROM vault v", {"city-inquiry", "never[4]"}),
    ],
)  # fmt: skip
def test_what_a_question_covers(sql: str, more: set[str]) -> None:
    case = read_case(TEXT, "case.txt")
    who = circumstances_from(case.fields, CITY, CATALOG, case.file)
    parts = decide_parts(POLICY, CATALOG, plan(sql, {}, CATALOG), who)
    assert covered_by(POLICY, CATALOG, who, parts) == more
    nobody = circumstances_from({**case.fields, "purpose": "licensing"}, CITY, CATALOG, "")
    assert covered_by(POLICY, CATALOG, nobody, parts) == frozenset()


def test_an_expectation_without_clauses_takes_any() -> None:
    expected = Expected(
        "NARROWED", (), dict.fromkeys(("narrowed", "withheld", "because", "caveat"), ())
    )
    assert differences(expected, Answered("NARROWED", ("one",))) == ()
    assert REQUESTERS
