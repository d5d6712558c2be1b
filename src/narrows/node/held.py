"""What the holder's own people see and decide at their node: held requests, and reviews.

All of it is read from the ledger and entered there. Nothing here reads the holder's database: who
decides on a held request decides from the request alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from narrows.core.admission import day_of
from narrows.core.exchange import HeldCase, Listing, ReviewCase, Ruled
from narrows.core.ledger.entry import REVIEW, RULING, Entry, Kind, parse_time
from narrows.core.ledger.parts import Access, Signed, draft
from narrows.core.ledger.parts import Review as ReviewPart
from narrows.core.ledger.parts import Ruling as RulingPart
from narrows.core.ledger.receipt import Receipt
from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.render import render_fragment
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.ruling import Ruling, Says, SignedRuling, verify_ruling
from narrows.core.terms import MemberName, RequestId
from narrows.errors import MalformedRequest, NarrowsError, RequestExpired, UnknownCaller
from narrows.node.case import NodeParts
from narrows.node.tickets import (
    RULED_BY,
    Status,
    Ticket,
    agreement_of,
    find_ticket,
    header_of,
    needed_for,
    told_of,
)

MANDATE = "deciding on a held request"
MOST_LISTED = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Signed:
    """A ruling whose signature verifies, as it came, and the person's name."""

    ruling: Ruling
    signed: SignedRuling
    person: str


def list_held(node: NodeParts, *, every: bool = False) -> Listing[HeldCase]:
    """The held requests without what is sealed; `every` for also what is denied or lapsed."""
    now = node.clock()

    def read(request: RequestId) -> HeldCase | None:
        ticket = find_ticket(node.ledger, request)
        case = None if ticket is None else _case(ticket, node, now)
        is_final = case is not None and case.status in (Status.DENIED, Status.LAPSED)
        return None if is_final and not every else case

    return _listing(node.ledger.awaiting(RULING), read)


async def show_held(request: str, node: NodeParts) -> HeldCase:
    """One held request with all that a person decides on; that it was read is entered first.

    Raises: MalformedRequest where none is held; LedgerUnavailable.
    """
    ticket = _held(request, node)
    reader = MemberName(node.holder)
    await node.ledger.append(draft(Access(reader, MANDATE, "ShowHeld", 1), ticket.request))
    case = _case(ticket, node, node.clock())
    fragments = sorted(name for name in ticket.opened if name.startswith("fragments/"))
    return replace(
        case,
        sealed=tuple(
            (name, ticket.opened[name].decode())
            for name in OPTIONAL_FIELDS
            if name in ticket.opened
        ),
        sql=tuple(
            render_fragment(decode_fragment(ticket.opened[name], node.catalog))
            for name in fragments
        ),
    )


def list_reviews(node: NodeParts, *, every: bool = False) -> Listing[ReviewCase]:
    """The emergency uses; `every` for also what is reviewed."""
    now = node.clock()

    def read(request: RequestId) -> ReviewCase | None:
        case = _review(request, node, now)
        return None if case is not None and case.reviews and not every else case

    return _listing(node.ledger.awaiting(REVIEW), read)


def _listing(requests: Sequence[RequestId], read: Callable[[RequestId], T | None]) -> Listing[T]:
    """The newest of them that are to be listed; what cannot be read does not hide the rest."""
    found: list[T] = []
    unreadable: list[RequestId] = []
    for request in reversed(requests):
        try:
            case = read(request)
        except (NarrowsError, LookupError, ValueError):
            unreadable.append(request)
            continue
        if case is not None:
            found.append(case)
    more = max(0, len(found) - MOST_LISTED)
    return Listing(tuple(found[:MOST_LISTED]), more, tuple(unreadable[:MOST_LISTED]))


async def rule(signed: SignedRuling, node: NodeParts) -> Receipt:
    """The receipt of the entry, once it is durable; of the first one, where it is said again.

    Raises: UnknownCaller, CheckFailed for a signature of nobody here; MalformedRequest for what
    awaits no such decision; RequestExpired; LedgerUnavailable.
    """
    member = node.directory().member(node.holder)
    if member is None:
        raise UnknownCaller("the directory does not name this holder any more")
    ruling, person = verify_ruling(signed, member, node.verify)
    found = _Signed(ruling, signed, person.name)
    async with node.ruling:
        before = _said_before(found, node)
        if before is not None:
            return await node.ledger.receipt(before)
        part = _reviewed(found, node) if ruling.says.is_review else _ruled(found, node)
        sealed = {RULED_BY: person.name.encode()}
        index = await node.ledger.append(draft(part, ruling.request, sealed))
    return await node.ledger.receipt(index)


