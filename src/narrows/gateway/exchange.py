"""The calls to the nodes, all at once and under one deadline; the only way to a node's rows.

`Exchange` sees nodes through one small protocol, `Node`, so that a long-lived stream per node can
take the place of single calls without a change above.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from narrows.core.admission import Admitted
from narrows.core.answer import HolderReport, Outcome
from narrows.core.entries import outcome_of
from narrows.core.exchange import NodeAnswer, NodeQuestion
from narrows.core.ledger.note import Verifier
from narrows.core.policy.decision import Decision
from narrows.core.policy.gaps import SPARED
from narrows.core.request import OPTIONAL_FIELDS, SignedRequest
from narrows.core.sealed import SealedRows
from narrows.core.terms import ColumnType, Holder
from narrows.errors import (
    AnswerTooLarge,
    BudgetSpent,
    CheckFailed,
    DeadlinePassed,
    DisclosureDenied,
    NarrowsError,
    NodeUnavailable,
    ObligationUnenforceable,
    PolicyChanged,
)
from narrows.gateway.asking import HolderPlan
from narrows.gateway.evidence import check_answer
from narrows.telemetry.names import Attribute, Step
from narrows.telemetry.setup import Telemetry

MERGE_SHARE_S = 0.5
"""Kept back from the deadline for the merge and the outcome's entry, at most half of it."""


