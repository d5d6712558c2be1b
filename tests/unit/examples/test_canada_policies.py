"""The worked policies say which rule each clause is, and the clauses say what the rules ask for."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from narrows.core.policy.check import Severity, check_policy
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import AS_IS, Agreement, Cube, Form, Grant, Policy
from narrows.core.terms import MemberName, RelationName
from narrows.folder.load import load_folder

CANADA = Path(__file__).parents[3] / "examples" / "canada"
FEDERATION = load_folder(CANADA)
HOLDERS = ("nsor", "osor", "cbsa", "vpd", "sq", "fnp")
POLICE = ("vpd", "sq", "fnp")
RULES = {
    "nsor": {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 16, 17, 20, 24},
    "osor": {2, 3, 4, 7, 12, 16, 17, 24},
    "cbsa": {7, 8, 16, 17, 20, 23},
    "vpd": {13, 14, 15, 16, 17, 24},
    "sq": {13, 14, 15, 16, 17, 19, 24},
    "fnp": {13, 14, 15, 16, 17, 18, 24},
}
OF_NO_CLAUSE = {21, 22, 25}
"""Holders that are no members, and the auditor, whom no policy lets in."""
CLAUSE = re.compile(r"  - (rows|columns|id): ")
RULE = re.compile(r"\b[Rr]ules? (\d+)(?:(?: and |, )(?:rule )?(\d+))?")


@pytest.mark.parametrize("holder", HOLDERS)
def test_each_clause_has_a_comment_that_names_its_rule(holder: str) -> None:
    comments = _comments(holder)
    policy = policy_of(holder)
    never = len(policy.never) + len(policy.never_columns)
    assert len(comments) == never + len(policy.cubes) + len(policy.agreements)
    own = {one.id for one in policy.agreements if one.id.startswith("own-")}
    assert len(own) == 1
    for clause, comment in comments:
        named = "No rule: " in comment if clause in own else RULE.search(comment) is not None
        assert named, (holder, clause)


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_policy_carries_the_rules_that_the_page_says(holder: str) -> None:
    text = (CANADA / "members" / holder / "policy.yaml").read_text(encoding="utf-8")
    said = {int(one) for found in RULE.findall(text.replace("\n  # ", " ")) for one in found if one}
    assert RULES[holder] <= said
    page = (CANADA / "README.md").read_text(encoding="utf-8")
    rows = {
        int(row[0]): row[1] for row in re.findall(r"^\| (\d+) \|.*\|(.*)\|$", page, re.MULTILINE)
    }
    assert {rule for rule, where in rows.items() if f"`{holder}`" in where} == RULES[holder]


def test_every_rule_is_somewhere() -> None:
    assert set().union(*RULES.values()) | OF_NO_CLAUSE == set(range(1, 26))


@pytest.mark.parametrize("holder", HOLDERS)
def test_no_two_agreements_meet(holder: str) -> None:
    requesters = [
        Requester(one.name, one.member_class, one.country) for one in FEDERATION.members.values()
    ]
    policy = policy_of(holder)
    found = check_policy(policy, FEDERATION.catalog, requesters, date(2026, 6, 1))
    assert [one for one in found if one.severity is not Severity.NOTE] == []
    twice = replace(policy, agreements=(*policy.agreements, policy.agreements[0]))
    assert any("both apply" in one.message for one in check_policy(twice, FEDERATION.catalog))


@pytest.mark.parametrize("holder", HOLDERS)
def test_suspended_and_sealed_records_are_hidden_everywhere(holder: str) -> None:
    tests = [
        (never.relation, test.column, {str(value) for value in test.values})
        for never in policy_of(holder).never
        for test in never.test.tests
    ]
    assert any(
        (relation, column) == ("person", "record_status") and len(values) == 2
        for relation, column, values in tests
    )


@pytest.mark.parametrize("holder", HOLDERS)
def test_rule_16_youth_rows_go_to_police_and_to_their_holder_alone(holder: str) -> None:
    for agreement, grant in _grants(holder):
        of_people = RelationName("person") in grant.show or RelationName("alert") in grant.show
        own = agreement.parties.members == {holder} and grant.form is Form.LOOKUP
        police = agreement.parties.classes & {
            "municipal",
            "first_nations",
        } or agreement.parties.members & {"vpd"}
        if of_people and not own and not police and agreement.id != "foreign-notices":
            assert any(one.relation == "person" for one in grant.only), agreement.id
        # A crossing names nobody's record, and says of nobody that they are young.
        if grant.form is Form.LIST and set(grant.show) != {"border_crossing"}:
            tested = {test.column for one in grant.only for test in one.test.tests}
            assert "youth_until" in tested, agreement.id
    for cube in policy_of(holder).cubes:
        assert (RelationName("person") in cube.relations) == bool(cube.only)


@pytest.mark.parametrize("holder", HOLDERS)
def test_cubes_are_coarse_enough(holder: str) -> None:
    cubes = policy_of(holder).cubes
    assert all(cube.k >= 10 for cube in cubes)
    counted = [relation for cube in cubes for relation in cube.relations]
    assert len(counted) == len(set(counted))
    assert all(_is_coarse(cube) for cube in cubes)


@pytest.mark.parametrize("holder", HOLDERS)
def test_emergency_use_is_of_rules_1_and_14_alone(holder: str) -> None:
    """What is held knows a shorter clock, for which nothing is waived."""
    waiving = [
        one
        for one in policy_of(holder).agreements
        if one.emergency is not None and one.emergency.requires != one.requires
    ]
    found = {one.id for one in waiving}
    wanted = {"nsor": {"sexual-crime-investigation"}, "osor": {"sexual-crime-investigation"}}
    police = {"suspect-investigation"} if holder in POLICE else set()
    assert found == wanted.get(holder, police)
    for one in waiving:
        assert one.emergency is not None
        assert one.requires - one.emergency.requires == {"case_number"}
        assert "grounds" in one.emergency.requires
        assert one.emergency.review_hours == 24


@pytest.mark.parametrize("holder", HOLDERS)
def test_pointers_tell_unit_and_contact_and_both_units_are_told(holder: str) -> None:
    pointers = [grant for _, grant in _grants(holder) if grant.form is Form.POINTER]
    assert bool(pointers) == (holder in POLICE)
    for grant in pointers:
        assert grant.notify
        assert grant.show == {"investigation": {"unit": AS_IS, "contact": AS_IS}}


@pytest.mark.parametrize("holder", HOLDERS)
def test_only_the_national_registry_answers_abroad(holder: str) -> None:
    abroad = [
        one.id
        for one in policy_of(holder).agreements
        if one.parties.countries != {"CAN"} and one.parties.members != {holder}
    ]
    home = ["compliance-bc", "compliance-qc"]
    wanted = [*home, "foreign-named-person", "foreign-high-risk-travellers"]
    assert abroad == (wanted if holder == "nsor" else [])


def test_rule_9_is_held_for_two_people() -> None:
    (held,) = [one for one in policy_of("nsor").agreements if one.hold is not None]
    assert held.id == "foreign-named-person"
    assert held.hold is not None
    assert held.hold.second


def test_the_page_lists_each_member() -> None:
    page = (CANADA / "README.md").read_text(encoding="utf-8")
    for member in FEDERATION.members:
        assert f"`{member}`" in page


def _is_coarse(cube: Cube) -> bool:
    """Whether days and postal codes are coarsened."""
    masks = [(name, mask) for columns in cube.group.values() for name, mask in columns.items()]
    return all(mask != AS_IS for name, mask in masks if name.endswith(("_on", "_postal", "_date")))


def _grants(holder: str) -> Iterator[tuple[Agreement, Grant]]:
    for agreement in policy_of(holder).agreements:
        for grant in agreement.grants:
            yield agreement, grant


def _comments(holder: str) -> list[tuple[str, str]]:
    """For each clause what stands on its first line after the key, and the comment above it."""
    lines = (CANADA / "members" / holder / "policy.yaml").read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        if CLAUSE.match(line):
            above = number
            while lines[above - 1].lstrip().startswith("#"):
                above -= 1
            comment = " ".join(one.strip(" #") for one in lines[above:number])
            found.append((line.split(": ", 1)[1], comment))
    return found


def policy_of(holder: str) -> Policy:
    node = FEDERATION.members[MemberName(holder)].node
    assert node is not None
    return node.policy
