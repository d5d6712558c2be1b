"""What a notice says: who asked, and whom of the holder the pointer named. The field `notice`.

    {"v": "narrows/notice/v1", "requester": "vpd", "unit": "sex-crimes", "officer": "4471",
     "holder": "spvm", "pointer": {"file.unit": "Morals", "file.contact": "514-555-0142"},
     "pad": "      …"}

Canonical JSON, filled up with blanks to a multiple of 2,048 bytes. Where nothing was pointed at,
the document holds only `v` and `pad`, and is as long.

>>> empty = encode_notice(None)
>>> len(empty), decode_notice(empty)
(2048, None)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.terms import Holder, MemberName
from narrows.errors import MalformedRequest, ProofInvalid

NOTICE_FORMAT = "narrows/notice/v1"
BLOCK_BYTES = 2048


@dataclass(frozen=True, slots=True)
class NoticeText:
    """Both units, as far as they are known: the requester's by its request, the holder's by its row.

    `officer` is empty where the request named none; `pointer` is by `relation.column`.
    """

    requester: MemberName
    unit: str
    officer: str
    holder: Holder
    pointer: Mapping[str, str] = field(default_factory=dict[str, str])


def encode_notice(found: NoticeText | None) -> bytes:
    """The document; `decode_notice` undoes it."""
    said: dict[str, Json] = {"v": NOTICE_FORMAT, "pad": ""}
    if found is not None:
        said |= {
            "requester": found.requester,
            "unit": found.unit,
            "officer": found.officer,
            "holder": found.holder,
            "pointer": dict(found.pointer),
        }
    missing = -len(canonical_bytes(said)) % BLOCK_BYTES
    return canonical_bytes(said | {"pad": " " * missing})


def decode_notice(data: bytes) -> NoticeText | None:
    """What the document says; None where nothing was pointed at. Raises: ProofInvalid."""
    wrong = ProofInvalid(f"a notice is not of format `{NOTICE_FORMAT}`")
    try:
        document = parse_canonical(data)
    except MalformedRequest as cause:
        raise wrong from cause
    found: NoticeText | None = None
    match document:
        case {
            "v": str(kind),
            "requester": str(requester),
            "unit": str(unit),
            "officer": str(officer),
            "holder": str(holder),
            "pointer": dict(pointer),
        }:
            texts = {name: str(value) for name, value in pointer.items()}
            found = NoticeText(MemberName(requester), unit, officer, Holder(holder), texts)
        case {"v": str(kind), "pad": str()}:
            # What spells itself as the same bytes has no field more.
            pass
        case _:
            raise wrong
    if kind != NOTICE_FORMAT or encode_notice(found) != data:
        raise wrong
    return found
