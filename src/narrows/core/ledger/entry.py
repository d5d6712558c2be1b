"""An entry of the ledger: canonical JSON with an open part, and a sealed part as commitments.

    {"v": "narrows/entry/v1", "origin": "nsor.canada/ledger", "kind": "disclosure",
     "time": "2026-06-01T12:00:00.012345Z", "request": "<32 hex digits>" | null,
     "open": {...}, "sealed": {"officer": "<64 hex digits>", ...}}

At most 65,535 bytes, so that C2SP tiles can carry it. `time` is UTC and says when the ledger took
the entry; it never goes back. What `open` holds for each kind is in `parts`. `sealed` names each
sealed field and commits to its value under a salt of its own, fresh for each field and entry;
values and salts rest beside the ledger (`Opening`) and can be erased, and every proof still
passes. Customary sealed fields: `officer`, `case_number`, `grounds`, `approver`,
`agreement_reference`, `sql` and `parameters` or, at a node, `fragments/<n>`; `trace_id`; and
`rows/<n>`, the digest of the rows that left for fragment n, whose opening travels with the answer;
`tokens`, `subjects` and `charge` (`core.policy.tokens`, `core.policy.budget`); `notice`.

>>> fields = {"officer": b"4471"}
>>> commitments, openings = seal(fields, {"officer": bytes(32)})
>>> when = datetime(2026, 6, 1, 12, tzinfo=UTC)
>>> entry = Entry("example.org/log", Kind.INTENT, when, None, {"purpose": "audit"}, commitments)
>>> decode_entry(encode_entry(entry)) == entry
True
>>> check_opening(entry, openings[0])
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from narrows.core.canonical import Json, canonical_bytes, commit, parse_canonical
from narrows.core.terms import REQUEST_ID, Digest, RequestId, digest_of
from narrows.errors import CheckFailed, MalformedRequest, ProofInvalid

ENTRY_FORMAT = "narrows/entry/v1"
MAX_ENTRY_BYTES = 65_535
_ROWS = b"narrows/rows/v1\n"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_TIME_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_HEX_64 = re.compile(r"[0-9a-f]{64}")
_NAMES = {"v", "origin", "kind", "time", "request", "open", "sealed"}


class Kind(StrEnum):
    """What an entry is about."""

    STARTED = "started"
    """A process began to serve, with what software, catalog and policy."""
    INTENT = "intent"
    """The gateway is about to ask the nodes."""
    DISCLOSURE = "disclosure"
    """These rows may leave this node from now on."""
    REFUSAL = "refusal"
    """A request was refused, by which check."""
    OUTCOME = "outcome"
    """What became of an intent, holder by holder."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """The requester says what it received."""
    ACCESS = "access"
    """Somebody read the ledger."""
    EDITION = "edition"
    """A new edition of a cube is shown from now on."""
    HELD = "held"
    """A request waits for a person at the holder, or came again before that person decided."""
    RULING = "ruling"
    """A named person at the holder approved or denied what is held."""
    REVIEW = "review"
    """A named person at the holder reviewed an emergency use."""
    NOTICE = "notice"
    """Two units must be told of a pointer, or, of the same shape, need not."""
    DELIVERY = "delivery"
    """Notices were fetched, taken or pushed."""
    LISTED = "listed"
    """These rows of a list may leave, a batch or a subject."""
    COUNTED = "counted"
    """How often, in a span of time, callers were turned away who are no members."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the ledger, complete."""

    origin: str
    kind: Kind
    time: datetime
    request: RequestId | None
    open: Mapping[str, Json]
    sealed: Mapping[str, Digest]

    def objects(self, name: str) -> list[Mapping[str, Json]]:
        """The objects of that list of the open part; none where it is something else."""
        value = self.open.get(name)
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Opening:
    """The value and the salt under which an entry commits to a sealed field."""

    field: str
    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """What one has to say to a ledger, which adds its origin, the time and the salts."""

    kind: Kind
    request: RequestId | None
    open: Mapping[str, Json]
    sealed: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Tags:
    """What a ledger finds an entry by: less than the entry, and faster to read.

    `ticket` is the held request that the entry's own request cites; `awaits` what a person at the
    holder has to do about it: `ruling` or `review`.
    """

    kind: Kind
    request: RequestId | None
    time: datetime
    sealed: tuple[str, ...]
    ticket: RequestId | None = None
    awaits: str = ""


RULING, REVIEW = "ruling", "review"
"""What an entry may await."""


def complete(
    draft: Draft, origin: str, time: datetime, salt: Callable[[], bytes]
) -> tuple[Entry, tuple[Opening, ...]]:
    """The entry of a draft, and the openings of its sealed part, by field in order.

    Needs: `salt` gives 32 fresh random bytes at each call.
    """
    salts = {name: salt() for name in draft.sealed}
    commitments, openings = seal(draft.sealed, salts)
    return Entry(origin, draft.kind, time, draft.request, draft.open, commitments), openings


def seal(
    fields: Mapping[str, bytes], salts: Mapping[str, bytes]
) -> tuple[dict[str, Digest], tuple[Opening, ...]]:
    """The commitment to each field, and the openings to keep, by field in order.

    Needs: for each field a salt of 32 bytes, used nowhere else: a salt used twice would show that
    two entries hold the same officer.
    """
    openings = tuple(Opening(name, salts[name], fields[name]) for name in sorted(fields))
    return {o.field: commit(o.field, o.salt, o.value) for o in openings}, openings


