r"""A request: who asks, for what, on what authority. Its canonical bytes are what is signed.

A signed request is a **header** in canonical JSON, signatures over it, and beside it the
**openings** of its commitments (values and salts), which may be erased later without breaking a
signature or an entry that cites it:

    {"v": "narrows/request/v1", "nonce": "<32 hex digits>",
     "issued_at": "2026-06-01T12:00:00.000000Z", "expires_at": "2026-06-01T12:01:00.000000Z",
     "agency": "vpd", "unit": "sex-crimes", "purpose": "sexual_crime_investigation",
     "form": "lookup", "authority": null, "ticket": null, "emergency": false,
     "audience": {"federation": "canada", "gateway": "gateway", "catalog": "<hex>",
                  "planner": "1"},
     "merge_at": "gateway", "partial": false, "deadline_ms": 10000,
     "commitments": {"sql": "<hex>", "parameters": "<hex>", "fragments": ["<hex>", ...],
                     "officer": "<hex>" | null, "grounds": ..., "case_number": ...,
                     "approver": ..., "agreement_reference": ...}}

What is signed is `b"narrows/request/v1\n"` followed by the header's bytes (Ed25519, RFC 8032).
A commitment is `SHA-256("narrows/commitment/v1/" ‖ field ‖ "\n" ‖ salt ‖ value)`; the field of
the n-th fragment is `fragments/n`, counted from 0. The request id is the first 16 bytes, in
hexadecimal, of SHA-256 over the header's bytes. Test vectors: `tests/vectors/request/`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from narrows.core.canonical import Json, canonical_bytes, commit, parse_canonical
from narrows.core.terms import Digest, MemberName, Purpose, RequestId, digest_of
from narrows.errors import CheckFailed, MalformedRequest

REQUEST_FORMAT = "narrows/request/v1"
SIGNING_DOMAIN = b"narrows/request/v1\n"
OPTIONAL_FIELDS = ("officer", "grounds", "case_number", "approver", "agreement_reference")
MAX_LIFE_S = 60
CLOCK_SKEW_S = 30
MAX_TEXT = 200
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_TIME_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_HEX_32 = re.compile(r"[0-9a-f]{32}")
_HEX_64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a request is for, and with which catalog and planner it was split."""

    federation: str
    gateway: str
    catalog: Digest
    planner: str


@dataclass(frozen=True, slots=True)
class Commitments:
    """What the header binds itself to; None where the requester gave no such field."""

    sql: Digest
    parameters: Digest
    fragments: tuple[Digest, ...]
    optional: Mapping[str, Digest | None] = field(default_factory=dict[str, Digest | None])


AT_GATEWAY, AT_REQUESTER = "gateway", "requester"
"""Where a merge runs, beside the name of a holder."""


@dataclass(frozen=True, slots=True)
class Header:
    """The open part of a request, as signed."""

    nonce: bytes
    issued_at: datetime
    expires_at: datetime
    agency: MemberName
    unit: str
    purpose: Purpose
    form: str
    authority: str | None
    ticket: str | None
    emergency: bool
    audience: Audience
    merge_at: str
    partial: bool
    deadline_ms: int
    commitments: Commitments


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature over a header; `role` says as what its key signs (`agency`, `approver`)."""

    role: str
    key_id: str
    algorithm: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """A value and the salt under which the header commits to it."""

    field: str
    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What travels: header bytes, signatures, openings (all, or those that concern a node)."""

    header: bytes
    signatures: tuple[Signature, ...]
    openings: tuple[Opening, ...]

    @property
    def id(self) -> RequestId:
        """32 hexadecimal digits that name this request everywhere."""
        return request_id(self.header)

    def opened(self, name: str) -> bytes | None:
        """The value of the opening of that field, or None where it is not here."""
        return next((found.value for found in self.openings if found.field == name), None)

    def text(self, name: str) -> str | None:
        """The opened value as text, or None. Needs: `check_openings` has passed."""
        value = self.opened(name)
        return None if value is None else value.decode()


def request_id(header: bytes) -> RequestId:
    """The first 16 bytes of SHA-256 over the header's bytes, in hexadecimal."""
    return RequestId(digest_of(header)[:16].hex())


def signing_bytes(header: bytes) -> bytes:
    """What a requester's key signs: the domain, then the header's canonical bytes."""
    return SIGNING_DOMAIN + header


def check_openings(request: SignedRequest, header: Header, required: Iterable[str]) -> None:
    """Nothing, when every opening fits its commitment and every required field is open.

    `required` names fields without the optional ones: each optional field that the header
    commits to must be open too, since policy decides on it.
    Raises: CheckFailed, naming the field, and never its value.
    """
    expected = committed_fields(header.commitments)
    seen: set[str] = set()
    for opening in request.openings:
        if opening.field not in expected or opening.field in seen:
            raise CheckFailed("the request opens a field to which it does not commit, or one twice")
        seen.add(opening.field)
        if commit(opening.field, opening.salt, opening.value) != expected[opening.field]:
            raise CheckFailed(f"the opening of `{opening.field}` differs from what was signed")
        _require_text(opening)
    optional = {name for name in OPTIONAL_FIELDS if name in expected}
    for name in sorted({*required, *optional} - seen):
        raise CheckFailed(f"the request does not open `{name}`", hint="send its value and salt")


def committed_fields(commitments: Commitments) -> dict[str, Digest]:
    """Every commitment by the name of its field."""
    found = {"sql": commitments.sql, "parameters": commitments.parameters}
    found |= {f"fragments/{n}": digest for n, digest in enumerate(commitments.fragments)}
    return found | {name: d for name, d in commitments.optional.items() if d is not None}


