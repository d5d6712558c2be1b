"""Decision and binding: what differs shows in the bytes, and what is hidden never binds."""

from dataclasses import replace
from datetime import date

import pytest

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.plan.fragment import (
    Among,
    ColumnOf,
    Comparison,
    Filter,
    Fragment,
    Link,
    Missing,
    Opposite,
    Output,
    ScanOf,
)
from narrows.core.policy.bind import bind
from narrows.core.policy.bound import Anchor, BoundFragment, Cap
from narrows.core.policy.decide import applicable, decide
from narrows.core.policy.decision import Circumstances, Requester, Verdict
from narrows.core.policy.form import encode_bound
from narrows.core.policy.language import parse_policy
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    Purpose,
    RelationName,
    TypedValue,
)
from narrows.errors import CheckFailed

TEXT = """\
agency: nsor
version: 1
effective: 2026-01-01
never:
  - rows: {person: {status: {equal: SEALED}}}
    because: the Act
agreements:
  - id: by-paper
    authority: the Act
    with: {members: [vpd]}
    purposes: [licensing]
    valid: {from: 2026-02-01}
    lookup:
      by:
        - {paper.number: equal, paper.issuer: optional equal}
        - {person.person_id: {in: 3}}
      at_most: {rows: 5, literals: 2}
      link: [person, paper]
      show:
        person: {person_id: as is, surname: as is, birth_date: year}
"""
PERSON, PAPER = RelationName("person"), RelationName("paper")
ID = ColumnName("person_id")


def text_column(name: str) -> Column:
    return Column(ColumnName(name), ColumnType.TEXT)


KEY = Column(ID, ColumnType.TEXT, is_id=True)
CATALOG = Catalog(
    "test",
    1,
    "UTC",
    ("licensing", "audit"),
    {
        PERSON: Relation(
            PERSON,
            (
                HOLDER,
                KEY,
                text_column("surname"),
                text_column("status"),
                Column(ColumnName("birth_date"), ColumnType.DATE),
            ),
            (ID,),
        ),
        PAPER: Relation(
            PAPER,
            (HOLDER, KEY, text_column("number"), text_column("issuer")),
            (),
            (Reference((ID,), PERSON),),
        ),
    },
    {Holder("nsor"): frozenset({PERSON, PAPER})},
)
POLICY = parse_policy(TEXT, CATALOG, "policy.yaml")
ASKED = Circumstances(
    Requester(MemberName("vpd"), "municipal", "CAN"),
    Purpose("licensing"),
    "lookup",
    date(2026, 6, 1),
    frozenset(),
)


def of(alias: str, name: str) -> ColumnOf:
    return ColumnOf(alias, ColumnName(name))


def value(text: str) -> TypedValue:
    return TypedValue(ColumnType.TEXT, text)


NUMBER = Comparison("=", of("t2", "number"), value("ZZ1"))
ISSUER = Comparison("=", of("t2", "issuer"), value("CAN"))
SURNAME = Comparison("=", of("t1", "surname"), value("Roy"))
SEALED = Comparison("=", of("t1", "status"), value("SEALED"))
BY_NUMBER = Fragment(
    (ScanOf("t1", PERSON), ScanOf("t2", PAPER)),
    (Link(of("t1", "person_id"), of("t2", "person_id")),),
    (NUMBER, SURNAME),
    (Output(of("t1", "birth_date")), Output(of("t1", "surname"))),
)


def with_filters(*filters: Filter) -> Fragment:
    return replace(BY_NUMBER, filters=filters)


def by_ids(*ids: str) -> Fragment:
    wanted = Among(of("t1", "person_id"), tuple(value(one) for one in ids))
    return Fragment((ScanOf("t1", PERSON),), (), (wanted,), (Output(of("t1", "surname")),))


def bound(fragment: Fragment = BY_NUMBER, asked: Circumstances = ASKED) -> BoundFragment:
    decision = decide(POLICY, CATALOG, fragment, asked)
    return bind(POLICY, CATALOG, fragment, asked, decision)


def test_anchors_leave_the_filters_and_masks_are_those_shown() -> None:
    found = bound()
    assert [anchor.column for anchor in found.engine_anchors] == [of("t2", "number")]
    assert found.filters == (SURNAME,)
    assert {str(one.mask) for one in found.columns} == {"as is", "year"}
    assert found.guard == Cap(5)


def test_an_optional_column_anchors_where_it_is_matched() -> None:
    found = bound(with_filters(NUMBER, ISSUER))
    assert [anchor.column for anchor in found.engine_anchors] == [
        of("t2", "number"),
        of("t2", "issuer"),
    ]
    assert found.filters == ()
    assert decide(POLICY, CATALOG, with_filters(ISSUER), ASKED).verdict is Verdict.REFUSED


def test_a_literal_may_stand_on_either_side() -> None:
    turned = Comparison("=", value("ZZ1"), of("t2", "number"))
    assert bound(with_filters(turned)).anchors == bound(with_filters(NUMBER)).anchors


def test_an_id_is_anchored_as_an_id() -> None:
    (anchor,) = bound(by_ids("nsor:1", "nsor:2")).anchors
    assert isinstance(anchor, Anchor)
    assert anchor.is_id
    assert [one.value for one in anchor.values] == ["nsor:1", "nsor:2"]
    (other,) = bound().anchors
    assert isinstance(other, Anchor)
    assert not other.is_id


def test_the_cap_on_literals_of_the_lookup_holds_under_that_of_a_column() -> None:
    assert decide(POLICY, CATALOG, by_ids("1", "2"), ASKED).releases
    refused = decide(POLICY, CATALOG, by_ids("1", "2", "3"), ASKED)
    assert refused.reasons == ("`by-paper` takes at most 2 literals, and the question has 3",)


