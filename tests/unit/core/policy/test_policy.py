"""Each refusal beside its permission, over one small holder; golden decisions of a lookup."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Filter,
    Fragment,
    Link,
    Output,
    ScanOf,
)
from narrows.core.policy.bind import bind
from narrows.core.policy.check import Severity, check_policy
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Decision, Requester, Verdict
from narrows.core.policy.form import encode_bound
from narrows.core.policy.language import parse_policy
from narrows.core.policy.rows import Tables, release_rows
from narrows.core.policy.views import describe
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    Purpose,
    RelationName,
    Scalar,
    TypedValue,
)
from narrows.errors import AnswerTooLarge, BadFederation, CheckFailed

TEXT = """\
agency: nsor
version: 12
effective: 2026-03-26
never:
  - rows: {person: {record_status: {in: [SUSPENDED, SEALED]}}}
    because: Criminal Records Act s.6
agreements:
  - id: sexual-crime-investigation
    authority: SOIRA 16(2)(a)
    with: {classes: [municipal], country: CAN}
    purposes: [sexual_crime_investigation]
    requires: [case_number, officer, grounds]
    valid: {from: 2026-03-26, to: 2026-12-31}
    lookup:
      by:
        - {identifier.ident_type: equal, identifier.ident_value: {in: 2}}
      at_most: {rows: 2, literals: 4}
      link: [person, identifier]
      show:
        person: {surname: as is, birth_date: year, residence_postal: first 3, sex_code: null}
    caveats: ["SOIRA 16(5)"]
    keep_days: 90
