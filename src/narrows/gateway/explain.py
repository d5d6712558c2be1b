"""What a question would do, told without touching data or ledger."""

from narrows.core.admission import admit
from narrows.core.exchange import Explanation, PartPlan
from narrows.core.plan.render import render_fragment
from narrows.core.policy.views import describe
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName
from narrows.gateway.answer import GatewayParts, check_bearer, decide_holders, plan_request


async def explain(request: SignedRequest, caller: MemberName, gateway: GatewayParts) -> Explanation:
    """Every part for every holder, and the merge. Raises: what fails at the door of an answer."""
    admitted = admit(request, gateway.door, gateway.directory(), gateway.verify, gateway.clock())
    check_bearer(admitted, caller)
    planned = await plan_request(admitted, gateway)
    parts = planned.split.parts
    return Explanation(
        tuple(
            PartPlan(
                holder=plan.holder,
                part=parts[one.index].name,
                sql=render_fragment(planned.fragments[one.index])
                if one.bound is None
                else describe(one.bound),
                not_asked=one.not_asked or "",
                decision=one.decision,
            )
            for plan in decide_holders(planned, gateway)
            for one in plan.parts
        ),
        planned.split.statement,
    )
