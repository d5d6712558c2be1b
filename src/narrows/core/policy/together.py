"""What one request asks of one holder, decided together: its fragments share one allowance.

Each fragment is decided for itself; but a question is one question, in how many fragments soever
it is written. Were the cap of literals one a fragment, `UNION` would multiply it; and a pointer
that may be asked in parts would be a search.
"""

from collections.abc import Sequence
from dataclasses import replace

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.decision import Circumstances, Decision, Verdict
from narrows.core.policy.model import Form, Policy

Judged = tuple[Decision, BoundFragment | None]


def decide_together(
    policy: Policy, catalog: Catalog, fragments: Sequence[Fragment], circumstances: Circumstances
) -> tuple[Judged, ...]:
    """The decision on each fragment, in order, and its bound form where the decision releases."""
    found = tuple(decide_and_bind(policy, catalog, one, circumstances) for one in fragments)
    given = [
        fragment
        for fragment, (decision, _) in zip(fragments, found, strict=True)
        if decision.verdict is not Verdict.REFUSED
    ]
    if len(given) < 2 or not (reason := _too_much(policy, catalog, given, circumstances)):
        return found
    return tuple(
        judged if judged[0].verdict is Verdict.REFUSED else (_refused(judged[0], reason), None)
        for judged in found
    )


def _too_much(
    policy: Policy, catalog: Catalog, fragments: Sequence[Fragment], circumstances: Circumstances
) -> str:
    """Why the fragments are too much together; empty where they are not."""
    agreement, _ = applicable(policy, circumstances)
    assert agreement is not None  # INVARIANT: not every fragment is refused
    if circumstances.form == Form.POINTER:
        return f"a pointer is asked by itself, and the question asks `{policy.agency}` for several"
    count, cap = 0, 0
    for fragment in fragments:
        grant, reading = choose_grant(policy, catalog, fragment, agreement, circumstances)
        if grant is not None and reading.anchoring is not None:
            count += reading.anchoring.literal_count
            cap = max(cap, grant.literal_cap)
    if count <= cap:
        return ""
    return f"`{agreement.id}` takes at most {cap} literals, and the question has {count}"


def _refused(decision: Decision, reason: str) -> Decision:
    return replace(
        decision,
        verdict=Verdict.REFUSED,
        reasons=(reason,),
        narrowed=(),
        withheld=(),
        caveats=(),
        keep_days=None,
    )
