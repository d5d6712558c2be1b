"""The walk of one query through the gateway: newcomers start here.

`answer` is the walk; its statements are the steps in order. A question goes in wide and comes out
narrow: the request is verified, split afresh, decided under each holder's policy, entered as an
intent, asked, merged over what was released, entered as an outcome, and given back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from opentelemetry.trace import Span

from narrows.core.admission import (
    Admitted,
    Door,
    VerifySignature,
    admit_authentic,
    authenticate,
)
from narrows.core.answer import Answer, AnswerColumn, HolderReport
from narrows.core.answer import Outcome as Became
from narrows.core.directory import Directory
from narrows.core.entries import asked, decided, sealed_fields
from narrows.core.ledger.entry import Opening, rows_digest, rows_field
from narrows.core.ledger.parts import HolderOutcome, Intent, Outcome, Refusal, draft
from narrows.core.ledger.receipt import receipt_digest
from narrows.core.parameters import decode_parameters
from narrows.core.plan.fragment import Fragment, encode_fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.split import Split
from narrows.core.policy.gaps import why_withheld
from narrows.core.policy.model import Policy
from narrows.core.request import SignedRequest, check_openings
from narrows.core.terms import ColumnType, Holder, MemberName, TypedValue
from narrows.engines.merge_pool import MergePool, MergeResult
from narrows.engines.merging import MergeLimit, merge, tables_of
from narrows.errors import NarrowsError, PlannerDiffers, PolicyChanged, UnknownCaller
from narrows.gateway.asking import HolderPlan, plan_holders, refusing
from narrows.gateway.exchange import Exchange, Replies, Round
from narrows.serving.refusal import enter_refusal, entering_refusals
from narrows.store.ledger import Ledger
from narrows.telemetry.names import Attribute, Step
from narrows.telemetry.setup import Telemetry, trace_id_of, traceparent_of
from narrows.wire.status import expected


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What a gateway is made of; clock and keys come in, so that a test can hold them.

    `policies` are those in force on a day; `renew` fetches one holder's anew, if it can.
    """

    name: MemberName
    door: Door
    directory: Callable[[], Directory]
    policies: Callable[[date], Mapping[Holder, Policy]]
    renew: Callable[[Holder], Awaitable[None]]
    plans: PlanCache
    exchange: Exchange
    merges: MergePool
    ledger: Ledger
    telemetry: Telemetry
    verify: VerifySignature
    clock: Callable[[], datetime]
    clock_s: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Planned:
    """A verified request, split afresh and equal to what was signed."""

    admitted: Admitted
    split: Split
    fragments: tuple[Fragment, ...]
    values: Mapping[str, TypedValue]


async def answer(request: SignedRequest, caller: MemberName, gateway: GatewayParts) -> Answer:
    """The whole answer, entered in the ledger before it is returned.

    Raises: the error of the step that failed at the door. A refusal by policy is an answer.
    """
    telemetry = gateway.telemetry
    with telemetry.step(Step.ASK) as span:
        with telemetry.step(Step.VERIFY):
            admitted = await verify(request, caller, gateway)
        with telemetry.step(Step.PLAN):
            planned = await _plan_or_refuse(admitted, caller, gateway)
        with telemetry.step(Step.DECIDE):
            holders = decide_holders(planned, gateway)
        with telemetry.step(Step.INTENT):
            await _enter_intent(planned, holders, gateway, span)
        try:
            with telemetry.step(Step.FAN_OUT):
                # Nobody's rows travel for an answer that is withheld whatever they are.
                foreseen = foresee_withheld(planned, holders)
                replies = await _ask(planned, holders, gateway, span, spare=bool(foreseen))
            withheld = foreseen or _why_withheld(planned, holders, replies.gaps, replies.held)
            with telemetry.step(Step.MERGE):
                merged, merge_us = await _merge(planned, replies, withheld, gateway)
            with telemetry.step(Step.OUTCOME):
                found = await _enter_outcome(planned, replies, merged, withheld, gateway)
        except Exception as error:
            # Whatever went wrong: an intent is never left without what became of it.
            failure = expected(error)
            await _enter_failure(failure, planned, gateway)
            if failure is error:
                raise
            raise failure from error
        span.set_attribute(Attribute.ROW_COUNT, found.row_count)
        return replace(found, merge_us=merge_us)


