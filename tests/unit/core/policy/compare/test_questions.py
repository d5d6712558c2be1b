"""The questions that a policy suggests: each is SQL, and together they reach what is given."""

from dataclasses import replace

import pytest

from narrows.core.plan.plan import plan
from narrows.core.policy.compare.questions import Question, questions
from narrows.core.policy.compare.witness import differing
from narrows.core.policy.model import Policy
from narrows.core.policy.offline import decide_parts, together
from tests.unit.core.policy.rich import CATALOG, POLICY, REQUESTERS, changed


def verdict(policy: Policy, question: Question) -> str:
    split = plan(question.sql, {}, CATALOG)
    parts = decide_parts(policy, CATALOG, split, question.circumstances)
    return together(part.decision for part in parts).verdict


def test_each_form_is_given_and_refused() -> None:
    seen = {
        (one.agreement, one.circumstances.form, verdict(POLICY, one))
        for one in questions(POLICY, CATALOG, REQUESTERS)
    }
    assert {
        ("city-inquiry", "lookup", "NARROWED"), ("city-inquiry", "lookup", "REFUSED"),
        ("foreign-desk", "pointer", "HELD"), ("foreign-desk", "pointer", "ALLOWED"),
        ("figures", "count", "NARROWED"), ("own-list", "list", "ALLOWED"),
        ("own-list", "pointer", "ALLOWED"),
    } <= seen  # fmt: skip


def test_without_members_they_are_made_up() -> None:
    asking = {one.circumstances.requester for one in questions(POLICY, CATALOG, None)}
    assert {(one.member, one.member_class, one.country) for one in asking} == {
        ("somebody", "municipal", "CAN"), ("abroad", "agency", "GBR"), ("abroad", "agency", "USA"),
        ("bureau", "agency", "CAN"), ("registry", "agency", "CAN"),
    }  # fmt: skip


def test_an_agreement_with_nobody_suggests_nothing() -> None:
    assert list(questions(POLICY, CATALOG, ())) == []
    assert list(questions(replace(POLICY, agreements=()), CATALOG, REQUESTERS)) == []


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("is_minor", "IN (TRUE, FALSE)"),
        ("born", "IN (DATE '2026-01-01', DATE '2026-01-02', DATE '2026-01-03')"),
        ("seen", "IN (TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2026-01-02 00:00:00', TIMESTAMP"),
        ("score", "IN (1.5, 2.5, 3.5)"),
        ("age", "IN (1, 2, 3)"),
        ("big", "IN (1, 2, 3)"),
        ("status", "IN ('ACTIVE', 'SEALED', 'SUSPENDED')"),
    ],
)
def test_a_key_of_each_type_has_values(column: str, said: str) -> None:
    policy = changed(
        ("[[person.surname]]", f"[{{person.{column}: {{in: 3}}}}]"),
        ("      at_most: {literals: 1}", "      at_most: {literals: 3}"),
        ("columns: {person: [score]}", "columns: {vault: [box]}"),
    )
    asked = [one for one in questions(policy, CATALOG, REQUESTERS) if said in one.sql]
    assert asked
    assert "ALLOWED" in {verdict(policy, one) for one in asked}


def test_relations_that_nothing_ties_are_not_asked_together() -> None:
    apart = changed(
        ("link: [person, paper]\n      show: {person: {surname", "link: [person, vault]\n      show: {person: {surname"),
        ("of: [visit]", "of: [visit, vault]"),
        ("      show: {person: {home: as is}}\n      first_by: [person.person_id]",
         "      first_by: [person.person_id]"),
    )  # fmt: skip
    texts = [one.sql for one in questions(apart, CATALOG, REQUESTERS)]
    assert not any("JOIN vault" in text for text in texts)
    assert "SELECT person.holder FROM person WHERE person.surname = 'ZZ1'" in texts


def test_a_cube_without_dimensions_and_a_list_without_a_relation() -> None:
    bare = changed(
        ("group: {stay: {postal: first 1}}", "group: {}"),
        ("    measure: {stay: {age: {between: [0, 120]}}}\n", ""),
        ("      link: [person, paper]\n      show: {person: {surname: as is, postal: as is}}", "      show: {}"),
    )  # fmt: skip
    texts = [one.sql for one in questions(bare, CATALOG, REQUESTERS)]
    assert "SELECT count(DISTINCT stay.stay_id) FROM stay" in texts


def test_questions_have_an_end() -> None:
    wide = replace(POLICY, version=9)
    assert tuple(differing(POLICY, wide, CATALOG, None)) == ()
