"""What a question would do: the messages of `Explain` and values, both ways.

It is the gateway's word, and nothing hangs on it: what is asked is planned and signed elsewhere.
"""

from collections.abc import Iterable

from narrows.core.exchange import Explanation, MergePlan, PartPlan
from narrows.core.plan.above import StaysAbove
from narrows.core.plan.steps import PlanStep
from narrows.core.terms import Holder
from narrows.errors import CheckFailed
from narrows.wire.request import from_column, from_decision, to_column, to_decision
from narrows.wire.v1 import query_pb2 as pb

MAX_DEPTH = 80
"""Accepted SQL comes to less."""


def to_explanation(found: Explanation) -> pb.ExplainResponse:
    """The message of an explanation; `from_explanation` undoes it."""
    return pb.ExplainResponse(
        plans=[
            pb.HolderPlan(
                holder=plan.holder,
                part=plan.part,
                sql=plan.sql,
                not_asked_reason=plan.not_asked,
                decision=None if plan.decision is None else to_decision(plan.decision),
                steps=_to_steps(plan.steps),
                columns=[to_column(column) for column in plan.columns],
            )
            for plan in found.plans
        ],
        merge_sql=found.merge.sql,
        merge_at=found.merge.place,
        merge_steps=_to_steps(found.merge.steps),
        above=[pb.StaysAbove(what=one.what, why=one.why) for one in found.above],
        withheld_because=found.withheld_because,
    )


def from_explanation(message: pb.ExplainResponse) -> Explanation:
    """What a question would do, in the gateway's words. Raises: CheckFailed."""
    return Explanation(
        plans=tuple(
            PartPlan(
                holder=Holder(plan.holder),
                part=plan.part,
                sql=plan.sql,
                not_asked=plan.not_asked_reason,
                decision=from_decision(plan.decision) if plan.HasField("decision") else None,
                steps=_from_steps(plan.steps),
                columns=tuple(from_column(column) for column in plan.columns),
            )
            for plan in message.plans
        ),
        merge=MergePlan(message.merge_sql, message.merge_at, _from_steps(message.merge_steps)),
        above=tuple(StaysAbove(one.what, one.why) for one in message.above),
        withheld_because=message.withheld_because,
    )


def _to_steps(steps: Iterable[PlanStep]) -> list[pb.PlanStep]:
    return [
        pb.PlanStep(name=step.name, lines=step.lines, inputs=_to_steps(step.inputs))
        for step in steps
    ]


def _from_steps(messages: Iterable[pb.PlanStep], depth: int = 0) -> tuple[PlanStep, ...]:
    if depth > MAX_DEPTH:
        raise CheckFailed("the gateway explains in steps that are too deep")
    return tuple(
        PlanStep(one.name, tuple(one.lines), _from_steps(one.inputs, depth + 1)) for one in messages
    )
