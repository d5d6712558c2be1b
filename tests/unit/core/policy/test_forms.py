"""Pointers, lists, cubes, and what stands around every form: each refusal beside its permission."""

from dataclasses import replace
from datetime import date

import pytest

from narrows.core.policy.bound import Cap, Edition, First
from narrows.core.policy.decision import Circumstances, Verdict
from narrows.core.policy.finish import finish_rows, no_pseudonym
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import Form
from narrows.core.policy.views import describe
from narrows.core.terms import Holder
from narrows.errors import BadFederation, CheckFailed
from tests.unit.core.policy.world import (
    ASKED,
    FILE,
    PERSON,
    TABLES,
    ask,
    form,
    granting,
    policy,
    row,
)

POINTER = granting("""
pointer:
  by: [[paper.number]]
  at_most: {literals: 2}
  link: [person, paper, file]
  show: {file: {unit: as is, contact: as is}}
  rows: {file: {opened: {from: 2026-01-01}}}
  first_by: [file.opened, paper.number]
  duty: notify
""")
FROM = "FROM paper i JOIN person p USING (holder, pid) JOIN file f USING (holder, pid) WHERE "
PHONE = "i.number = '+14165550142'"


def test_a_pointer_is_the_first_row_by_the_declared_key() -> None:
    found = ask(POINTER, f"SELECT f.unit {FROM}{PHONE}", TABLES, form("pointer"))
    assert found.decision.verdict is Verdict.ALLOWED
    assert found.rows == [("VICE",)]
    # Another choice of columns points to the same row: a second hit does not show.
    other = ask(POINTER, f"SELECT f.contact, f.unit {FROM}{PHONE}", TABLES, form("pointer"))
    assert other.rows == [("a@example.org", "VICE")]
    assert found.bound is not None
    assert isinstance(found.bound.guard, First)
    assert [column.column for column in found.bound.guard.by] == [
        "opened",
        "number",
        "file_no",
        "pid",
    ]
    assert "the first row by" in describe(found.bound)
    assert b'"first_by"' in encode_bound(found.bound)


def test_pointers_of_one_key_are_told_apart_by_what_is_shown_alone() -> None:
    # A key that is no key, as a mapping may give it: the order of the rows must tell nothing.
    one, two = (
        row(FILE, file_no="F9", pid="1", opened=date(2026, 2, 1), unit=unit, contact=contact)
        for unit, contact in (("ARSON", "z@example.org"), ("VICE", "a@example.org"))
    )
    for files in ([one, two], [two, one]):
        tables = {**TABLES, FILE: files}
        for names in ("f.unit", "f.contact"):
            found = ask(POINTER, f"SELECT {names} {FROM}{PHONE}", tables, form("pointer"))
            assert found.rows == [("ARSON",) if names == "f.unit" else ("z@example.org",)]


def test_what_nothing_points_to_is_no_row() -> None:
    missing = ask(POINTER, f"SELECT f.unit {FROM}i.number = 'X'", TABLES, form("pointer"))
    assert missing.rows == []
    # F3 was opened on an unknown day: what is not known to be of the grant's rows is not.
    unknown = ask(POINTER, f"SELECT f.unit {FROM}i.number = 'ZZ999999'", TABLES, form("pointer"))
    assert unknown.rows == []


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (f"SELECT f.unit {FROM}{PHONE} AND f.unit = 'VICE'", "tests `file.unit` too"),
        (f"SELECT p.surname {FROM}{PHONE}", "`person.surname` is not shown"),
        ("SELECT i.holder FROM paper i WHERE i.number = 'X'", "together with `file` alone"),
        (f"SELECT f.unit {FROM}f.opened = DATE '2026-01-01'", "nothing is matched"),
    ],
)
def test_a_pointer_is_sounded_out_by_nothing(question: str, reason: str) -> None:
    decision = ask(POINTER, question, asked=form("pointer")).decision
    assert decision.verdict is Verdict.REFUSED
    assert reason in "; ".join(decision.reasons)