async def verify(request: SignedRequest, caller: MemberName, gateway: GatewayParts) -> Admitted:
    """The request, admitted; a refusal is entered, since its caller is a known member.

    Raises: what `admit` raises; CheckFailed, UnknownCaller where another member brings it.
    """
    async with entering_refusals(gateway.ledger, caller):
        signed = authenticate(request, gateway.directory(), gateway.verify)
    async with entering_refusals(gateway.ledger, caller, signed):
        found = admit_authentic(signed, gateway.door, gateway.clock())
        check_bearer(found, caller)
        return found


def check_bearer(admitted: Admitted, caller: MemberName) -> None:
    """Nothing, when the request is all open, and brought by the member that signed it.

    Raises: CheckFailed, UnknownCaller.
    """
    fragments = range(len(admitted.header.commitments.fragments))
    required = ("sql", "parameters", *(f"fragments/{n}" for n in fragments))
    check_openings(admitted.request, admitted.header, required)
    if admitted.header.agency != caller:
        message = "the request was signed by another member than the one that brought it"
        raise UnknownCaller(message, hint="bring your own requests")


async def plan_request(admitted: Admitted, gateway: GatewayParts) -> Planned:
    """The request split by this gateway's own planner, and equal to what was signed.

    Raises: the planner's errors; PlannerDiffers where client and gateway split differently.
    """
    values = decode_parameters(admitted.request.opened("parameters") or b"")
    types = {name: value.type for name, value in values.items()}
    sql, catalog = admitted.request.text("sql") or "", gateway.door.catalog
    form = admitted.header.form
    split = gateway.plans.find(sql, types, catalog, form)
    if split is None:
        # In a thread: what is hard to plan must not keep everybody else waiting.
        split = await asyncio.to_thread(gateway.plans.plan, sql, types, catalog, form)
    filled = {**values, TODAY_SLOT: TypedValue(ColumnType.DATE, admitted.day)}
    fragments = split.fill(filled)
    signed = [
        admitted.request.opened(f"fragments/{n}")
        for n in range(len(admitted.header.commitments.fragments))
    ]
    if signed != [encode_fragment(fragment) for fragment in fragments]:
        raise PlannerDiffers(
            "client and gateway split the query differently",
            hint="bring both to one version of the planner",
            metadata={"current": gateway.door.planner},
        )
    return Planned(admitted, split, fragments, filled)


def decide_holders(planned: Planned, gateway: GatewayParts) -> tuple[HolderPlan, ...]:
    """What each holder's policy says to each part, from the request alone."""
    return plan_holders(
        planned.admitted,
        planned.split,
        planned.fragments,
        gateway.policies(planned.admitted.day),
        gateway.door.catalog,
    )


def foresee_withheld(planned: Planned, holders: Sequence[HolderPlan]) -> str:
    """Why no rows would be given whatever the nodes answer; empty where some may be."""
    held = [plan.holder for plan in holders if plan.is_held]
    return _why_withheld(planned, holders, refusing(holders), held)


async def _plan_or_refuse(admitted: Admitted, caller: MemberName, gateway: GatewayParts) -> Planned:
    try:
        return await plan_request(admitted, gateway)
    except Exception as error:
        failure = expected(error)
        refusal = Refusal(caller, failure.reason, "the query is not accepted", asked(admitted))
        await enter_refusal(gateway.ledger, refusal, admitted.id, sealed_fields(admitted.request))
        if failure is error:
            raise
        raise failure from error


async def _enter_intent(
    planned: Planned, holders: Sequence[HolderPlan], gateway: GatewayParts, span: Span
) -> None:
    """Nothing, once it is durable that these holders are about to be asked."""
    admitted = planned.admitted
    decisions = tuple(
        decided(plan.holder, part.index, part.decision)
        for plan in holders
        for part in plan.parts
        if part.decision is not None
    )
    part = Intent(asked(admitted), gateway.door.catalog.digest, gateway.door.planner, decisions)
    sealed = sealed_fields(admitted.request, trace_id_of(span))
    await gateway.ledger.append(draft(part, admitted.id, sealed))


def _why_withheld(
    planned: Planned,
    holders: Sequence[HolderPlan],
    gaps: Collection[Holder],
    held: Collection[Holder],
) -> str:
    asked_of = {plan.holder: [part.index for part in plan.asked] for plan in holders if plan.asked}
    partial = planned.admitted.header.partial
    return why_withheld(planned.split, asked_of, gaps, partial=partial, held=held)


