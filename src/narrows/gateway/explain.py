"""What a question would do, told without touching data or ledger."""

from narrows.core.admission import admit
from narrows.core.answer import AnswerColumn
from narrows.core.exchange import Explanation, MergePlan, PartPlan
from narrows.core.plan.above import what_stays_above
from narrows.core.plan.render import render_fragment
from narrows.core.plan.steps import fragment_steps, merge_steps
from narrows.core.policy.steps import bound_steps
from narrows.core.policy.views import describe
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName
from narrows.gateway.answer import (
    GatewayParts,
    Planned,
    check_bearer,
    decide_holders,
    foresee_withheld,
    plan_request,
)
from narrows.gateway.asking import HolderPlan, PartDecision


async def explain(request: SignedRequest, caller: MemberName, gateway: GatewayParts) -> Explanation:
    """Every part for every holder, and the merge. Raises: what fails at the door of an answer."""
    admitted = admit(request, gateway.door, gateway.directory(), gateway.verify, gateway.clock())
    check_bearer(admitted, caller)
    planned = await plan_request(admitted, gateway)
    holders, split = decide_holders(planned, gateway), planned.split
    return Explanation(
        tuple(_explained(plan, part, planned) for plan in holders for part in plan.parts),
        MergePlan(split.statement, admitted.header.merge_at, merge_steps(split.merge)),
        what_stays_above(split, gateway.door.catalog),
        foresee_withheld(planned, holders),
    )


def _explained(plan: HolderPlan, part: PartDecision, planned: Planned) -> PartPlan:
    fragment, bound = planned.fragments[part.index], part.bound
    return PartPlan(
        holder=plan.holder,
        part=planned.split.parts[part.index].name,
        sql=render_fragment(fragment) if bound is None else describe(bound),
        not_asked=part.not_asked or "",
        decision=part.decision,
        steps=fragment_steps(fragment) if bound is None else bound_steps(bound),
        columns=()
        if bound is None
        else tuple(AnswerColumn(name, kind) for name, kind in bound.columns_that_leave),
    )