@pytest.mark.parametrize(
    "hidden",
    [
        SEALED,
        Opposite(SEALED),
        Missing(of("t1", "status")),
        Comparison("=", of("t2", "person_id"), value("nsor:1")),
    ],
)
def test_a_filter_on_a_hidden_column_does_not_bind(hidden: Filter) -> None:
    found = with_filters(NUMBER, hidden)
    assert decide(POLICY, CATALOG, found, ASKED).verdict is Verdict.REFUSED
    pretended = decide(POLICY, CATALOG, BY_NUMBER, ASKED)
    with pytest.raises(CheckFailed):
        bind(POLICY, CATALOG, found, ASKED, pretended)


@pytest.mark.parametrize(
    "loose",
    [
        Opposite(NUMBER),
        Comparison("<>", of("t2", "number"), value("ZZ1")),
        Among(of("t2", "number"), (value("ZZ1"), value("ZZ2"))),
    ],
)
def test_what_is_no_equality_anchors_nothing(loose: Filter) -> None:
    refused = decide(POLICY, CATALOG, with_filters(loose), ASKED)
    assert "nothing is matched" in refused.reasons[0]


def test_a_decision_of_another_agreement_does_not_bind() -> None:
    decision = replace(decide(POLICY, CATALOG, BY_NUMBER, ASKED), agreement="other")
    with pytest.raises(CheckFailed):
        bind(POLICY, CATALOG, BY_NUMBER, ASKED, decision)


def test_reasons_do_not_depend_on_a_literal() -> None:
    first, second = (
        decide(
            POLICY,
            CATALOG,
            with_filters(Comparison("=", of("t2", "number"), value(number)), SEALED),
            ASKED,
        )
        for number in ("ZZ1", "ZZ2")
    )
    assert first == second
    assert first.reasons == ("`person.status` is not shown under `by-paper`",)


def test_an_unlinked_relation_may_be_asked_alone_and_not_with_others() -> None:
    narrow = parse_policy(
        TEXT.replace("link: [person, paper]", "link: [paper]"), CATALOG, "policy.yaml"
    )
    assert decide(narrow, CATALOG, by_ids("nsor:1"), ASKED).releases
    assert "`person` may not be linked under `by-paper`" in (
        decide(narrow, CATALOG, BY_NUMBER, ASKED).reasons
    )


def test_a_policy_is_in_force_from_its_day_and_an_agreement_from_its_own() -> None:
    for day, said in (
        (date(2025, 12, 31), "the policy of `nsor` is not in force on that day"),
        (date(2026, 1, 31), "`by-paper` is in force only from 2026-02-01"),
    ):
        assert applicable(POLICY, replace(ASKED, day=day)) == (None, (said,))
    found, reasons = applicable(POLICY, replace(ASKED, day=date(2026, 2, 1)))
    assert (found, reasons) == (POLICY.agreements[0], ())


def test_an_agreement_with_a_member_is_with_no_other() -> None:
    other = replace(ASKED.requester, member=MemberName("rcmp"))
    refused = decide(POLICY, CATALOG, BY_NUMBER, replace(ASKED, requester=other))
    assert refused.clauses == ("default",)
    assert refused.agreement is None


def test_an_agreement_with_nobody_named_is_with_nobody() -> None:
    nobody = parse_policy(TEXT.replace("{members: [vpd]}", "{}"), CATALOG, "policy.yaml")
    assert decide(nobody, CATALOG, BY_NUMBER, ASKED).clauses == ("default",)


def test_links_may_stand_in_any_order() -> None:
    scans = tuple(ScanOf(alias, PAPER) for alias in ("t3", "t4"))
    links = tuple(
        Link(of(one, "person_id"), of(other, "person_id"))
        for one, other in (("t3", "t4"), ("t2", "t3"), ("t1", "t2"))
    )
    chain = replace(BY_NUMBER, scans=(*BY_NUMBER.scans, *scans), links=links)
    # All are tied together; what stands in the way is that one relation is used three times.
    whole = decide(POLICY, CATALOG, chain, ASKED)
    assert [reason.split(" in ")[0] for reason in whole.reasons] == ["`paper` may stand once"]
    broken = decide(POLICY, CATALOG, replace(chain, links=links[1:]), ASKED)
    assert broken.reasons == ("`by-paper` gives no relations that nothing ties together",)


def test_a_column_that_the_catalog_has_not_does_not_bind() -> None:
    person = CATALOG.relations[PERSON]
    columns = tuple(one for one in person.columns if one.name != "birth_date")
    relations = {**CATALOG.relations, PERSON: replace(person, columns=columns)}
    older = replace(CATALOG, relations=relations)
    decision = decide(POLICY, older, BY_NUMBER, ASKED)
    with pytest.raises(CheckFailed, match="no column `birth_date`"):
        bind(POLICY, older, BY_NUMBER, ASKED, decision)


def test_another_fragment_or_policy_has_other_bytes() -> None:
    newer = replace(POLICY, version=2)
    decision = decide(newer, CATALOG, BY_NUMBER, ASKED)
    changed = (
        bound(),
        bound(with_filters(NUMBER)),
        bound(with_filters(NUMBER, ISSUER, SURNAME)),
        bound(replace(BY_NUMBER, outputs=BY_NUMBER.outputs[:1])),
        bound(by_ids("nsor:1")),
        bound(by_ids("nsor:2")),
        bind(newer, CATALOG, BY_NUMBER, ASKED, decision),
    )
    assert len({encode_bound(found) for found in changed}) == len(changed)
    assert encode_bound(bound()) == encode_bound(bound())