def check_opening(entry: Entry, opening: Opening) -> None:
    """Nothing, when the entry commits to exactly this value under this field.

    Raises: ProofInvalid, naming the field and never the value.
    """
    expected = entry.sealed.get(opening.field)
    if expected is None:
        raise ProofInvalid(f"the entry has no sealed field `{opening.field}`")
    if commit(opening.field, opening.salt, opening.value) != expected:
        raise ProofInvalid(f"the opening of `{opening.field}` differs from the entry")


def check_rows(entry: Entry, opening: Opening, batches: Iterable[bytes]) -> None:
    """Nothing, when the entry says that exactly these batches may leave.

    Raises: ProofInvalid.
    """
    check_opening(entry, opening)
    if rows_digest(batches) != opening.value:
        raise ProofInvalid(f"the batches differ from `{opening.field}` of the entry")


def rows_field(fragment: int) -> str:
    """The name of the sealed field for the rows of the n-th fragment, counted from 0."""
    return f"rows/{fragment}"


def rows_digest(batches: Iterable[bytes]) -> Digest:
    """SHA-256 over the batches as sent, in order, each after its length in 8 bytes, big-endian.

    It could be guessed from likely rows, so it is only ever shown under a salt.
    """
    parts = ((len(batch).to_bytes(8, "big"), batch) for batch in batches)
    return digest_of(_ROWS, *(part for pair in parts for part in pair))


def encode_entry(entry: Entry) -> bytes:
    """The canonical bytes of an entry; `decode_entry` undoes it.

    Raises: CheckFailed for an entry that is too large, MalformedRequest for an open part that
    canonical JSON cannot spell.
    """
    found = canonical_bytes(
        {
            "v": ENTRY_FORMAT,
            "origin": entry.origin,
            "kind": entry.kind.value,
            "time": format_time(entry.time),
            "request": entry.request,
            "open": entry.open,
            "sealed": {name: digest.hex() for name, digest in entry.sealed.items()},
        }
    )
    if len(found) > MAX_ENTRY_BYTES:
        raise CheckFailed(
            f"an entry would be longer than {MAX_ENTRY_BYTES} bytes",
            hint="ask for fewer holders, columns or fragments at a time",
        )
    return found


def decode_entry(data: bytes) -> Entry:
    """The entry that these canonical bytes spell.

    Raises: ProofInvalid for anything but exactly the published format.
    """
    try:
        document = parse_canonical(data)
    except MalformedRequest as cause:
        raise ProofInvalid("an entry is not canonical JSON") from cause
    if len(data) > MAX_ENTRY_BYTES or not isinstance(document, dict) or set(document) != _NAMES:
        raise ProofInvalid("an entry does not have the fields of the published format")
    origin, opened = document["origin"], document["open"]
    if document["v"] != ENTRY_FORMAT or not isinstance(origin, str) or not isinstance(opened, dict):
        raise ProofInvalid(f"an entry is not of format `{ENTRY_FORMAT}`")
    return Entry(
        origin=origin,
        kind=_kind(document["kind"]),
        time=parse_time(document["time"]),
        request=_request(document["request"]),
        open=opened,
        sealed=_commitments(document["sealed"]),
    )


def tags_of(data: bytes) -> Tags:
    """The tags of an entry that a ledger wrote itself; that it is canonical is not checked.

    Raises: ProofInvalid.
    """
    try:
        document = json.loads(data)
        return Tags(
            kind=_kind(document["kind"]),
            request=_request(document["request"]),
            time=parse_time(document["time"]),
            sealed=tuple(sorted(_commitments(document["sealed"]))),
            ticket=ticket_in(document["open"]),
            awaits=awaits_in(document["open"]),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as cause:
        raise ProofInvalid("an entry does not have the fields of the published format") from cause


def ticket_in(opened: Mapping[str, Json]) -> RequestId | None:
    """The held request that the request of this open part cites, or None."""
    match opened.get("asked"):
        case {"ticket": str(ticket)} if REQUEST_ID.fullmatch(ticket):
            return RequestId(ticket)
        case _:
            return None


def awaits_in(opened: Mapping[str, Json]) -> str:
    """What a person at the holder has to do about an entry with this open part, or nothing."""
    if opened.get("hold") is not None:
        return RULING
    return REVIEW if opened.get("review_due") is not None else ""


def format_time(time: datetime) -> str:
    """UTC with microseconds; `parse_time` undoes it. Needs: a time with its zone."""
    return time.astimezone(UTC).strftime(_TIME)


def parse_time(text: Json) -> datetime:
    """The time that this text spells. Raises: ProofInvalid."""
    if not isinstance(text, str) or not _TIME_TEXT.fullmatch(text):
        raise ProofInvalid("a time is not of the form 2026-06-01T12:00:00.000000Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as cause:
        raise ProofInvalid("a time is not on the calendar") from cause


def _kind(value: Json) -> Kind:
    found = next((kind for kind in Kind if kind.value == value), None)
    if found is None:
        raise ProofInvalid("an entry is of an unknown kind")
    return found


def _request(value: Json) -> RequestId | None:
    if value is None:
        return None
    if not isinstance(value, str) or not REQUEST_ID.fullmatch(value):
        raise ProofInvalid("the request of an entry is not 32 hexadecimal digits")
    return RequestId(value)


def _commitments(value: Json) -> dict[str, Digest]:
    if not isinstance(value, dict):
        raise ProofInvalid("the sealed part of an entry is not an object")
    found = {}
    for name, text in value.items():
        if not isinstance(text, str) or not _HEX_64.fullmatch(text):
            raise ProofInvalid(f"the commitment to `{name}` is not 64 hexadecimal digits")
        found[name] = Digest(bytes.fromhex(text))
    return found