LIST = granting("""
list:
  at_most: {rows: 2}
  link: [person, file]
  show: {person: {pid: as is, surname: as is}, file: {opened: month}}
  rows: {person: {born: {from: 1980-01-01, to: today - 365}, country: {equal_to: requester country}}}
""")


def test_a_list_has_the_rows_that_policy_fixes() -> None:
    found = ask(LIST, "SELECT p.surname FROM person p", TABLES, form("list"))
    assert found.rows == [("Lévesque-Côté",)]
    assert found.bound is not None
    assert found.bound.guard == Cap(2)
    assert found.bound.anchors == ()
    text = describe(found.bound)
    assert "t1.born >= DATE '1980-01-01'" in text
    assert "t1.born <= DATE '2025-06-01'" in text
    assert "t1.country IN ('CAN')" in text
    joined = "SELECT p.surname, f.opened FROM person p JOIN file f USING (holder, pid)"
    assert ask(LIST, joined, TABLES, form("list")).rows == [("Lévesque-Côté", date(2026, 2, 1))]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("SELECT p.given FROM person p", "`person.given` is not shown"),
        ("SELECT p.surname FROM person p WHERE p.age > 3", "`person.age` is not shown"),
        ("SELECT p.surname FROM person p JOIN paper i USING (holder, pid)", "may not be linked"),
    ],
)
def test_a_list_gives_nothing_else(question: str, reason: str) -> None:
    decision = ask(LIST, question, asked=form("list")).decision
    assert reason in "; ".join(decision.reasons)


CUBES = policy("""\
cubes:
  - id: files
    of: [file, person]
    unit: file.file_no
    units: files
    at_least: 10
    group: {file: {opened: year, unit: as is}}
    measure: {person: {age: {between: [0, 120]}}}
    noise: {epsilon: 0.5, a_year: 2}
agreements:
  - id: figures
    authority: the Act
    with: {country: CAN}
    purposes: [statistics]
    valid: {from: 2026-01-01}
    count: files
""")
COUNTING = replace(form("count"), purpose=next(iter(CUBES.agreements[0].purposes)))
JOINED = "FROM file f JOIN person p USING (holder, pid)"


def test_figures_are_read_of_the_cells_of_a_cube() -> None:
    question = (
        f"SELECT f.unit, f.opened, avg(p.age), count(DISTINCT f.file_no) {JOINED} GROUP BY 1, 2"
    )
    found = ask(CUBES, question, asked=COUNTING)
    assert found.decision.verdict is Verdict.NARROWED
    assert found.decision.narrowed == ("file.opened: year",)
    (caveat,) = found.decision.caveats
    assert caveat.startswith("`files`: figures are of shown cells, each of at least 10 files")
    assert found.bound is not None
    assert found.bound.guard == Edition("files")
    assert "current edition of the cube files" in describe(found.bound)
    assert b'{"cube":"files"}' in encode_bound(found.bound)
    with pytest.raises(CheckFailed, match="never from rows"):
        finish_rows(found.bound, [])


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("SELECT f.unit FROM file f", "of `file`, `person` together"),
        (f"SELECT p.surname {JOINED}", "`person.surname` is not shown"),
        (f"SELECT f.unit {JOINED} WHERE p.status = 'OPEN'", "`person.status` is not shown"),
    ],
)
def test_figures_are_of_nothing_but_the_cube(question: str, reason: str) -> None:
    decision = ask(CUBES, question, asked=COUNTING).decision
    assert reason in "; ".join(decision.reasons)


LOOKUP = """
lookup:
  by: [[paper.number]]
  at_most: {rows: 5, literals: 1}
  link: [person, paper]
  show: {person: {surname: as is, age: as is}}
"""
ONE = "SELECT p.surname FROM person p JOIN paper i USING (holder, pid) WHERE i.number = 'A'"


def test_another_form_than_those_offered_is_refused() -> None:
    decision = ask(granting(LOOKUP), ONE, asked=form("pointer")).decision
    assert decision.reasons == ("`one` offers no `pointer`, but `lookup`",)
    assert granting(LOOKUP).agreements[0].of_form(Form.LOOKUP)


