"""What the check finds in a policy that reads well, and what it leaves in peace."""

from dataclasses import replace
from datetime import date

import pytest

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.policy.check import Severity, check_policy
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import (
    AS_IS,
    Agreement,
    ColumnTest,
    Form,
    Grant,
    KeyColumn,
    KeyKind,
    NeverRows,
    Parties,
    Policy,
    RowTest,
)
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    MemberName,
    Purpose,
    RelationName,
)

PERSON, IDENTIFIER = RelationName("person"), RelationName("identifier")
DAY = date(2026, 6, 1)


def relation(name: RelationName, columns: str, *references: Reference) -> Relation:
    found = (
        Column(
            ColumnName(one),
            ColumnType.DATE if one.endswith("_date") else ColumnType.TEXT,
            codes=("SUSPENDED", "SEALED") if one == "record_status" else (),
        )
        for one in columns.split()
    )
    return Relation(name, (HOLDER, *found), (ColumnName("person_id"),), references)


CATALOG = Catalog(
    "test",
    1,
    "UTC",
    ("sexual_crime_investigation", "licensing"),
    {
        PERSON: relation(
            PERSON, "person_id surname birth_date residence_postal sex_code record_status"
        ),
        IDENTIFIER: relation(
            IDENTIFIER,
            "person_id ident_type ident_value issuer",
            Reference((ColumnName("person_id"),), PERSON),
        ),
    },
    {Holder("nsor"): frozenset({PERSON, IDENTIFIER})},
)
LOOKUP = Grant(
    Form.LOOKUP,
    10,
    by=((KeyColumn(IDENTIFIER, (ColumnName("ident_value"),), KeyKind.EQUAL),),),
    row_cap=5,
    literal_cap=5,
    link=frozenset({PERSON, IDENTIFIER}),
    show={PERSON: {ColumnName("surname"): AS_IS}},
)
FIRST = Agreement(
    id="first",
    line=10,
    authority="the Act",
    parties=Parties(classes=frozenset({"municipal"}), countries=frozenset({"CAN"})),
    purposes=frozenset({Purpose("licensing")}),
    requires=frozenset(),
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    grants=(LOOKUP,),
)
NEVER = NeverRows(
    "never[1]", 4, PERSON, RowTest((ColumnTest(ColumnName("surname"), "null"),)), "the Act"
)


def policy(*agreements: Agreement, never: tuple[NeverRows, ...] = (NEVER,)) -> Policy:
    return Policy(Holder("nsor"), 1, date(2025, 1, 1), never, agreements, Digest(bytes(32)))


def found_in(*agreements: Agreement) -> list[tuple[Severity, int]]:
    return [(one.severity, one.line) for one in check_policy(policy(*agreements), CATALOG)]


def test_a_sound_policy_has_no_findings() -> None:
    assert check_policy(policy(FIRST), CATALOG, day=DAY) == ()


TWIN = replace(FIRST, id="twin", line=20)


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (TWIN, True),
        (replace(TWIN, purposes=frozenset({Purpose("other")})), False),
        (replace(TWIN, valid_from=date(2027, 1, 1), valid_to=None), False),
        (replace(TWIN, valid_from=date(2026, 12, 31), valid_to=None), True),
        (replace(TWIN, valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31)), False),
        (replace(TWIN, valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1)), True),
        (replace(TWIN, parties=Parties(classes=frozenset({"federal"}))), False),
        (replace(TWIN, parties=Parties(countries=frozenset({"USA"}))), False),
        (replace(TWIN, parties=Parties(countries=frozenset({"CAN"}))), True),
        (replace(TWIN, parties=Parties(members=frozenset({MemberName("vpd")}))), True),
    ],
)
def test_agreements_overlap_where_one_requester_could_meet_both(
    other: Agreement, overlaps: bool
) -> None:
    assert found_in(FIRST, other) == ([(Severity.ERROR, 20)] if overlaps else [])
    # The order in which two agreements are written changes nothing.
    assert len(found_in(other, FIRST)) == overlaps