async def _ask(
    planned: Planned,
    holders: Sequence[HolderPlan],
    gateway: GatewayParts,
    span: Span,
    *,
    spare: bool,
) -> Replies:
    """Every holder's report and checked batches, under the request's one deadline."""
    schemas = tuple(
        columns_of_fragment(fragment, gateway.door.catalog) for fragment in planned.fragments
    )

    def is_vain(reports: Sequence[HolderReport]) -> bool:
        held = [one.holder for one in reports if one.outcome is Became.HELD]
        gaps = {*refusing(holders), *(one.holder for one in reports if one.outcome.is_gap)}
        return bool(_why_withheld(planned, holders, gaps, held))

    async def decide_again(plan: HolderPlan) -> HolderPlan:
        return await _decide_again(plan, planned, gateway, span)

    return await gateway.exchange.ask_all(
        Round(
            planned.admitted,
            tuple(holders),
            schemas,
            traceparent_of(span),
            decide_again,
            spare=spare,
            is_vain=is_vain,
        )
    )


async def _decide_again(
    plan: HolderPlan, planned: Planned, gateway: GatewayParts, span: Span
) -> HolderPlan:
    """What one holder is asked under its newer policy; an intent of its own, before it is asked.

    Raises: PolicyChanged where no other version could be had.
    """
    await gateway.renew(plan.holder)
    fresh = next(one for one in decide_holders(planned, gateway) if one.holder == plan.holder)
    if [one.policy_version for one in fresh.decisions] == [
        one.policy_version for one in plan.decisions
    ]:
        raise PolicyChanged("its policy has just changed", hint="ask again")
    await _enter_intent(planned, (fresh,), gateway, span)
    return fresh


async def _merge(
    planned: Planned, replies: Replies, withheld: str, gateway: GatewayParts
) -> tuple[MergeResult, int]:
    """The merge over what was released, in so many microseconds.

    Over nothing, where rows are withheld or only carried.
    """
    if planned.admitted.merge_key is not None:
        return MergeResult((), [], 0), 0
    released = {} if withheld else replies.batches
    tables = tables_of(planned.split, planned.fragments, released, gateway.door.catalog)
    limit = MergeLimit(planned.admitted.header.agency, replies.left_s)
    started_s = gateway.clock_s()
    result = await merge(planned.split, tables, planned.values, gateway.merges, limit)
    merge_us = round((gateway.clock_s() - started_s) * 1_000_000)
    return (MergeResult(result.columns, [], 0) if withheld else result), merge_us


async def _enter_failure(error: NarrowsError, planned: Planned, gateway: GatewayParts) -> None:
    part = Outcome(
        error.reason,
        error.message,
        complete=False,
        column_count=0,
        row_count=0,
        holders=(),
        caveats=(),
    )
    await gateway.ledger.append(draft(part, planned.admitted.id))


async def _enter_outcome(
    planned: Planned,
    replies: Replies,
    merged: MergeResult,
    withheld: str,
    gateway: GatewayParts,
) -> Answer:
    """The answer with the gateway's own receipt: durable before this returns."""
    gaps = any(report.outcome.is_gap for report in replies.reports)
    given = "answered" if planned.admitted.merge_key is None else "carried"
    part = Outcome(
        outcome="withheld" if withheld else given,
        reason=withheld,
        complete=not gaps,
        column_count=len(merged.columns),
        row_count=merged.row_count,
        holders=tuple(_holder_outcome(report) for report in replies.reports),
        caveats=replies.caveats,
    )
    sealed = {rows_field(0): bytes(rows_digest(merged.batches))}
    index = await gateway.ledger.append(draft(part, planned.admitted.id, sealed))
    return Answer(
        request=planned.admitted.id,
        columns=tuple(AnswerColumn(name, kind) for name, kind in merged.columns),
        batches=tuple(merged.batches),
        row_count=merged.row_count,
        holders=replies.reports,
        caveats=replies.caveats,
        receipt=await gateway.ledger.receipt(index),
        withheld_because=withheld,
        rows_opening=_first(gateway.ledger.openings(index)),
        sealed=() if withheld else replies.sealed,
    )


def _holder_outcome(report: HolderReport) -> HolderOutcome:
    return HolderOutcome(
        holder=report.holder,
        outcome=report.outcome.value,
        clauses=report.clauses,
        reason="; ".join(report.reasons),
        withheld=report.withheld,
        row_count=report.row_count,
        duration_ms=report.elapsed_ms,
        receipt=None if report.receipt is None else receipt_digest(report.receipt),
    )


def _first(openings: Sequence[Opening]) -> Opening | None:
    return next(iter(openings), None)