def test_the_first_grant_that_gives_a_question_counts() -> None:
    two = granting("""
lookup:
  - {by: [[person.surname]], at_most: {rows: 1, literals: 1}, show: {person: {age: as is}}}
  - {by: [[paper.number]], at_most: {rows: 7, literals: 1}, link: [person, paper], show: {person: {surname: first 1}}}
""")
    found = ask(two, ONE)
    assert found.bound is not None
    assert found.bound.guard == Cap(7)
    refused = ask(two, "SELECT p.surname FROM person p WHERE p.age = 3").decision
    assert "match person.surname" in refused.reasons[0]


@pytest.mark.parametrize(
    ("never", "reason"),
    [
        ("{columns: {person: [surname]}, because: the Act}", "`person.surname` is not shown"),
        ("{columns: {paper: [number]}, because: the Act}", "`paper.number` is never used: the Act"),
        ("{columns: {paper: [pid]}, because: the Act}", "`paper.pid` is never used: the Act"),
        ("{relation: paper, because: the Act}", "`paper` is never used: the Act"),
        ("{columns: {person: [age]}, because: the Act}", ""),
        ("{relation: file, because: the Act}", ""),
    ],
)
def test_what_is_never_used_is_neither_shown_nor_matched_nor_linked(
    never: str, reason: str
) -> None:
    decision = ask(granting(LOOKUP, f"never:\n  - {never}\n"), ONE).decision
    assert decision.releases == (not reason)
    assert reason in "; ".join(decision.reasons)


@pytest.mark.parametrize(
    "never",
    [
        "{columns: {person: [surname]}, relation: paper, because: the Act}",
        "{columns: {person: []}, because: the Act}",
        "{columns: {person: [nothing]}, because: the Act}",
        "{relation: nothing, because: the Act}",
        "{because: the Act}",
        "{relation: paper, stays: [file], because: the Act}",
    ],
)
def test_a_never_of_two_things_or_none_is_refused(never: str) -> None:
    with pytest.raises(BadFederation) as caught:
        granting(LOOKUP, f"never:\n  - {never}\n")
    assert caught.value.line == 5


HELD = "held: {by: duty officer, second: true, urgent_hours: 2, routine_hours: 72}"


def test_what_is_held_waits_for_a_ticket() -> None:
    held = granting(LOOKUP, more=HELD)
    found = ask(held, ONE)
    assert (found.decision.verdict, found.bound) == (Verdict.HELD, None)
    assert "the duty officer of this holder, who decides within 72 h" in found.decision.reasons[0]
    urgent = granting(LOOKUP, more=f"{HELD}\nemergency: {{requires: [grounds]}}")
    reason = ask(urgent, ONE, asked=replace(ASKED, emergency=True)).decision.reasons[0]
    assert "within 2 h" in reason
    assert ask(held, ONE, asked=replace(ASKED, has_ticket=True)).decision.releases
    # What is refused from the request alone is refused at once, and never held.
    assert ask(held, "SELECT p.given FROM person p").decision.verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("asked", "reasons"),
    [
        ({}, ()),
        ({"given": frozenset({"officer"})}, ("`one` requires `approver`",)),
        ({"self_approved": True}, ("`one` requires an approver who is not the officer",)),
        ({"signed_by": frozenset({"agency"})}, ("`one` requires the signature of the approver",)),
        ({"emergency": True, "given": frozenset({"grounds", "officer"})}, ()),
        ({"emergency": True, "given": frozenset({"grounds"})}, ("`one` requires `officer`",)),
    ],
)
def test_another_person_approves_or_an_emergency_stands_for_it(
    asked: dict[str, object], reasons: tuple[str, ...]
) -> None:
    given = granting(
        LOOKUP,
        more="requires: [officer, approver]\nsigned_by: [approver]\n"
        "emergency: {requires: [officer, grounds], review_hours: 24}",
    )
    who = replace(
        ASKED,
        given=frozenset({"officer", "approver"}),
        signed_by=frozenset({"agency", "approver"}),
    )
    who = replace(who, **asked)  # type: ignore[arg-type]
    assert ask(given, ONE, asked=who).decision.reasons == reasons


