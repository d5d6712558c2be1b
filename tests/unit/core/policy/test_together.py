"""A question in several fragments has the allowance of one."""

from dataclasses import replace

from narrows.core.plan.plan import plan
from narrows.core.policy.decision import Circumstances, Verdict
from narrows.core.policy.model import Policy
from narrows.core.policy.together import Judged, decide_together
from tests.unit.core.policy.world import ASKED, CATALOG, granting

BOTH = """
lookup:
  by: [[person.surname], {person.pid: {in: 9}}]
  at_most: {rows: 5, literals: 3}
  show: {person: {surname: as is, pid: as is}}
pointer:
  by: [[person.surname]]
  at_most: {literals: 3}
  show: {person: {surname: as is}}
  first_by: [person.pid]
"""
BY_NAME = "SELECT p.surname FROM person p WHERE p.surname = '{0}'"
BY_ID = "SELECT p.surname FROM person p WHERE p.pid IN ('{0}', 'nsor:2')"


def judge(
    *questions: str, policy: Policy | None = None, asked: Circumstances = ASKED
) -> tuple[Judged, ...]:
    sql = " UNION ALL ".join(one.format(n) for n, one in enumerate(questions))
    fragments = plan(sql, {}, CATALOG).fill({})
    return decide_together(policy or granting(BOTH), CATALOG, fragments, asked)


def test_what_keeps_within_the_cap_together_is_given() -> None:
    for judged in (judge(BY_NAME), judge(BY_NAME, BY_ID), judge(*[BY_NAME] * 3)):
        assert all(decision.releases and bound for decision, bound in judged)


def test_a_cap_is_one_for_the_whole_question() -> None:
    for judged in (judge(BY_NAME, BY_NAME, BY_ID), judge(*[BY_NAME] * 4)):
        for decision, bound in judged:
            assert (decision.verdict, bound) == (Verdict.REFUSED, None)
            assert decision.reasons == ("`one` takes at most 3 literals, and the question has 4",)
            assert (decision.agreement, decision.caveats) == ("one", ())


def test_what_is_refused_for_itself_keeps_its_reason() -> None:
    hidden = "SELECT p.given FROM person p WHERE p.surname = '{0}'"
    (first, _), *others = judge(hidden, *[BY_NAME] * 4)
    assert first.reasons == ("`person.given` is not shown under `one`",)
    assert all("has 4" in decision.reasons[0] for decision, _ in others)


def test_a_pointer_is_asked_by_itself() -> None:
    pointing = replace(ASKED, form="pointer")
    ((alone, _),) = judge(BY_NAME, asked=pointing)
    assert alone.releases
    for decision, bound in judge(BY_NAME, BY_NAME, asked=pointing):
        assert (decision.verdict, bound) == (Verdict.REFUSED, None)
        assert decision.reasons[0].startswith("a pointer is asked by itself")


def test_what_is_held_is_counted_too() -> None:
    held = granting(BOTH, more="held: {by: officer, urgent_hours: 1, routine_hours: 2}")
    assert {one.verdict for one, _ in judge(BY_NAME, BY_NAME, policy=held)} == {Verdict.HELD}
    assert {one.verdict for one, _ in judge(*[BY_NAME] * 4, policy=held)} == {Verdict.REFUSED}


def test_a_list_has_no_literals_to_count() -> None:
    listing = granting("""
list: {at_most: {rows: 9}, show: {person: {surname: as is}}, rows: {person: {age: {null: true}}}}
""")
    found = judge(*[BY_NAME] * 9, policy=listing, asked=replace(ASKED, form="list"))
    assert all(decision.releases for decision, _ in found)
