"""The node's half of the walk: one signed request in, the rows that policy releases out.

`answer` is the walk; its statements are the steps in order (`ARCHITECTURE.md`). What the gateway
says is never believed: the signed bytes are verified afresh, the decision is this node's own, and
the gateway's rewriting is compared with it and never parsed.
"""

import asyncio
from dataclasses import replace
from datetime import datetime

from opentelemetry.trace import Span

from narrows.core.admission import (
    Admitted,
    admit_authentic,
    authenticate,
)
from narrows.core.entries import asked, decided, kind_of
from narrows.core.exchange import BoundForm, FragmentAnswer, NodeAnswer
from narrows.core.ledger.entry import Kind, rows_digest, rows_field
from narrows.core.ledger.parts import Disclosure, Part, Refusal, Released, draft
from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decide import choose_grant
from narrows.core.policy.decision import Verdict
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import Agreement, Grant, Policy
from narrows.core.policy.together import decide_together
from narrows.core.policy.tokens import Sought, sought_in
from narrows.errors import (
    CheckFailed,
    MalformedRequest,
    NarrowsError,
    PolicyChanged,
    RequestReplayed,
)
from narrows.node.carried import Carried, carry
from narrows.node.case import Arrival, Case, Judged, NodeParts
from narrows.node.reading import Read, read
from narrows.node.standing import Standing, turn_of, turned
from narrows.node.tickets import fields_decided_on, held_instead, review_due
from narrows.node.tokens import Sealing
from narrows.serving.refusal import enter_refusal, entering_refusals
from narrows.telemetry.names import Attribute, Step
from narrows.telemetry.setup import trace_id_of

_MOST_TOLD = 2


async def answer(arrival: Arrival, node: NodeParts, parent: Span | None) -> NodeAnswer:
    """What this node releases for the request, entered in its ledger before it is returned.

    Raises: the error of the step that failed; a refusal by policy is an answer, not an error.
    """
    with node.telemetry.step(Step.ANSWER, parent=parent, holder=node.holder) as span:
        with node.telemetry.step(Step.VERIFY, holder=node.holder):
            admitted = await _admitted(arrival, node)
            policy = node.policy(admitted.day)
            sealing = Sealing(admitted.id, node.token(admitted.day.year))
            case = Case(admitted, arrival, node, trace_id_of(span), policy, sealing)
        if (earlier := await _earlier(case)) is not None:
            return earlier
        node.in_flight.add(case.admitted.id)
        try:
            with node.telemetry.step(Step.DECIDE, holder=node.holder):
                judged = await _judge(case)
            with node.telemetry.step(Step.READ, holder=node.holder):
                given = await _read(judged, case)
            row_count = sum(one.answer.row_count for one in given.found)
            span.set_attribute(Attribute.ROW_COUNT, row_count)
            with node.telemetry.step(Step.DISCLOSE, holder=node.holder):
                return await _enter_or_refuse(judged, given, case)
        finally:
            node.in_flight.discard(case.admitted.id)


async def _admitted(arrival: Arrival, node: NodeParts) -> Admitted:
    """The request, verified; a refusal at this step is entered, since a gateway brought it."""
    async with entering_refusals(node.ledger, arrival.via):
        signed = authenticate(arrival.question.request, node.directory(), node.verify)
    async with entering_refusals(node.ledger, arrival.via, signed):
        found = admit_authentic(signed, node.door, arrival.received_at)
        if found.header.audience.gateway != arrival.via:
            raise CheckFailed(
                "the request was signed for another gateway than the one that brought it"
            )
        return found


async def _earlier(case: Case) -> NodeAnswer | None:
    """The receipt of an earlier answer to this very request, without rows; or None."""
    ledger, name = case.node.ledger, case.admitted.id
    if name in case.node.in_flight:
        raise RequestReplayed("this request is being answered already", hint="sign a new one")
    for index in ledger.entries_of(name):
        entry = ledger.entry(index)
        # What was refused before anything was decided was no answer: a gateway that spoils a
        # request on the way must not be able to use it up.
        # Nor was what was decided under another version of the policy than the gateway's: it asks
        # once more under the newer one.
        if entry.kind in (Kind.DISCLOSURE, Kind.HELD) or (
            entry.kind is Kind.REFUSAL
            and entry.open.get("decisions")
            and entry.open.get("reason") != PolicyChanged.reason
        ):
            return NodeAnswer((), entry.time, await ledger.receipt(index), replayed=True)
    return None