def test_without_a_rule_for_it_there_is_no_emergency() -> None:
    decision = ask(granting(LOOKUP), ONE, asked=replace(ASKED, emergency=True)).decision
    assert decision.reasons == ("`one` knows no emergency use",)


def at(holder: str | None) -> Circumstances:
    return replace(ASKED, merge_at=None if holder is None else Holder(holder))


def test_what_goes_to_a_merge_at_a_holder_goes_nowhere_else() -> None:
    placed = granting(LOOKUP + "  to: [cbsa]\n")
    assert ask(placed, ONE, asked=at("cbsa")).decision.releases
    for other in (None, "osor"):
        reason = ask(placed, ONE, asked=at(other)).decision.reasons[0]
        assert reason == "`one` gives a `lookup` to a merge at `cbsa` only"
    here = granting(LOOKUP)
    assert ask(here, ONE, asked=at(None)).decision.releases
    reason = ask(here, ONE, asked=at("cbsa")).decision.reasons[0]
    assert reason == "`one` gives nothing to a merge at `cbsa`"
    wrong = ask(here, ONE, asked=replace(at("cbsa"), form="list")).decision.reasons[0]
    assert wrong == "`one` offers no `list`, but `lookup`"


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{born: {before: today - 9999}}", "t1.born < DATE '1999-01-15'"),
        ("{seen: {from: 2026-01-01}}", "t1.seen >= TIMESTAMP '2026-01-01 00:00:00.000000'"),
        ("{seen: {to: today + 1}}", "t1.seen <= TIMESTAMP '2026-06-02 00:00:00.000000'"),
        ("{country: {equal_to: requester}}", "t1.country IN ('vpd')"),
        ("{country: {null: true}}", "t1.country IS NULL"),
    ],
)
def test_a_test_is_filled_in_by_the_request(test: str, said: str) -> None:
    given = granting(f"""
list:
  at_most: {{rows: 9}}
  link: [person]
  show: {{person: {{pid: as is}}}}
  rows: {{person: {test}}}
""")
    found = ask(given, "SELECT p.pid FROM person p", TABLES, form("list"))
    assert found.bound is not None
    assert said in describe(found.bound)
    assert found.rows is not None


def test_a_never_may_be_of_days_from_either_side() -> None:
    never = "never:\n  - {rows: {person: {born: {from: 1981-01-01, to: 1981-12-31}}}, because: A}\n"
    found = ask(granting(LOOKUP, never), ONE.replace("'A'", "'ZZ999999'"), TABLES)
    assert found.rows == [("Nguyen",)]
    hidden = ask(granting(LOOKUP, never), ONE.replace("'A'", "'ZZ 123-456'"), TABLES)
    assert hidden.rows == []
    assert hidden.bound is not None
    assert "NOT (t1.born >= DATE '1981-01-01' AND t1.born <= DATE '1981-12-31')" in describe(
        hidden.bound
    )


def test_an_anchor_reads_the_days_only_of_days() -> None:
    given = granting("""
lookup:
  by: [{person.born: {within_days: 2}}]
  at_most: {rows: 5, literals: 2}
  link: [person]
  show: {person: {pid: as is}}
""")
    question = "SELECT p.pid FROM person p WHERE p.born = DATE '1981-03-07'"
    nobody = {**TABLES, PERSON: [row(PERSON, pid="1")]}
    assert ask(given, question, nobody).rows == []
    other = "SELECT p.pid FROM person p WHERE p.born = DATE '1981-03-07' AND p.pid >= 'a'"
    assert ask(given, other, TABLES).rows == [("nsor:1",)]
    with pytest.raises(CheckFailed, match="needs the key of its holder"):
        no_pseudonym("scope", "value")
