"""The node's half of the walk: one signed request in, the rows that policy releases out.

`answer` is the walk; its statements are the steps in order (`ARCHITECTURE.md`). What the gateway
says is never believed: the signed bytes are verified afresh, the decision is this node's own, and
the gateway's rewriting is compared with it and never parsed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from opentelemetry.trace import Span

from narrows.core.admission import (
    Admitted,
    Door,
    VerifySignature,
    admit_authentic,
    authenticate,
)
from narrows.core.catalog import Catalog
from narrows.core.directory import Directory
from narrows.core.entries import asked, decided, kind_of, sealed_fields
from narrows.core.exchange import BoundForm, FragmentAnswer, NodeAnswer, NodeQuestion
from narrows.core.ledger.entry import Kind, rows_digest, rows_field
from narrows.core.ledger.parts import Disclosure, Part, Refusal, Released, draft
from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Decision
from narrows.core.policy.finish import Pseudonym
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import Agreement, Policy
from narrows.core.policy.together import decide_together
from narrows.core.terms import Holder, MemberName, RelationName, RequestId, Scalar
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.protocol import Engine, Statement
from narrows.errors import (
    CheckFailed,
    MalformedRequest,
    NarrowsError,
    PolicyChanged,
    RequestReplayed,
)
from narrows.node.compile import compile_bound, types_in
from narrows.node.cubes import Cubes, is_of_cubes
from narrows.node.release import released_rows
from narrows.node.standing import Standing, turn_of, turned
from narrows.node.tickets import fields_decided_on, held_instead, review_due
from narrows.serving.refusal import enter_refusal, entering_refusals
from narrows.store.ledger import Ledger
from narrows.telemetry.names import Attribute, Step
from narrows.telemetry.setup import Telemetry, trace_id_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """A question and how it came: `via` is the gateway's name, from its certificate."""

    question: NodeQuestion
    via: MemberName
    received_at: datetime


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made of; clock and keys come in, so that a test can hold them."""

    holder: Holder
    catalog: Catalog
    door: Door
    directory: Callable[[], Directory]
    policy: Callable[[], Policy]
    mapping: Mapping[RelationName, str]
    engine: Engine
    ledger: Ledger
    telemetry: Telemetry
    verify: VerifySignature
    clock: Callable[[], datetime]
    pseudonym: Pseudonym
    cubes: Cubes
    in_flight: set[RequestId]
    """Requests that are being answered now: a repeat that comes meanwhile is turned away."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One fragment, its decision, and its bound form where the decision releases."""

    index: int
    fragment: Fragment
    decision: Decision
    bound: BoundFragment | None
    agreement: Agreement | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may leave, as `relation.column`."""
        return tuple(
            f"{self.fragment.relation_of(output.column.alias)}.{output.column.column}"
            for output in self.fragment.outputs
        )


@dataclass(frozen=True, slots=True)
class _Case:
    """One admitted question at this node."""

    admitted: Admitted
    arrival: Arrival
    node: NodeParts
    trace_id: str


async def answer(arrival: Arrival, node: NodeParts, parent: Span | None) -> NodeAnswer:
    """What this node releases for the request, entered in its ledger before it is returned.

    Raises: the error of the step that failed; a refusal by policy is an answer, not an error.
    """
    with node.telemetry.step(Step.ANSWER, parent=parent, holder=node.holder) as span:
        with node.telemetry.step(Step.VERIFY, holder=node.holder):
            case = _Case(await _admitted(arrival, node), arrival, node, trace_id_of(span))
        if (earlier := await _earlier(case)) is not None:
            return earlier
        node.in_flight.add(case.admitted.id)
        try:
            with node.telemetry.step(Step.DECIDE, holder=node.holder):
                judged = await _judge(case)
            with node.telemetry.step(Step.READ, holder=node.holder):
                answers, as_of = await _read(judged, case)
            span.set_attribute(Attribute.ROW_COUNT, sum(found.row_count for found in answers))
            with node.telemetry.step(Step.DISCLOSE, holder=node.holder):
                return await _enter_or_refuse(judged, answers, as_of, case)
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


async def _earlier(case: _Case) -> NodeAnswer | None:
    """The receipt of an earlier answer to this very request, without rows; or None."""
    ledger, name = case.node.ledger, case.admitted.id
    if name in case.node.in_flight:
        raise RequestReplayed("this request is being answered already", hint="sign a new one")
    for index in ledger.entries_of(name):
        entry = ledger.entry(index)
        # What was refused before anything was decided was no answer: a gateway that spoils a
        # request on the way must not be able to use it up.
        if entry.kind in (Kind.DISCLOSURE, Kind.HELD) or (
            entry.kind is Kind.REFUSAL and entry.open.get("decisions")
        ):
            return NodeAnswer((), entry.time, await ledger.receipt(index), replayed=True)
    return None


async def _judge(case: _Case) -> tuple[_Judged, ...]:
    """This node's own decision on each fragment opened to it, the same as the gateway's."""
    policy = case.node.policy()
    judged: tuple[_Judged, ...] = ()
    try:
        judged = _decided(policy, case)
        _compare(judged, case.arrival.question.forms, policy)
        judged = _stand(judged, case)
    except NarrowsError as error:
        await _enter_error(error, judged, case)
        raise
    return judged


def _decided(policy: Policy, case: _Case) -> tuple[_Judged, ...]:
    """Every fragment that is opened to this node, decided together."""
    catalog, admitted = case.node.catalog, case.admitted
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
        _Judged(index, fragment, decision, bound, agreements.get(decision.agreement or ""))
        for (index, fragment), (decision, bound) in zip(fragments.items(), found, strict=True)
    )


def _compare(judged: tuple[_Judged, ...], forms: tuple[BoundForm, ...], policy: Policy) -> None:
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


def _stand(judged: tuple[_Judged, ...], case: _Case) -> tuple[_Judged, ...]:
    """The same, or with every release turned by what this node remembers; then nothing is read."""
    agreement = next((one.agreement for one in judged if one.decision.releases), None)
    if agreement is None:
        return judged
    standing = Standing(case.admitted, agreement, case.node.ledger, case.arrival.received_at)
    if (turn := turn_of(standing)) is None:
        return judged
    return tuple(replace(one, decision=turned(one.decision, turn), bound=None) for one in judged)


async def _read(
    judged: tuple[_Judged, ...], case: _Case
) -> tuple[tuple[FragmentAnswer, ...], datetime]:
    """The released rows of every fragment, read in one snapshot, and the snapshot's time."""
    node = case.node
    bounds = [one.bound for one in judged if one.bound is not None]
    if not bounds:
        return tuple(FragmentAnswer(one.index, one.decision) for one in judged), node.clock()
    try:
        if is_of_cubes(bounds):
            reading = await node.cubes.read(bounds)
        else:
            statements = [_compiled(bound, node) for bound in bounds]
            reading = await node.engine.run(statements, case.admitted.header.deadline_ms / 1000)
        rows = iter(reading.rows)
        answers = tuple(
            FragmentAnswer(one.index, one.decision)
            if one.bound is None
            else _released(one, one.bound, next(rows), node.pseudonym)
            for one in judged
        )
    except NarrowsError as error:
        await _enter_error(error, judged, case)
        raise
    return answers, reading.as_of