async def _judge(case: Case) -> tuple[Judged, ...]:
    """This node's own decision on each fragment opened to it, the same as the gateway's."""
    judged: tuple[Judged, ...] = ()
    try:
        judged = _decided(case)
        case.sealing.note_sought(_sought(judged, case))
        _compare(judged, case.arrival.question.forms, case.policy)
        judged = _stand(judged, case)
    except NarrowsError as error:
        if not (isinstance(error, PolicyChanged) and _was_told_twice(case)):
            await _enter_error(error, judged, case)
        raise
    return judged


def _was_told_twice(case: Case) -> bool:
    """Whether two entries say already that this request came under another version.

    An honest gateway asks once more. Else one signed request could be brought without end, and
    each time fill the ledger.
    """
    ledger = case.node.ledger
    entries = (ledger.entry(index) for index in ledger.entries_of(case.admitted.id))
    return sum(one.open.get("reason") == PolicyChanged.reason for one in entries) >= _MOST_TOLD


def _decided(case: Case) -> tuple[Judged, ...]:
    """Every fragment that is opened to this node, decided together."""
    policy, catalog, admitted = case.policy, case.node.catalog, case.admitted
    fragments = {
        index: decode_fragment(encoded, catalog)
        for index in range(len(admitted.header.commitments.fragments))
        if (encoded := admitted.request.opened(f"fragments/{index}")) is not None
    }
    if not fragments:
        raise MalformedRequest("the request opens no fragment to this node")
    agreements = {one.id: one for one in policy.agreements}
    found = decide_together(policy, catalog, tuple(fragments.values()), admitted.circumstances)
    return tuple(
        Judged(
            index,
            fragment,
            decision,
            bound,
            agreement := agreements.get(decision.agreement or ""),
            _grant(fragment, bound, agreement, case),
        )
        for (index, fragment), (decision, bound) in zip(fragments.items(), found, strict=True)
    )


def _grant(
    fragment: Fragment, bound: BoundFragment | None, agreement: Agreement | None, case: Case
) -> Grant | None:
    """What gives a fragment that is released."""
    if bound is None or agreement is None:
        return None
    circumstances = case.admitted.circumstances
    return choose_grant(case.policy, case.node.catalog, fragment, agreement, circumstances)[0]


def _compare(judged: tuple[Judged, ...], forms: tuple[BoundForm, ...], policy: Policy) -> None:
    """Nothing, when the gateway bound each fragment that is released to the very same bytes.

    A gateway that widened, narrowed, forged or left out something is found here.
    """
    given = {form.fragment: form for form in forms}
    if any(form.policy_version != policy.version for form in forms):
        raise PolicyChanged(
            "the gateway decided under another version of the policy",
            hint="fetch the current policy and ask again",
            metadata={"current": str(policy.version)},
        )
    if len(given) != len(forms) or set(given) - {one.index for one in judged}:
        raise CheckFailed("the gateway sent a rewriting of a fragment that was not asked here")
    for one in judged:
        form = given.get(one.index)
        expected = None if one.bound is None else encode_bound(one.bound)
        if (None if form is None else form.form) != expected:
            raise CheckFailed(
                f"the gateway's rewriting of fragment {one.index} differs from this node's"
            )


def _stand(judged: tuple[Judged, ...], case: Case) -> tuple[Judged, ...]:
    """The same, or with all that is released or held turned by what this node remembers."""
    given = tuple(one for one in judged if one.decision.verdict is not Verdict.REFUSED)
    agreement = next((one.agreement for one in given), None)
    if agreement is None:
        return judged
    releasing = tuple(one for one in given if one.decision.releases)
    standing = Standing(
        admitted=case.admitted,
        agreement=agreement,
        ledger=case.node.ledger,
        now=case.arrival.received_at,
        budgets=case.node.budgets,
        sought=_sought(releasing, case),
        sealing=case.sealing,
    )
    if (turn := turn_of(standing)) is None:
        return judged
    return tuple(replace(one, decision=turned(one.decision, turn), bound=None) for one in judged)


