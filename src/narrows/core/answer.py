"""What comes back for a request: rows, one outcome for each holder, caveats, receipts.

An answer says, for every holder, what became of the question there; no gap is ever silent.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.directory import Directory, VerifySignature
from narrows.core.ledger.entry import Opening, format_time, parse_time
from narrows.core.ledger.receipt import Receipt
from narrows.core.request import Signature
from narrows.core.sealed import SealedRows
from narrows.core.terms import REQUEST_ID, ColumnType, Digest, Holder, MemberName, RequestId
from narrows.errors import CheckFailed, MalformedRequest, ProofInvalid, UnknownCaller

ACKNOWLEDGEMENT_FORMAT = "narrows/acknowledgement/v1"
_DOMAIN = b"narrows/acknowledgement/v1\n"
_HEX_64 = re.compile(r"[0-9a-f]{64}")


class Outcome(StrEnum):
    """What became of the question at one holder."""

    ANSWERED = "answered"
    REFUSED = "refused"
    HELD = "held"
    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed out"
    NOT_ASKED = "not asked"

    @property
    def is_gap(self) -> bool:
        """Whether rows may be missing that the question asked for."""
        return self not in (Outcome.ANSWERED, Outcome.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class HolderReport:
    """One holder's outcome, in the words that the requester reads.

    `narrowed` says `person.residence_postal: first 3`; `withheld` lists columns that only a star
    brought and that are NULL for this holder; `keep_days` is the recipient's duty: no row may be
    kept for longer. `byte_count` is of the rows as they came from the node, by the gateway's word.
    """

    holder: Holder
    outcome: Outcome
    clauses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    row_count: int = 0
    elapsed_ms: int = 0
    receipt: Receipt | None = None
    keep_days: int | None = None
    byte_count: int = 0


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column of the answer."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer. `batches` are Arrow IPC streams of one batch each.

    `withheld_because` is empty, or says why no rows are given although some holder answered.
    `rows_opening` opens the field `rows/0` of the gateway's receipt: the digest of `batches`. Where
    the requester merges, there are no columns and no batches, and `sealed` holds what the gateway
    carried.
    `merge_us` is how long the merge took, by the gateway's word.
    """

    request: RequestId
    columns: tuple[AnswerColumn, ...]
    batches: tuple[bytes, ...]
    row_count: int
    holders: tuple[HolderReport, ...]
    caveats: tuple[str, ...]
    receipt: Receipt
    withheld_because: str = ""
    rows_opening: Opening | None = None
    sealed: tuple[SealedRows, ...] = ()
    merge_us: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    r"""What a requester says that it received, to the one whose receipt it names.

    `recipient` is a holder or the gateway; each gets its own, so that no holder learns from it
    what others released. `receipt` is SHA-256 of the receipt's document. Signed is
    `b"narrows/acknowledgement/v1\n"` followed by the canonical bytes.
    """

    request: RequestId
    agency: MemberName
    recipient: MemberName
    row_count: int
    receipt: Digest
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SignedAcknowledgement:
    """What travels: canonical bytes and signatures over them."""

    recipient: MemberName
    body: bytes
    signatures: tuple[Signature, ...]


def verify_acknowledgement(
    signed: SignedAcknowledgement,
    directory: Directory,
    verify: VerifySignature,
) -> Acknowledgement:
    """What the requester says, when a key of its agency signed it.

    Raises: MalformedRequest, UnknownCaller; CheckFailed where its cover names another recipient.
    """
    found = decode_acknowledgement(signed.body)
    member = directory.member(found.agency)
    keys = {} if member is None else {key.key_id: key.raw for key in member.request_keys}
    message = acknowledgement_bytes(signed.body)
    if not any(
        one.role == "agency"
        and one.algorithm == "ed25519"
        and one.key_id in keys
        and verify(keys[one.key_id], message, one.signature)
        for one in signed.signatures
    ):
        raise UnknownCaller("no signature of the acknowledgement is of a member's key")
    if found.recipient != signed.recipient:
        raise CheckFailed("the acknowledgement is meant for another recipient than its cover says")
    return found


def acknowledgement_bytes(body: bytes) -> bytes:
    """What a requester's key signs: the domain, then the canonical bytes."""
    return _DOMAIN + body


def encode_acknowledgement(found: Acknowledgement) -> bytes:
    """The canonical bytes; `decode_acknowledgement` undoes it."""
    return canonical_bytes(
        {
            "v": ACKNOWLEDGEMENT_FORMAT,
            "request": found.request,
            "agency": found.agency,
            "recipient": found.recipient,
            "row_count": found.row_count,
            "receipt": found.receipt.hex(),
            "received_at": format_time(found.received_at),
        }
    )


def decode_acknowledgement(body: bytes) -> Acknowledgement:
    """What these canonical bytes spell. Raises: MalformedRequest for any other form."""
    fields = parse_canonical(body)
    wrong = MalformedRequest(f"the acknowledgement is not of format `{ACKNOWLEDGEMENT_FORMAT}`")
    match fields:
        case {
            "v": str(version),
            "request": str(request),
            "agency": str(agency),
            "recipient": str(recipient),
            "row_count": int(row_count),
            "receipt": str(receipt),
            "received_at": str(received_at),
        }:
            texts = (version, REQUEST_ID.fullmatch(request), _HEX_64.fullmatch(receipt))
        case _:
            raise wrong
    is_count = not isinstance(row_count, bool) and row_count >= 0
    if texts[0] != ACKNOWLEDGEMENT_FORMAT or None in texts or not is_count:
        raise wrong
    try:
        time = parse_time(received_at)
    except ProofInvalid as cause:
        raise wrong from cause
    found = Acknowledgement(
        RequestId(request),
        MemberName(agency),
        MemberName(recipient),
        row_count,
        Digest(bytes.fromhex(receipt)),
        time,
    )
    # Also refuses fields that are not of the format.
    if encode_acknowledgement(found) != body:
        raise wrong
    return found
