"""What a requester says that it received, entered beside what this process gave.

The same at a gateway, about its outcome, and at a node, about its disclosure.
"""

from dataclasses import dataclass

from narrows.core.answer import SignedAcknowledgement, verify_acknowledgement
from narrows.core.directory import Directory
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.parts import Acknowledgement, Signed, draft
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import MemberName, RequestId
from narrows.errors import CheckFailed
from narrows.store.keys import verify_signature
from narrows.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Given:
    """Where to look for what was given: `kind` of entry, in the ledger of `name`."""

    ledger: Ledger
    name: MemberName
    kind: Kind


async def enter_acknowledgement(
    request: RequestId, signed: SignedAcknowledgement, directory: Directory, given: Given
) -> Receipt:
    """The receipt of the entry about it: of the first one, when it is said again.

    Raises: MalformedRequest, UnknownCaller; CheckFailed where this ledger gave that agency nothing
    for that request; LedgerUnavailable.
    """
    found = verify_acknowledgement(signed, request, directory, verify_signature)
    if found.recipient != given.name:
        raise CheckFailed("the acknowledgement is meant for another ledger")
    agency: str | None = None
    gave = False
    before: int | None = None
    for index in given.ledger.entries_of(request):
        entry = given.ledger.entry(index)
        agency = agency or _agency(entry)
        gave = gave or entry.kind is given.kind
        if entry.kind is Kind.ACKNOWLEDGEMENT and before is None:
            before = index
    if not gave or agency != found.agency:
        raise CheckFailed(
            "this ledger gave that agency nothing for that request",
            hint="acknowledge what was received, under the key that asked",
        )
    if before is not None:
        return await given.ledger.receipt(before)
    part = Acknowledgement(
        agency=found.agency,
        row_count=found.row_count,
        receipt=found.receipt,
        received_at=found.received_at,
        body=signed.body.decode(),
        signatures=tuple(
            Signed(one.role, one.key_id, one.algorithm, one.signature) for one in signed.signatures
        ),
    )
    return await given.ledger.receipt(await given.ledger.append(draft(part, request)))


def _agency(entry: Entry) -> str | None:
    """Who asked, where the entry says so."""
    match entry.open.get("asked"):
        case {"agency": str(agency)}:
            return agency
        case _:
            return None
