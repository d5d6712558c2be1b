"""What a holder decides on a whole question offline is what its node decides."""

from narrows.core.plan.plan import plan
from narrows.core.policy.decision import Verdict
from narrows.core.policy.offline import decide_parts, together
from tests.unit.core.policy.world import ASKED, CATALOG, granting

POLICY = granting("""
lookup:
  by: [[person.surname]]
  at_most: {rows: 5, literals: 1}
  link: [person]
  show: {person: {pid: as is}}
""")
ONE = "SELECT p.pid FROM person p WHERE p.surname = 'Roy'"
TWO = f"{ONE} UNION SELECT p.pid FROM person p WHERE p.surname = 'Nguyen'"


def test_parts_that_are_too_much_together_are_refused_together() -> None:
    alone = together(
        one.decision for one in decide_parts(POLICY, CATALOG, plan(ONE, {}, CATALOG), ASKED)
    )
    assert alone.verdict is Verdict.ALLOWED
    parts = decide_parts(POLICY, CATALOG, plan(TWO, {}, CATALOG), ASKED)
    assert [one.bound for one in parts] == [None, None]
    found = together(one.decision for one in parts)
    assert found.verdict is Verdict.REFUSED
    assert found.reasons == ("`one` takes at most 1 literals, and the question has 2",)