def test_known_requesters_settle_whether_an_overlap_is_real() -> None:
    member = replace(TWIN, parties=Parties(members=frozenset({MemberName("vpd")})))
    both = policy(FIRST, member)
    vpd = Requester(MemberName("vpd"), "municipal", "CAN")
    assert check_policy(both, CATALOG, (vpd,))[0].severity is Severity.ERROR
    found = check_policy(both, CATALOG, (replace(vpd, member_class="federal"),))
    assert [one.severity for one in found] == [Severity.WARNING]
    assert "`first` can apply to no member" in found[0].message


@pytest.mark.parametrize(("day", "lapsed"), [(date(2026, 12, 31), False), (date(2027, 1, 1), True)])
def test_an_agreement_lapses_after_its_last_day(day: date, lapsed: bool) -> None:
    found = check_policy(policy(FIRST), CATALOG, day=day)
    assert [one.severity for one in found] == [Severity.WARNING] * lapsed
    assert check_policy(policy(replace(FIRST, valid_to=None)), CATALOG, day=day) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"link": frozenset({IDENTIFIER})}, "shows `person`, which cannot be reached"),
        ({"link": frozenset({PERSON})}, "matches `identifier`, which is not linked"),
        ({"show": {}}, "shows no column"),
    ],
)
def test_a_lookup_that_cannot_give_what_it_says_is_found(
    change: dict[str, object], said: str
) -> None:
    lookup = replace(LOOKUP, **change)  # type: ignore[arg-type]
    found = check_policy(policy(replace(FIRST, grants=(lookup,))), CATALOG)
    assert said in found[0].message
    assert (found[0].line, bool(found[0].hint)) == (10, True)


def test_figures_are_reached_through_their_cube() -> None:
    counting = replace(FIRST, grants=(Grant(Form.COUNT, 10, cube="none"),))
    assert check_policy(policy(counting), CATALOG) == ()


def test_a_relation_that_can_be_asked_alone_only_is_pointed_out() -> None:
    show = {**LOOKUP.show, IDENTIFIER: {ColumnName("issuer"): AS_IS}}
    alone = replace(FIRST, grants=(replace(LOOKUP, link=frozenset({PERSON}), show=show),))
    found = check_policy(policy(alone), CATALOG)
    assert any("asked alone only" in one.message for one in found)
    unlinked = replace(LOOKUP, link=frozenset(), show={IDENTIFIER: show[IDENTIFIER]})
    assert check_policy(policy(replace(FIRST, grants=(unlinked,))), CATALOG) == ()


def test_an_agreement_with_nobody_is_found_and_overlaps_with_none() -> None:
    nobody = replace(TWIN, parties=Parties())
    found = check_policy(policy(FIRST, nobody), CATALOG)
    assert [one.message for one in found] == ["`twin` is with nobody"]


def test_what_is_named_and_not_held_is_found() -> None:
    elsewhere = replace(CATALOG, holds={Holder("nsor"): frozenset({PERSON})})
    (found,) = check_policy(policy(FIRST), elsewhere)
    assert (found.severity, found.line) == (Severity.WARNING, 10)
    assert "`identifier`, which `nsor` does not hold" in found.message


def test_a_held_relation_that_no_cascade_reaches_is_noted() -> None:
    lower = replace(NEVER, relation=IDENTIFIER)
    (found,) = check_policy(policy(FIRST, never=(lower,)), CATALOG)
    assert (found.severity, found.line) == (Severity.NOTE, 4)
    assert found.message == "`never[1]` does not reach `person`"


def test_a_relation_that_a_clause_lets_stay_is_not_noted() -> None:
    stays = replace(NEVER, stays=frozenset({IDENTIFIER}))
    assert check_policy(policy(FIRST, never=(stays,)), CATALOG) == ()


def test_errors_come_before_warnings_and_notes() -> None:
    lower = replace(NEVER, relation=IDENTIFIER)
    found = check_policy(policy(FIRST, TWIN, never=(lower,)), CATALOG, day=date(2027, 1, 1))
    assert [one.severity for one in found] == [
        Severity.ERROR,
        Severity.WARNING,
        Severity.WARNING,
        Severity.NOTE,
    ]