class Node(Protocol):
    """One holder's node, as the gateway reaches it."""

    async def answer(
        self, question: NodeQuestion, traceparent: str, deadline_s: float
    ) -> NodeAnswer:
        """The node's answer. Raises: NarrowsError, as the node's error table says."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """One question to many holders. `schemas` are the columns of each fragment's rows.

    With `spare`, whatever nodes released would be withheld, so that none is called but those that
    hold the request: they release nothing, and without their entries there would be no ticket.
    `is_vain` says the same once those have answered whose release hangs on a ticket. `decide_again`
    gives what one holder is asked under the policy that its node has now; it raises PolicyChanged
    where that is no other.
    """

    admitted: Admitted
    holders: tuple[HolderPlan, ...]
    schemas: tuple[tuple[tuple[str, ColumnType], ...], ...]
    traceparent: str
    decide_again: Callable[[HolderPlan], Awaitable[HolderPlan]]
    spare: bool = False
    is_vain: Callable[[Sequence[HolderReport]], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Replies:
    """What came back: a report for each holder, and the checked batches of each fragment.

    Where the requester merges, `sealed` holds what each holder sent instead, to be carried on.
    """

    reports: tuple[HolderReport, ...]
    batches: Mapping[int, tuple[bytes, ...]]
    caveats: tuple[str, ...]
    left_s: float
    sealed: tuple[SealedRows, ...] = ()

    @property
    def gaps(self) -> list[Holder]:
        """The holders whose rows may be missing."""
        return [report.holder for report in self.reports if report.outcome.is_gap]

    @property
    def held(self) -> list[Holder]:
        """The holders where a person decides first."""
        return [one.holder for one in self.reports if one.outcome is Outcome.HELD]


class Exchange:
    """Asks nodes; `verifiers` are those of the nodes' ledgers, by holder."""

    def __init__(
        self,
        nodes: Mapping[Holder, Node],
        verifiers: Mapping[Holder, Verifier],
        telemetry: Telemetry,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nodes = nodes
        self.verifiers = verifiers
        self._telemetry = telemetry
        self._clock_s = clock_s

    async def ask_all(self, asking: Round) -> Replies:
        """A report for every holder, by name; never raises for one that fails."""
        started_s = self._clock_s()
        total_s = asking.admitted.header.deadline_ms / 1000
        deadline_s = total_s - min(MERGE_SHARE_S, total_s / 2)
        found = await self._ask_in_turn(asking, deadline_s)
        batches: dict[int, tuple[bytes, ...]] = {}
        caveats: dict[str, None] = {}
        sealed: list[SealedRows] = []
        for report, answer in found:
            for one in () if answer is None else answer.fragments:
                if not one.decision.releases:
                    continue
                caveats.update(dict.fromkeys(one.decision.caveats))
                if asking.admitted.merge_key is None:
                    batches[one.fragment] = batches.get(one.fragment, ()) + one.batches
                else:
                    sealed.append(SealedRows(report.holder, one.fragment, one.batches))
        left_s = max(0.05, total_s - (self._clock_s() - started_s))
        reports = tuple(report for report, _ in found)
        return Replies(reports, batches, tuple(caveats), left_s, tuple(sealed))

    async def _ask_in_turn(
        self, asking: Round, deadline_s: float
    ) -> list[tuple[HolderReport, NodeAnswer | None]]:
        """What became of it at each holder: first at those where a ticket may not be approved yet.

        Nobody's rows travel for an answer that is withheld for a ticket that is not.
        """
        started_s = self._clock_s()
        first = [plan for plan in asking.holders if plan.is_collecting]
        found = await self._ask_at_once(first, asking, deadline_s)
        if first and asking.is_vain([report for report, _ in found.values()]):
            asking = replace(asking, spare=True)
        others = [plan for plan in asking.holders if not plan.is_collecting]
        left_s = max(0.0, deadline_s - (self._clock_s() - started_s)) if first else deadline_s
        found |= await self._ask_at_once(others, asking, left_s)
        return [found[plan.holder] for plan in asking.holders]

    async def _ask_at_once(
        self, plans: Sequence[HolderPlan], asking: Round, deadline_s: float
    ) -> dict[Holder, tuple[HolderReport, NodeAnswer | None]]:
        found = await asyncio.gather(*(self._ask(plan, asking, deadline_s) for plan in plans))
        return {plan.holder: one for plan, one in zip(plans, found, strict=True)}

    async def _ask(
        self, plan: HolderPlan, asking: Round, deadline_s: float
    ) -> tuple[HolderReport, NodeAnswer | None]:
        if not plan.asked:
            reasons = dict.fromkeys(part.not_asked or "" for part in plan.parts)
            return HolderReport(plan.holder, Outcome.NOT_ASKED, reasons=tuple(reasons)), None
        if plan.is_undecided:
            return _report(plan, Outcome.UNAVAILABLE, "its policy was never fetched"), None
        if not plan.must_call:
            return _report(plan, Outcome.REFUSED), None
        if asking.spare and not plan.is_held:
            is_refusing = any(not decision.releases for decision in plan.decisions)
            outcome = Outcome.REFUSED if is_refusing else Outcome.NOT_ASKED
            return _report(plan, outcome, "" if is_refusing else SPARED), None
        started_s = self._clock_s()
        answer: NodeAnswer | None = None
        outcome, failure = Outcome.ANSWERED, ""
        with self._telemetry.step(Step.EXCHANGE, holder=plan.holder) as span:
            try:
                try:
                    answer = await self._call(plan, asking, deadline_s)
                except PolicyChanged:
                    # Once: under the version that the node has by now.
                    plan = await asking.decide_again(plan)
                    left_s = deadline_s - (self._clock_s() - started_s)
                    if plan.must_call:
                        answer = await self._call(plan, asking, left_s)
                    else:
                        outcome = Outcome.REFUSED
            except (TimeoutError, NarrowsError) as error:
                outcome, failure = _what_failed(error)
                span.set_attribute(Attribute.OUTCOME, outcome.value)
        elapsed_ms = round((self._clock_s() - started_s) * 1000)
        report = _report(plan, outcome, failure, answer, elapsed_ms)
        return _with_ticket(report, asking.admitted), answer

    async def _call(self, plan: HolderPlan, asking: Round, deadline_s: float) -> NodeAnswer:
        """The node's answer, checked. Raises: NarrowsError, TimeoutError."""
        node, verifier = self._nodes.get(plan.holder), self.verifiers.get(plan.holder)
        if node is None or verifier is None:
            raise NodeUnavailable("the directory says nowhere that the node serves")
        question = NodeQuestion(open_for(asking.admitted.request, plan), plan.forms)
        async with asyncio.timeout(deadline_s):
            found = await node.answer(question, asking.traceparent, deadline_s)
        try:
            check_answer(found, plan, asking.admitted, asking.schemas, verifier)
        except AnswerTooLarge as error:
            # Found here, it is no refusal of the holder's.
            raise CheckFailed(error.message) from error
        return found


def _what_failed(error: Exception) -> tuple[Outcome, str]:
    """The outcome and the reason that the requester reads.

    Only what the holder itself decided is a refusal; all else is a fault that may pass.
    """
    match error:
        case TimeoutError() | DeadlinePassed():
            return Outcome.TIMED_OUT, "no answer within the deadline"
        case NodeUnavailable():
            return Outcome.UNAVAILABLE, "the node cannot be reached"
        case PolicyChanged():
            return Outcome.UNAVAILABLE, "its policy has just changed: ask again"
        case DisclosureDenied() | AnswerTooLarge() | BudgetSpent() | ObligationUnenforceable():
            return Outcome.REFUSED, error.message
        case NarrowsError():
            return Outcome.UNAVAILABLE, error.message
        case _:
            raise error


def open_for(request: SignedRequest, plan: HolderPlan) -> SignedRequest:
    """The request with only those openings that concern one holder: its own fragments.

    The header commits to all; but the text and its parameters may name people of whom another
    holder alone is asked, and a node decides on fragments.
    """
    fields = {*OPTIONAL_FIELDS, *(f"fragments/{part.index}" for part in plan.asked)}
    openings = tuple(found for found in request.openings if found.field in fields)
    return SignedRequest(request.header, request.signatures, openings)


def _report(
    plan: HolderPlan,
    outcome: Outcome,
    failure: str = "",
    answer: NodeAnswer | None = None,
    elapsed_ms: int = 0,
) -> HolderReport:
    """One holder's report. A holder that refused one part of several has refused."""
    # What a node remembers may turn what its policy releases: its own decision is the one to tell.
    told = () if answer is None else tuple(found.decision for found in answer.fragments)
    decisions = told or plan.decisions
    # What was narrowed is told of rows that came, and of no others.
    shaping = decisions if answer is not None else ()
    refusals = [decision for decision in decisions if not decision.releases]
    if outcome is Outcome.ANSWERED:
        outcome = outcome_of(decision.verdict for decision in decisions)
    return HolderReport(
        holder=plan.holder,
        outcome=outcome,
        clauses=_distinct(decisions, lambda decision: decision.clauses),
        reasons=(failure,) if failure else _distinct(refusals, lambda decision: decision.reasons),
        narrowed=_distinct(shaping, lambda decision: decision.narrowed),
        withheld=_distinct(shaping, lambda decision: decision.withheld),
        row_count=0 if answer is None else sum(found.row_count for found in answer.fragments),
        byte_count=0 if answer is None else sum(found.byte_count for found in answer.fragments),
        elapsed_ms=elapsed_ms,
        receipt=None if answer is None else answer.receipt,
        keep_days=min(
            (one.keep_days for one in shaping if one.keep_days is not None), default=None
        ),
    )


def _with_ticket(report: HolderReport, admitted: Admitted) -> HolderReport:
    """The report, which names the ticket where the holder holds the request."""
    if report.outcome is not Outcome.HELD:
        return report
    ticket = admitted.header.ticket or admitted.id
    return replace(report, reasons=(*report.reasons, f"the ticket is {ticket}"))


def _distinct(
    decisions: tuple[Decision, ...] | list[Decision],
    pick: Callable[[Decision], tuple[str, ...]],
) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for decision in decisions for found in pick(decision)))
