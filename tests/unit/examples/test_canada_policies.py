"""The worked policies say which rule each clause is, and claim no more than a look-up can say."""

import re
from pathlib import Path

import pytest

from narrows.core.policy.model import Policy
from narrows.core.terms import MemberName
from narrows.folder.load import load_folder

CANADA = Path(__file__).parents[3] / "examples" / "canada"
HOLDERS = ("nsor", "osor", "cbsa", "vpd", "sq", "fnp")
RULES = {
    "nsor": {1, 2, 17},
    "osor": {2, 12, 17},
    "cbsa": {7, 17},
    "vpd": {14, 15, 17},
    "sq": {14, 15, 17},
    "fnp": {14, 15, 17},
}
CLAUSE = re.compile(r"  - (rows|id): ")
RULE = re.compile(r"\b[Rr]ules? (\d+)")


@pytest.mark.parametrize("holder", HOLDERS)
def test_each_clause_has_a_comment_that_names_its_rule(holder: str) -> None:
    comments = _comments(holder)
    policy = _policy(holder)
    assert len(comments) == len(policy.never) + len(policy.agreements)
    own = {one.id for one in policy.agreements if one.parties.members == {holder}}
    assert len(own) == 1
    for clause, comment in comments:
        named = "No rule: " in comment if clause in own else RULE.search(comment) is not None
        assert named, (holder, clause)


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_policy_carries_the_rules_that_the_page_says(holder: str) -> None:
    said = {int(rule) for _, comment in _comments(holder) for rule in RULE.findall(comment)}
    assert RULES[holder] <= said


@pytest.mark.parametrize("holder", HOLDERS)
def test_suspended_and_sealed_records_are_hidden_everywhere(holder: str) -> None:
    tests = [
        (never.relation, test.column, {str(value) for value in test.values})
        for never in _policy(holder).never
        for test in never.test.tests
    ]
    assert any(
        (relation, column) == ("person", "record_status") and len(values) == 2
        for relation, column, values in tests
    )


@pytest.mark.parametrize("holder", HOLDERS)
def test_nobody_abroad_and_no_desk_has_an_agreement_in_force(holder: str) -> None:
    found = [one for one in _policy(holder).agreements if one.valid_to is None]
    assert all(one.parties.countries == {"CAN"} for one in found if not one.parties.members)
    classes = {name for one in found for name in one.parties.classes}
    assert classes <= {"federal", "provincial", "municipal", "first_nations"}
    assert {member for one in found for member in one.parties.members} <= {holder}


def test_the_page_lists_each_member() -> None:
    page = (CANADA / "README.md").read_text(encoding="utf-8")
    for member in load_folder(CANADA).members:
        assert f"`{member}`" in page


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


def _policy(holder: str) -> Policy:
    node = load_folder(CANADA).members[MemberName(holder)].node
    assert node is not None
    return node.policy
