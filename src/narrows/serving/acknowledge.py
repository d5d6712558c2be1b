"""What requesters say that they received, entered beside what this process gave.

The same at a gateway, about its outcomes, and at a node, about its disclosures. Many are entered
at once, so that a few syncs serve them all.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from narrows.core.answer import (
    Acknowledgement,
    SignedAcknowledgement,
    verify_acknowledgement,
)
from narrows.core.directory import Directory
from narrows.core.exchange import EnteredAcknowledgement
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.parts import Acknowledgement as Part
from narrows.core.ledger.parts import Signed, draft
from narrows.core.terms import MemberName, RequestId
from narrows.errors import CheckFailed, NarrowsError
from narrows.store.keys import verify_signature
from narrows.store.ledger import Ledger

MAX_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Given:
    """Where to look for what was given: `kind` of entry, in the ledger of `name`."""

    ledger: Ledger
    name: MemberName
    kind: Kind


async def enter_acknowledgements(
    signed: Sequence[SignedAcknowledgement], directory: Directory, given: Given
) -> tuple[EnteredAcknowledgement, ...]:
    """What was entered of it, or had been before: what cannot be believed is left out.

    Raises: the first one's error, where not one could be entered: MalformedRequest, UnknownCaller;
    CheckFailed where this ledger gave that agency nothing for that request; LedgerUnavailable.
    """
    failures: list[NarrowsError] = []
    believed: dict[RequestId, tuple[Acknowledgement, SignedAcknowledgement]] = {}
    for one in signed[:MAX_AT_ONCE]:
        try:
            found = verify_acknowledgement(one, directory, verify_signature)
            _require_given(found, given)
        except NarrowsError as error:
            failures.append(error)
            continue
        believed.setdefault(found.request, (found, one))
    if failures and not believed:
        raise failures[0]
    return tuple(
        await asyncio.gather(*(_enter(found, one, given) for found, one in believed.values()))
    )


async def _enter(
    found: Acknowledgement, signed: SignedAcknowledgement, given: Given
) -> EnteredAcknowledgement:
    """The entry about it: the first one, when it is said again."""
    ledger = given.ledger
    before = (
        index
        for index in ledger.entries_of(found.request)
        if ledger.entry(index).kind is Kind.ACKNOWLEDGEMENT
    )
    index = next(before, None)
    if index is None:
        part = Part(
            agency=found.agency,
            row_count=found.row_count,
            receipt=found.receipt,
            received_at=found.received_at,
            body=signed.body.decode(),
            signatures=tuple(
                Signed(one.role, one.key_id, one.algorithm, one.signature)
                for one in signed.signatures
            ),
        )
        index = await ledger.append(draft(part, found.request))
    return EnteredAcknowledgement(found.request, given.name, await ledger.receipt(index))


def _require_given(found: Acknowledgement, given: Given) -> None:
    """Nothing, when this ledger holds what it gave that agency for that request."""
    if found.recipient != given.name:
        raise CheckFailed("the acknowledgement is meant for another ledger")
    entries = [given.ledger.entry(index) for index in given.ledger.entries_of(found.request)]
    agencies = [agency for entry in entries if (agency := _agency(entry)) is not None]
    if agencies[:1] != [found.agency] or all(entry.kind is not given.kind for entry in entries):
        raise CheckFailed(
            "this ledger gave that agency nothing for that request",
            hint="acknowledge what was received, under the key that asked",
        )


def _agency(entry: Entry) -> str | None:
    """Who asked, where the entry says so."""
    match entry.open.get("asked"):
        case {"agency": str(agency)}:
            return agency
        case _:
            return None