"""


def column(name: str, kind: ColumnType = ColumnType.TEXT, **more: object) -> Column:
    codes = more.get("codes", ())
    assert isinstance(codes, tuple)
    return Column(ColumnName(name), kind, is_id=bool(more.get("is_id")), codes=codes)


PERSON, IDENTIFIER = RelationName("person"), RelationName("identifier")
ID = ColumnName("person_id")
CATALOG = Catalog(
    federation="test",
    version=1,
    zone="UTC",
    purposes=("licensing", "sexual_crime_investigation"),
    relations={
        PERSON: Relation(
            PERSON,
            (
                HOLDER,
                column("person_id", is_id=True),
                column("surname"),
                column("birth_date", ColumnType.DATE),
                column("residence_postal"),
                column("sex_code", codes=("M", "F")),
                column("record_status", codes=("ACTIVE", "SUSPENDED", "SEALED")),
            ),
            (ID,),
        ),
        IDENTIFIER: Relation(
            IDENTIFIER,
            (
                HOLDER,
                column("person_id", is_id=True),
                column("ident_type"),
                column("ident_value"),
            ),
            (),
            (Reference((ID,), PERSON),),
        ),
    },
    holds={Holder("nsor"): frozenset({PERSON, IDENTIFIER})},
)
POLICY = parse_policy(TEXT, CATALOG, "policy.yaml")
ASKED = Circumstances(
    Requester(MemberName("vpd"), "municipal", "CAN"),
    Purpose("sexual_crime_investigation"),
    "lookup",
    date(2026, 6, 1),
    frozenset({"case_number", "officer", "grounds"}),
)


def of(alias: str, name: str) -> ColumnOf:
    return ColumnOf(alias, ColumnName(name))


def equal(alias: str, name: str, value: str) -> Comparison:
    return Comparison("=", of(alias, name), TypedValue(ColumnType.TEXT, value))


def fragment(*outputs: str, passport: str = "ZZ123456", more: tuple[Filter, ...] = ()) -> Fragment:
    names = outputs or ("holder", "surname", "residence_postal")
    return Fragment(
        scans=(ScanOf("t1", PERSON), ScanOf("t2", IDENTIFIER)),
        links=(Link(of("t1", "person_id"), of("t2", "person_id")),),
        filters=(
            equal("t2", "ident_type", "PASSPORT"),
            equal("t2", "ident_value", passport),
            *more,
        ),
        outputs=tuple(sorted(Output(of("t1", name)) for name in names)),
    )


def row(**values: Scalar) -> dict[ColumnName, Scalar]:
    return {ColumnName(name): value for name, value in values.items()}


def person(number: str, surname: str, status: str | None = "ACTIVE") -> dict[ColumnName, Scalar]:
    born = date(1981, 3, 7)
    found = row(person_id=number, surname=surname, birth_date=born, residence_postal="M4C1B5")
    return found | row(sex_code="F", record_status=status)


TABLES: Tables = {
    PERSON: [person("9", "Tremblay"), person("10", "Roy", "SUSPENDED"), person("11", "Wu", None)],
    IDENTIFIER: [
        row(person_id="9", ident_type="PASSPORT", ident_value="ZZ123456"),
        row(person_id="10", ident_type="PASSPORT", ident_value="ZZ999999"),
        row(person_id="11", ident_type="PASSPORT", ident_value="ZZ888888"),
        row(person_id=None, ident_type="PASSPORT", ident_value="ZZ777777"),
    ],
}


def decided(found: Fragment, asked: Circumstances = ASKED) -> Decision:
    return decide(POLICY, CATALOG, found, asked)


def released(found: Fragment) -> list[tuple[Scalar, ...]]:
    return release_rows(bind(POLICY, CATALOG, found, ASKED, decided(found)), TABLES)


def test_a_city_unit_with_a_case_number_gets_coarsened_rows() -> None:
    decision = decided(fragment())
    assert decision.verdict is Verdict.NARROWED
    assert decision.clauses == ("sexual-crime-investigation", "never[1]")
    assert decision.narrowed == ("person.residence_postal: first 3",)
    assert decision.caveats == ("SOIRA 16(5)",)
    assert released(fragment()) == [("nsor", "M4C", "Tremblay")]


def test_never_alone_does_not_narrow() -> None:
    assert decided(fragment("surname")).verdict is Verdict.ALLOWED


@pytest.mark.parametrize("passport", ["ZZ999999", "ZZ888888", "ZZ777777", "ZZ000000"])
def test_suspended_unknown_orphaned_and_absent_look_alike(passport: str) -> None:
    assert released(fragment(passport=passport)) == []


@pytest.mark.parametrize(
    ("asked", "reason", "clause"),
    [
        (replace(ASKED, purpose=Purpose("licensing")), "no agreement with `vpd`", "default"),
        (replace(ASKED, given=frozenset({"officer", "grounds"})), "requires `case_number`", ""),
        (replace(ASKED, day=date(2027, 1, 1)), "lapsed on 2026-12-31", ""),
        (replace(ASKED, day=date(2026, 3, 25)), "not in force on that day", ""),
        (replace(ASKED, form="count"), "offers no `count`", ""),
        (
            replace(ASKED, requester=Requester(MemberName("us"), "foreign", "USA")),
            "no agreement with `us`",
            "default",
        ),
    ],
)
def test_a_request_that_does_not_fit_is_refused_alike_for_every_literal(
    asked: Circumstances, reason: str, clause: str
) -> None:
    decision = decided(fragment(), asked)
    assert decision.verdict is Verdict.REFUSED
    assert any(reason in one for one in decision.reasons)
    assert decision.clauses == (clause or "sexual-crime-investigation",)
    assert decision == decided(fragment(passport="ZZ999999"), asked)
    with pytest.raises(CheckFailed):
        bind(POLICY, CATALOG, fragment(), asked, decision)


def test_a_named_hidden_column_refuses_and_a_starred_one_is_withheld() -> None:
    assert decided(fragment("record_status")).reasons == (
        "`person.record_status` is not shown under `sexual-crime-investigation`",
    )
    starred = replace(fragment("surname"), outputs=(Output(of("t1", "record_status"), star=True),))
    assert decided(starred).withheld == ("person.record_status",)
    assert released(starred) == [(None,)]


def test_a_filter_reads_shown_columns_through_their_masks() -> None:
    assert released(fragment(more=(equal("t1", "residence_postal", "M4C"),)))
    assert not released(fragment(more=(equal("t1", "residence_postal", "M4C1B5"),)))
    hidden = fragment(more=(equal("t1", "record_status", "SEALED"),))
    assert decided(hidden).verdict is Verdict.REFUSED


def test_an_anchor_is_a_conjunct_on_one_scan_and_no_alternative() -> None:
    either = AnyOf((equal("t2", "ident_value", "a"), equal("t2", "ident_value", "b")))
    loose = replace(fragment(), filters=(equal("t2", "ident_type", "PASSPORT"), either))
    assert "match identifier.ident_type" in decided(loose).reasons[0]
    parted = replace(
        fragment(),
        scans=(*fragment().scans, ScanOf("t3", IDENTIFIER)),
        links=(*fragment().links, Link(of("t1", "person_id"), of("t3", "person_id"))),
        filters=(equal("t2", "ident_type", "PASSPORT"), equal("t3", "ident_value", "a")),
    )
    assert decided(parted).verdict is Verdict.REFUSED
    untied = replace(fragment(), links=())
    assert "nothing ties together" in decided(untied).reasons[0]


@pytest.mark.parametrize(("count", "allowed"), [(2, True), (3, False)])
def test_literals_are_counted(count: int, allowed: bool) -> None:
    items = tuple(TypedValue(ColumnType.TEXT, f"ZZ{n}") for n in range(count))
    found = replace(
        fragment(),
        filters=(equal("t2", "ident_type", "PASSPORT"), Among(of("t2", "ident_value"), items)),
    )
    assert decided(found).releases is allowed
    assert allowed or "at most 2 literals" in decided(found).reasons[0]


def test_more_selected_rows_than_the_cap_are_refused() -> None:
    found = fragment()
    bound = bind(POLICY, CATALOG, found, ASKED, decided(found))
    doubled: Tables = {PERSON: TABLES[PERSON], IDENTIFIER: [TABLES[IDENTIFIER][0]] * 3}
    assert len(release_rows(bound, {**doubled, IDENTIFIER: doubled[IDENTIFIER][:2]})) == 2
    with pytest.raises(AnswerTooLarge):
        release_rows(bound, doubled)


def test_binding_twice_gives_the_same_bytes_and_readable_text() -> None:
    found = fragment()
    first, second = (bind(POLICY, CATALOG, found, ASKED, decided(found)) for _ in range(2))
    assert encode_bound(first) == encode_bound(second)
    text = describe(first)
    assert "LEFT(t1.residence_postal, 3) AS residence_postal" in text
    assert "t1.record_status NOT IN ('SUSPENDED', 'SEALED')" in text
    assert "t2 only of a person (person_id)" in text
    assert "ZZ123456" not in text


def test_overlapping_agreements_are_found_and_grant_nothing() -> None:
    twin = replace(POLICY.agreements[0], id="twin", line=99)
    doubled = replace(POLICY, agreements=(*POLICY.agreements, twin))
    assert check_policy(POLICY, CATALOG) == ()
    assert check_policy(doubled, CATALOG)[0].severity is Severity.ERROR
    found = check_policy(doubled, CATALOG, requesters=())
    assert Severity.ERROR not in [one.severity for one in found]
    assert decide(doubled, CATALOG, fragment(), ASKED).verdict is Verdict.REFUSED


def test_a_lapsed_agreement_is_warned_of() -> None:
    found = check_policy(POLICY, CATALOG, day=date(2027, 1, 1))
    assert [one.severity for one in found] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("because:", "why:", 6),
        ("person: {record_status:", "people: {record_status:", 5),
        ("record_status: {in:", "status: {in:", 5),
        ("[SUSPENDED, SEALED]", "[SUSPENDED, GONE]", 5),
        ("[SUSPENDED, SEALED]", "[01]", 5),
        ("purposes: [sexual_crime_investigation]", "purposes: [gossip]", 11),
        ("requires: [case_number,", "requires: [case_no,", 12),
        ("country: CAN", "country: canada", 10),
        ("surname: as is", "surname: year", 20),
        ("birth_date: year", "birth_date: first 3", 20),
        ("surname: as is", "holder: as is", 20),
        ("keep_days: 90", "budget: {}", 22),
        ("version: 12", "version: true", 2),
        ("version: 12", "version: 12\nversion: 13", 3),
        ("to: 2026-12-31", "to: 2026-01-01", 13),
    ],
)
def test_a_slip_of_the_pen_is_an_error_with_its_line(old: str, new: str, line: int) -> None:
    assert old in TEXT
    with pytest.raises(BadFederation) as caught:
        parse_policy(TEXT.replace(old, new, 1), CATALOG, "policy.yaml")
    assert caught.value.line == line


def test_only_bind_makes_a_bound_fragment() -> None:
    source = Path(__file__).parents[4] / "src" / "narrows"
    makers = [
        path.name
        for path in source.rglob("*.py")
        if re.search(r"(?<!class )\bBoundFragment\(", path.read_text())
    ]
    assert makers == ["bind.py"]


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ("person: {surname: {equal: Roy}}", True),
        ("person: {surname: {equal: Tremblay}}", False),
        ("person: {birth_date: {before: 1981-03-07}}", True),
        ("person: {birth_date: {before: today}}", False),
        ("person: {sex_code: {null: true}}", True),
        ("person: {sex_code: {equal: F}, surname: {equal: Roy}}", True),
        ("person: {sex_code: {equal: F}, surname: {equal: Tremblay}}", False),
    ],
)
def test_each_row_test_hides_what_it_says(rows: str, kept: bool) -> None:
    text = TEXT.replace("person: {record_status: {in: [SUSPENDED, SEALED]}}", rows)
    policy = parse_policy(text, CATALOG, "policy.yaml")
    found = fragment()
    bound = bind(policy, CATALOG, found, ASKED, decide(policy, CATALOG, found, ASKED))
    assert bool(release_rows(bound, TABLES)) is kept
    assert "t2 only of a person" in describe(bound)


def test_a_later_key_set_serves_where_the_first_leaves_a_hidden_filter() -> None:
    first = "- {identifier.ident_type: equal, identifier.ident_value: {in: 2}}"
    text = TEXT.replace(first, f"- [identifier.ident_value]\n        {first}")
    policy = parse_policy(text, CATALOG, "policy.yaml")
    assert decide(policy, CATALOG, fragment(), ASKED).releases