def _sought(judged: tuple[Judged, ...], case: Case) -> Sought:
    """What these fragments match."""
    circumstances = case.admitted.circumstances
    found = Sought()
    for one in judged:
        found |= sought_in(case.policy, case.node.catalog, one.fragment, circumstances)
    return found


async def _read(judged: tuple[Judged, ...], case: Case) -> Read:
    """As `read`; what fails is entered."""
    try:
        return await read(judged, case)
    except NarrowsError as error:
        await _enter_error(error, judged, case)
        raise


async def _enter_or_refuse(judged: tuple[Judged, ...], given: Read, case: Case) -> NodeAnswer:
    """As `_enter`; what is too long for an entry is a refusal, and nothing leaves."""
    try:
        return await _enter(judged, given, case)
    except CheckFailed as error:
        await _enter_error(error, judged, case)
        raise


async def _enter(judged: tuple[Judged, ...], given: Read, case: Case) -> NodeAnswer:
    """The answer with its receipt: durable in the ledger before this returns."""
    ledger = case.node.ledger
    answers = tuple(one.answer for one in given.found)
    digests = {
        rows_field(one.fragment): bytes(rows_digest(one.batches))
        for one in answers
        if one.decision.releases
    }
    if digests:
        case.sealing.note_subjects(
            token
            for one in given.found
            for row in one.subjects
            for tokens in row
            for token in tokens.values()
        )
    sealed = case.sealed | digests
    # What is large takes a moment to seal: others are served meanwhile.
    key = case.admitted.merge_key
    carried = None if key is None else await asyncio.to_thread(carry, answers, key, case)
    part = _part(judged, answers, given.as_of, case, carried)
    if part.kind is Kind.HELD:
        sealed |= fields_decided_on(case.admitted.request)
    *_, index = await ledger.append_all((*given.before, draft(part, case.admitted.id, sealed)))
    openings = tuple(one for one in ledger.openings(index) if one.field in digests)
    found = NodeAnswer(answers, given.as_of, await ledger.receipt(index), openings)
    return found if carried is None else carried.answer(found)


def _part(
    judged: tuple[Judged, ...],
    answers: tuple[FragmentAnswer, ...],
    as_of: datetime,
    case: Case,
    carried: Carried | None,
) -> Part:
    kind = kind_of(one.decision.verdict for one in judged)
    if kind is Kind.REFUSAL:
        return _refusal(judged, case)
    found, agreement = _disclosure(judged, answers, as_of, case), judged[0].agreement
    if carried is not None:
        found = replace(found, released=tuple(map(carried.released, found.released)))
    if kind is Kind.HELD:
        return held_instead(found, agreement, case.admitted.header)
    return replace(found, review_due=review_due(agreement, case.admitted, found.received_at))


def _disclosure(
    judged: tuple[Judged, ...],
    answers: tuple[FragmentAnswer, ...],
    as_of: datetime,
    case: Case,
) -> Disclosure:
    return Disclosure(
        asked=asked(case.admitted),
        recipient=case.admitted.header.agency,
        via=case.arrival.via,
        catalog=case.node.catalog.digest,
        decisions=tuple(decided(case.node.holder, one.index, one.decision) for one in judged),
        released=tuple(
            Released(one.index, one.columns, found.row_count, len(found.batches))
            for one, found in zip(judged, answers, strict=True)
            if one.decision.releases
        ),
        as_of=as_of,
        received_at=case.arrival.received_at,
    )


def _refusal(
    judged: tuple[Judged, ...],
    case: Case,
    reason: str = "DISCLOSURE_DENIED",
    check: str = "the policy releases nothing to this request",
) -> Refusal:
    return Refusal(
        caller=case.arrival.via,
        reason=reason,
        check=check,
        asked=asked(case.admitted),
        decisions=tuple(decided(case.node.holder, one.index, one.decision) for one in judged),
    )


async def _enter_error(error: NarrowsError, judged: tuple[Judged, ...], case: Case) -> None:
    """Nothing, once the refusal is durable: which check failed, and what had been decided."""
    part = _refusal(judged, case, error.reason, error.message)
    await enter_refusal(case.node.ledger, part, case.admitted.id, case.sealed)
