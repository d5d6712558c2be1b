"""The held requests of one node, as its own ledger tells them: there is no other state.

A ticket is the id of the held request. How it stands is computed from the entries about it and the
time alone, so it survives every restart, and lapses alike for every subject.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from narrows.core.admission import Admitted
from narrows.core.canonical import Json
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.parts import Disclosure, Held, HoldTerms
from narrows.core.policy.model import Agreement
from narrows.core.request import OPTIONAL_FIELDS, Header, SignedRequest, decode_header
from narrows.core.ruling import Says, decode_ruling
from narrows.core.terms import RequestId
from narrows.errors import ProofInvalid
from narrows.store.ledger import Ledger

RULED_BY = "ruled_by"


class Status(StrEnum):
    """How a held request stands."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Told:
    """One ruling that was entered: what, by whom, when."""

    says: Says
    by: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """One held request with what was ruled on it; `opened` is what of it is not erased."""

    request: RequestId
    header: Header
    terms: HoldTerms
    agreement: str
    held_at: datetime
    opened: Mapping[str, bytes]
    rulings: tuple[Told, ...]

    @property
    def needed(self) -> int:
        """How many persons must approve."""
        return 2 if self.terms.second else 1

    @property
    def decide_by(self) -> datetime:
        """Until when it must be decided."""
        return self.held_at + timedelta(hours=self.terms.decide_hours)

    @property
    def approvals(self) -> tuple[str, ...]:
        """The distinct persons who approved in time, in order."""
        timely = (one for one in self.rulings if one.time <= self.decide_by)
        return tuple(dict.fromkeys(one.by for one in timely if one.says is Says.APPROVE))

    def collect_by(self, needed: int) -> datetime | None:
        """Until when it may be collected; None before enough persons approved."""
        if len(self.approvals) < needed:
            return None
        last = self.approvals[needed - 1]
        at = next(one.time for one in self.rulings if one.by == last and one.says is Says.APPROVE)
        return at + timedelta(hours=self.terms.collect_hours)

    def status(self, now: datetime, needed: int) -> Status:
        """How it stands at that time; a denial is final, also after an approval."""
        if any(one.says is Says.DENY for one in self.rulings):
            return Status.DENIED
        collect_by = self.collect_by(needed)
        if collect_by is not None:
            return Status.APPROVED if now <= collect_by else Status.LAPSED
        return Status.OPEN if now <= self.decide_by else Status.LAPSED


def find_ticket(ledger: Ledger, request: str) -> Ticket | None:
    """The held request of that id, or None where this node holds none. Raises: LedgerUnavailable."""
    indexes = ledger.entries_of(RequestId(request))
    entries = [(index, ledger.entry(index)) for index in indexes]
    found = next(
        (
            (index, entry, terms)
            for index, entry in entries
            if entry.kind is Kind.HELD and (terms := _terms(entry.open.get("hold"))) is not None
        ),
        None,
    )
    if found is None:
        return None
    index, entry, terms = found
    return Ticket(
        request=RequestId(request),
        header=header_of(entry),
        terms=terms,
        agreement=agreement_of(entry),
        held_at=entry.time,
        opened={one.field: one.value for one in ledger.openings(index)},
        rulings=tuple(told_of(ledger, at, one) for at, one in entries if one.kind is Kind.RULING),
    )


def needed_for(ticket: Ticket, agreement: Agreement | None) -> int:
    """How many persons must approve: by the stricter of the rule then, and the one in force."""
    hold = None if agreement is None else agreement.hold
    return max(ticket.needed, 2 if hold is not None and hold.second else 1)


def is_same_question(ticket: Ticket, admitted: Admitted) -> bool:
    """Whether the request asks exactly what was held, byte for byte, of what a person decided on."""
    held, header = ticket.header, admitted.header
    said = ("agency", "unit", "purpose", "form", "authority", "emergency", "merge_at")
    if any(getattr(held, name) != getattr(header, name) for name in said):
        return False
    return _decided_on(ticket.opened) == fields_decided_on(admitted.request)


def fields_decided_on(request: SignedRequest) -> dict[str, bytes]:
    """What the holder's person decides on: the fragments asked here, who asks, for which case."""
    return _decided_on({one.field: one.value for one in request.openings})


def held_instead(found: Disclosure, agreement: Agreement | None, header: Header) -> Held:
    """The entry of a request that is held: as of a disclosure, without anything that may leave."""
    return Held(
        asked=found.asked,
        recipient=found.recipient,
        via=found.via,
        catalog=found.catalog,
        decisions=found.decisions,
        hold=None if agreement is None else _terms_of(agreement, header),
        received_at=found.received_at,
    )


def review_due(
    agreement: Agreement | None, admitted: Admitted, received_at: datetime
) -> datetime | None:
    """Until when this use must be reviewed; None where it claims no emergency."""
    rule = None if agreement is None else agreement.emergency
    if rule is None or not admitted.header.emergency:
        return None
    return received_at + timedelta(hours=rule.review_hours)


def _terms_of(agreement: Agreement, header: Header) -> HoldTerms | None:
    """Who decides, and how long it may take; None for a request that came with a ticket."""
    hold = agreement.hold
    if hold is None or header.ticket is not None:
        return None
    hours = hold.urgent_hours if header.emergency else hold.routine_hours
    return HoldTerms(hold.role, hold.second, hours, hold.collect_hours)


def told_of(ledger: Ledger, index: int, entry: Entry) -> Told:
    """What an entry of a ruling or review tells. Where the name is erased, its key stands for it."""
    ruling = decode_ruling(str(entry.open["body"]).encode())
    opened = {one.field: one.value for one in ledger.openings(index)}
    name = opened.get(RULED_BY)
    return Told(ruling.says, ruling.key_id if name is None else name.decode(), entry.time)


def header_of(entry: Entry) -> Header:
    """The signed header of the request that an entry is about. Raises: ProofInvalid."""
    match entry.open.get("asked"):
        case {"header": str(header)}:
            return decode_header(header.encode())
        case _:
            raise ProofInvalid("an entry of this ledger does not say what was asked")


def agreement_of(entry: Entry) -> str:
    """The agreement under which the entry's first decision was made."""
    match entry.open.get("decisions"):
        case [{"agreement": str(agreement)}, *_]:
            return agreement
        case _:
            return ""


def _terms(value: Json) -> HoldTerms | None:
    match value:
        case {
            "role": str(role),
            "second": bool(second),
            "decide_hours": int(decide_hours),
            "collect_hours": int(collect_hours),
        }:
            return HoldTerms(role, second, decide_hours, collect_hours)
        case _:
            return None


def _decided_on(opened: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        name: value
        for name, value in opened.items()
        if name in OPTIONAL_FIELDS or name.startswith("fragments/")
    }