def encode_header(header: Header) -> bytes:
    """The canonical bytes of a header; `decode_header` undoes it."""
    optional = {
        name: None if (found := header.commitments.optional.get(name)) is None else found.hex()
        for name in OPTIONAL_FIELDS
    }
    return canonical_bytes(
        {
            "v": REQUEST_FORMAT,
            "nonce": header.nonce.hex(),
            "issued_at": header.issued_at.astimezone(UTC).strftime(_TIME),
            "expires_at": header.expires_at.astimezone(UTC).strftime(_TIME),
            "agency": header.agency,
            "unit": header.unit,
            "purpose": header.purpose,
            "form": header.form,
            "authority": header.authority,
            "ticket": header.ticket,
            "emergency": header.emergency,
            "audience": {
                "federation": header.audience.federation,
                "gateway": header.audience.gateway,
                "catalog": header.audience.catalog.hex(),
                "planner": header.audience.planner,
            },
            "merge_at": header.merge_at,
            "partial": header.partial,
            "deadline_ms": header.deadline_ms,
            "commitments": {
                "sql": header.commitments.sql.hex(),
                "parameters": header.commitments.parameters.hex(),
                "fragments": [digest.hex() for digest in header.commitments.fragments],
                **optional,
            },
        }
    )


def decode_header(header: bytes) -> Header:
    """The header that these canonical bytes spell.

    Raises: MalformedRequest for anything but exactly the published format: an unknown or missing
    field, a wrong type, another version.
    """
    document = _Fields(parse_canonical(header), "header")
    if document.text("v") != REQUEST_FORMAT:
        raise MalformedRequest(f"the request is not of format `{REQUEST_FORMAT}`")
    audience = _Fields(document.take("audience"), "audience")
    commitments = _Fields(document.take("commitments"), "commitments")
    found = Header(
        nonce=bytes.fromhex(document.text("nonce", _HEX_32)),
        issued_at=_time(document.text("issued_at", _TIME_TEXT)),
        expires_at=_time(document.text("expires_at", _TIME_TEXT)),
        agency=MemberName(document.text("agency")),
        unit=document.text("unit"),
        purpose=Purpose(document.text("purpose")),
        form=document.text("form"),
        authority=document.optional_text("authority"),
        ticket=document.optional_text("ticket"),
        emergency=document.flag("emergency"),
        audience=Audience(
            federation=audience.text("federation"),
            gateway=audience.text("gateway"),
            catalog=_digest(audience.text("catalog", _HEX_64)),
            planner=audience.text("planner"),
        ),
        merge_at=document.text("merge_at"),
        partial=document.flag("partial"),
        deadline_ms=document.whole("deadline_ms"),
        commitments=Commitments(
            sql=_digest(commitments.text("sql", _HEX_64)),
            parameters=_digest(commitments.text("parameters", _HEX_64)),
            fragments=commitments.digests("fragments"),
            optional={name: commitments.optional_digest(name) for name in OPTIONAL_FIELDS},
        ),
    )
    for part in (document, audience, commitments):
        part.finish()
    return found


class _Fields:
    """Reads the fields of one object, each once and each of its type, and refuses leftovers."""

    def __init__(self, value: Json, name: str) -> None:
        if not isinstance(value, dict):
            raise MalformedRequest(f"`{name}` is not an object")
        self._left: dict[str, Json] = dict(value)
        self._name = name

    def take(self, name: str) -> Json:
        if name not in self._left:
            raise MalformedRequest(f"`{self._name}` lacks `{name}`")
        return self._left.pop(name)

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        found = self.take(name)
        if not isinstance(found, str) or (pattern and not pattern.fullmatch(found)):
            raise MalformedRequest(f"`{name}` is not text of the published form")
        return _short(found, name)

    def optional_text(self, name: str) -> str | None:
        found = self.take(name)
        if found is not None and not isinstance(found, str):
            raise MalformedRequest(f"`{name}` is neither text nor null")
        return None if found is None else _short(found, name)

    def optional_digest(self, name: str) -> Digest | None:
        found = self.optional_text(name)
        if found is not None and not _HEX_64.fullmatch(found):
            raise MalformedRequest(f"`{name}` is not 64 hexadecimal digits")
        return None if found is None else _digest(found)

    def flag(self, name: str) -> bool:
        found = self.take(name)
        if not isinstance(found, bool):
            raise MalformedRequest(f"`{name}` is neither true nor false")
        return found

    def whole(self, name: str) -> int:
        found = self.take(name)
        if isinstance(found, bool) or not isinstance(found, int):
            raise MalformedRequest(f"`{name}` is not a whole number")
        return found

    def digests(self, name: str) -> tuple[Digest, ...]:
        found = self.take(name)
        if not isinstance(found, list):
            raise MalformedRequest(f"`{name}` is not a list")
        texts = [item for item in found if isinstance(item, str) and _HEX_64.fullmatch(item)]
        if len(texts) != len(found):
            raise MalformedRequest(f"`{name}` holds something else than 64 hexadecimal digits")
        return tuple(_digest(text) for text in texts)

    def finish(self) -> None:
        # Not named: the caller chose the words, and they would stand in the open.
        if self._left:
            raise MalformedRequest(f"`{self._name}` has a field of no published name")


def _short(text: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise MalformedRequest(f"`{name}` is longer than {MAX_TEXT} characters")
    return text


def _digest(text: str) -> Digest:
    return Digest(bytes.fromhex(text))


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError as cause:
        raise MalformedRequest("a time of the request is not on the calendar") from cause


def _require_text(opening: Opening) -> None:
    try:
        opening.value.decode()
    except UnicodeDecodeError as cause:
        raise CheckFailed(f"`{opening.field}` is not text in UTF-8") from cause