def _ruled(found: _Signed, node: NodeParts) -> RulingPart:
    ticket = _held(found.ruling.request, node)
    needed = _needed(ticket, node)
    status = ticket.status(node.clock(), needed)
    if status is Status.LAPSED:
        raise RequestExpired("the held request has lapsed", hint="let its agency ask anew")
    if status is Status.DENIED:
        raise MalformedRequest("the held request was denied, which is final")
    is_approval = found.ruling.says is Says.APPROVE
    if is_approval and status is Status.APPROVED:
        raise MalformedRequest("the held request is approved already")
    return RulingPart(
        says=found.ruling.says.value,
        approvals=len(ticket.approvals) + is_approval,
        needed=needed,
        body=found.signed.body.decode(),
        signatures=_signatures(found),
    )


def _reviewed(found: _Signed, node: NodeParts) -> ReviewPart:
    case = _review(found.ruling.request, node, node.clock())
    if case is None:
        raise MalformedRequest(
            "no emergency use of that id awaits a review here", hint="see `narrows reviews list`"
        )
    if case.reviews:
        raise MalformedRequest("this emergency use was reviewed already")
    return ReviewPart(
        says=found.ruling.says.value,
        overdue=case.status == "overdue",
        body=found.signed.body.decode(),
        signatures=_signatures(found),
    )


def _said_before(found: _Signed, node: NodeParts) -> int | None:
    """The entry in which the same person said the same of the same request."""
    ledger = node.ledger
    for index in ledger.entries_of(found.ruling.request):
        entry = ledger.entry(index)
        if entry.kind in (Kind.RULING, Kind.REVIEW):
            told = told_of(ledger, index, entry)
            if (told.says, told.by) == (found.ruling.says, found.person):
                return index
    return None


def _signatures(found: _Signed) -> tuple[Signed, ...]:
    return (Signed("approver", found.ruling.key_id, "ed25519", found.signed.signature),)


def _held(request: str, node: NodeParts) -> Ticket:
    found = find_ticket(node.ledger, request)
    if found is None:
        raise MalformedRequest("no request of that id is held here", hint="see `narrows held list`")
    return found


def _case(ticket: Ticket, node: NodeParts, now: datetime) -> HeldCase:
    header, needed = ticket.header, _needed(ticket, node)
    return HeldCase(
        request=ticket.request,
        status=ticket.status(now, needed).value,
        agency=header.agency,
        unit=header.unit,
        purpose=header.purpose,
        form=header.form,
        authority=header.authority or "",
        emergency=header.emergency,
        agreement=ticket.agreement,
        role=ticket.terms.role,
        needed=needed,
        held_at=ticket.held_at,
        decide_by=ticket.decide_by,
        collect_by=ticket.collect_by(needed),
        collections=_collections(ticket.request, node),
        rulings=tuple(Ruled(one.says.value, one.by, one.time) for one in ticket.rulings),
    )


def _needed(ticket: Ticket, node: NodeParts) -> int:
    today = day_of(node.clock(), node.catalog.zone)
    agreements = (one for one in node.policy(today).agreements if one.id == ticket.agreement)
    return needed_for(ticket, next(agreements, None))


def _collections(request: RequestId, node: NodeParts) -> int:
    entries = (node.ledger.entry(index) for index in node.ledger.chain_of(request))
    return sum(one.kind is Kind.DISCLOSURE for one in entries)


def _review(request: RequestId, node: NodeParts, now: datetime) -> ReviewCase | None:
    ledger = node.ledger
    entries = [(index, ledger.entry(index)) for index in ledger.entries_of(request)]
    used = next((entry for _, entry in entries if _is_emergency_use(entry)), None)
    if used is None:
        return None
    reviews = [told_of(ledger, at, one) for at, one in entries if one.kind is Kind.REVIEW]
    header, due = header_of(used), parse_time(used.open["review_due"])
    return ReviewCase(
        request=request,
        status="done" if reviews else "overdue" if now > due else "open",
        agency=header.agency,
        unit=header.unit,
        purpose=header.purpose,
        agreement=agreement_of(used),
        disclosed_at=used.time,
        due=due,
        reviews=tuple(Ruled(one.says.value, one.by, one.time) for one in reviews),
    )


def _is_emergency_use(entry: Entry) -> bool:
    return entry.kind is Kind.DISCLOSURE and entry.open.get("review_due") is not None