def _compiled(bound: BoundFragment, node: NodeParts) -> Statement:
    types = types_in(bound, node.catalog)
    return compile_bound(bound, node.mapping, node.engine.dialect, types)


def _released(
    judged: _Judged,
    bound: BoundFragment,
    rows: list[tuple[Scalar, ...]],
    pseudonym: Pseudonym,
) -> FragmentAnswer:
    kept = released_rows(bound, rows, pseudonym)
    schema = schema_of([(output.name, output.type) for output in bound.outputs])
    batches = tuple(build_batches(kept, schema))
    return FragmentAnswer(judged.index, judged.decision, batches, len(kept))


async def _enter_or_refuse(
    judged: tuple[_Judged, ...],
    answers: tuple[FragmentAnswer, ...],
    as_of: datetime,
    case: _Case,
) -> NodeAnswer:
    """As `_enter`; what is too long for an entry is a refusal, and nothing leaves."""
    try:
        return await _enter(judged, answers, as_of, case)
    except CheckFailed as error:
        await _enter_error(error, judged, case)
        raise


async def _enter(
    judged: tuple[_Judged, ...],
    answers: tuple[FragmentAnswer, ...],
    as_of: datetime,
    case: _Case,
) -> NodeAnswer:
    """The answer with its receipt: durable in the ledger before this returns."""
    ledger = case.node.ledger
    digests = {
        rows_field(found.fragment): bytes(rows_digest(found.batches))
        for found in answers
        if found.decision.releases
    }
    sealed = sealed_fields(case.admitted.request, case.trace_id) | digests
    part = _part(judged, answers, as_of, case)
    if part.kind is Kind.HELD:
        sealed |= fields_decided_on(case.admitted.request)
    index = await ledger.append(draft(part, case.admitted.id, sealed))
    openings = tuple(found for found in ledger.openings(index) if found.field in digests)
    return NodeAnswer(answers, as_of, await ledger.receipt(index), openings)


def _part(
    judged: tuple[_Judged, ...],
    answers: tuple[FragmentAnswer, ...],
    as_of: datetime,
    case: _Case,
) -> Part:
    kind = kind_of(one.decision.verdict for one in judged)
    if kind is Kind.REFUSAL:
        return _refusal(judged, case)
    found, agreement = _disclosure(judged, answers, as_of, case), judged[0].agreement
    if kind is Kind.HELD:
        return held_instead(found, agreement, case.admitted.header)
    return replace(found, review_due=review_due(agreement, case.admitted, found.received_at))


def _disclosure(
    judged: tuple[_Judged, ...],
    answers: tuple[FragmentAnswer, ...],
    as_of: datetime,
    case: _Case,
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
    judged: tuple[_Judged, ...],
    case: _Case,
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


async def _enter_error(error: NarrowsError, judged: tuple[_Judged, ...], case: _Case) -> None:
    """Nothing, once the refusal is durable: which check failed, and what had been decided."""
    part = _refusal(judged, case, error.reason, error.message)
    sealed = sealed_fields(case.admitted.request, case.trace_id)
    await enter_refusal(case.node.ledger, part, case.admitted.id, sealed)
