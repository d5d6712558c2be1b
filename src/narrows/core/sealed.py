r"""Rows sealed to whoever merges them, so that the gateway carries them unread.

Where a request says `merge_at: requester`, a node seals what it releases to the requester's merge
key in the directory, and the gateway passes it on. Every part is one HPKE message (RFC 9180, base
mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, no additional data): the encapsulated
key, 32 bytes, then the ciphertext. Its `info` is

    b"narrows/sealed/v1\n" followed by canonical JSON (RFC 8785):
    {"fragment": 0, "holder": "nsor", "key": "<16 hex digits>", "part": 0, "parts": 3,
     "recipient": "vpd", "request": "<32 hex digits>"}

so that no part can be moved, left out, repeated or taken from another answer. The parts of a
fragment are its batches in order, then the opening of `rows/<n>` in the node's entry, as canonical
JSON {"field", "salt", "value"}, the bytes in hexadecimal. The opening is sealed too: who knows the
salt can guess rows until the digest fits.

The node's entry says in the open to which key, and the `sealed_digest` of the batches: what is
carried is what was entered, or whoever carried it is to blame.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.ledger.entry import Opening
from narrows.core.terms import Digest, Holder, MemberName, RequestId, digest_of
from narrows.errors import MalformedRequest, ProofInvalid

SEALED_FORMAT = b"narrows/sealed/v1\n"
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of which answer a sealed message is, and to whose key."""

    request: RequestId
    holder: Holder
    fragment: int
    recipient: MemberName
    key_id: str
    part: int = 0
    parts: int = 1

    def of(self, part: int, parts: int) -> "Place":
        """The place of another part of the same fragment."""
        return replace(self, part=part, parts=parts)

    @property
    def info(self) -> bytes:
        """What the message is bound to."""
        return SEALED_FORMAT + canonical_bytes(
            {
                "fragment": self.fragment,
                "holder": self.holder,
                "key": self.key_id,
                "part": self.part,
                "parts": self.parts,
                "recipient": self.recipient,
                "request": self.request,
            }
        )


@dataclass(frozen=True, slots=True)
class SealedRows:
    """The sealed parts of one holder's fragment, the opening last."""

    holder: Holder
    fragment: int
    parts: tuple[bytes, ...]


def sealed_digest(batches: Iterable[bytes]) -> Digest:
    """SHA-256 over the sealed batches in order, each after its length in 8 bytes, big-endian."""
    parts = ((len(one).to_bytes(8, "big"), one) for one in batches)
    return digest_of(SEALED_FORMAT, *(part for pair in parts for part in pair))


def encode_opening(opening: Opening) -> bytes:
    """The last part, before it is sealed; `decode_opening` undoes it."""
    return canonical_bytes(
        {"field": opening.field, "salt": opening.salt.hex(), "value": opening.value.hex()}
    )


def decode_opening(data: bytes) -> Opening:
    """The opening that a last part spells. Raises: ProofInvalid."""
    try:
        document = parse_canonical(data)
    except MalformedRequest:
        document = None
    match document:
        case {"field": str(field), "salt": str(salt), "value": str(value), **rest} if not rest:
            if _HEX.fullmatch(salt) and _HEX.fullmatch(value):
                return Opening(field, bytes.fromhex(salt), bytes.fromhex(value))
    raise ProofInvalid("the last sealed part is no opening of an entry")
