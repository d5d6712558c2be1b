r"""What a holder's named person says about one request: a decision on what is held, or a review.

Canonical JSON (RFC 8785), signed by the person's own key:

    {"v": "narrows/ruling/v1", "holder": "nsor", "request": "<32 hex digits>",
     "says": "approve", "key_id": "<16 hex digits>", "ruled_at": "2026-06-01T12:00:00.000000Z"}

What is signed is `b"narrows/ruling/v1\n"` followed by these bytes (Ed25519). `says` is `approve` or
`deny` of a held request, whose id is the ticket; `justified` or `unjustified` of emergency use. It
names the key and not the person, so that it may stand in the open part of an entry.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.directory import Approver, DirectoryMember, VerifySignature
from narrows.core.ledger.entry import format_time, parse_time
from narrows.core.terms import REQUEST_ID, Holder, RequestId
from narrows.errors import CheckFailed, MalformedRequest, ProofInvalid, UnknownCaller

RULING_FORMAT = "narrows/ruling/v1"
_DOMAIN = b"narrows/ruling/v1\n"
_KEY_ID = re.compile(r"[0-9a-f]{16}")


class Says(StrEnum):
    """What is decided."""

    APPROVE = "approve"
    DENY = "deny"
    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"

    @property
    def is_review(self) -> bool:
        """Whether it is about emergency use, and not about a held request."""
        return self in (Says.JUSTIFIED, Says.UNJUSTIFIED)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision of one person; `key_id` says whose."""

    holder: Holder
    request: RequestId
    says: Says
    key_id: str
    ruled_at: datetime


@dataclass(frozen=True, slots=True)
class SignedRuling:
    """What travels: canonical bytes and the person's signature over them."""

    body: bytes
    signature: bytes


def verify_ruling(
    signed: SignedRuling, member: DirectoryMember, verify: VerifySignature
) -> tuple[Ruling, Approver]:
    """What is decided and by whom, when a named person of this holder signed it.

    Raises: MalformedRequest; CheckFailed where it is meant for another holder; UnknownCaller.
    """
    found = decode_ruling(signed.body)
    if str(found.holder) != member.name:
        raise CheckFailed("the ruling is meant for another holder")
    person = member.approver(found.key_id)
    message = ruling_bytes(signed.body)
    if person is None or not verify(person.key.raw, message, signed.signature):
        raise UnknownCaller(
            f"the ruling is signed by nobody whom the directory names for `{member.name}`",
            hint="rule as one of its approvers, with that person's own key",
        )
    return found, person


def ruling_bytes(body: bytes) -> bytes:
    """What a person's key signs: the domain, then the canonical bytes."""
    return _DOMAIN + body


def encode_ruling(found: Ruling) -> bytes:
    """The canonical bytes; `decode_ruling` undoes it."""
    return canonical_bytes(
        {
            "v": RULING_FORMAT,
            "holder": found.holder,
            "request": found.request,
            "says": found.says.value,
            "key_id": found.key_id,
            "ruled_at": format_time(found.ruled_at),
        }
    )


def decode_ruling(body: bytes) -> Ruling:
    """What these canonical bytes spell. Raises: MalformedRequest for any other form."""
    fields = parse_canonical(body)
    wrong = MalformedRequest(f"the ruling is not of format `{RULING_FORMAT}`")
    match fields:
        case {
            "v": str(version),
            "holder": str(holder),
            "request": str(request),
            "says": str(says),
            "key_id": str(key_id),
            "ruled_at": str(ruled_at),
        }:
            texts = (REQUEST_ID.fullmatch(request), _KEY_ID.fullmatch(key_id))
        case _:
            raise wrong
    if version != RULING_FORMAT or None in texts or says not in list(Says):
        raise wrong
    try:
        time = parse_time(ruled_at)
    except ProofInvalid as cause:
        raise wrong from cause
    found = Ruling(Holder(holder), RequestId(request), Says(says), key_id, time)
    # Also refuses fields that are not of the format.
    if encode_ruling(found) != body:
        raise wrong
    return found
