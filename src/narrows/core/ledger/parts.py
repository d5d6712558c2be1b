"""The open part of an entry, one class for each kind, and `draft`, which makes it ready to append.

Open means: readable by whoever may read the ledger. No row value, no literal, no person's name
may stand here, nor a digest that could be guessed from one: those go into the sealed part. Names
of columns, counts, clause ids, digests of policies and catalogs may. Digests are spelled in
hexadecimal, times as in `entry.format_time`, nothing as null.

>>> when = datetime.fromisoformat("2026-06-01T12:00:00Z")
>>> counted = Counted(since=when, until=when, counts={"CALLER_UNKNOWN": 12_000})
>>> draft(counted).open["counts"]
{'CALLER_UNKNOWN': 12000}
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias

from narrows.core.canonical import Json
from narrows.core.ledger.entry import Draft, Kind, format_time
from narrows.core.terms import Digest, Holder, MemberName, Purpose, RelationName, RequestId
from narrows.errors import CheckFailed


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature over a request's header."""

    role: str
    key_id: str
    algorithm: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as its requester signed it.

    `header` is the text of the signed header, which holds commitments and no values: with
    `signatures` it proves the question to an auditor without the gateway's word. `ticket` is the id
    of the held request that it collects.
    """

    agency: MemberName
    unit: str
    purpose: Purpose
    form: str
    authority: str | None
    issued_at: datetime
    header: str
    signatures: tuple[Signed, ...]
    ticket: str | None = None
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """How one holder's policy decided on some fragments, by its clauses.

    `fragments` counts from 0 in the order of the header; `narrowed` says `relation.column: how`.
    """

    holder: Holder
    fragments: tuple[int, ...]
    decision: str
    agreement: str | None
    clauses: tuple[str, ...]
    policy_version: int
    policy: Digest
    narrowed: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    reason: str = ""
    keep_days: int | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """What may leave for one fragment; the digest of its rows is the sealed field `rows/<n>`.

    Where the gateway only carries them, `sealed_to` is the id of the merge key, and `sealed` the
    digest of the sealed batches (`core/sealed.py`).
    """

    fragment: int
    columns: tuple[str, ...]
    row_count: int
    batch_count: int
    sealed_to: str | None = None
    sealed: Digest | None = None


@dataclass(frozen=True, slots=True)
class HolderOutcome:
    """What became of the question at one holder.

    `receipt` is SHA-256 of the node's receipt in canonical JSON (`receipt.encode_receipt`).
    """

    holder: Holder
    outcome: str
    clauses: tuple[str, ...]
    reason: str
    withheld: tuple[str, ...]
    row_count: int
    duration_ms: int
    receipt: Digest | None


@dataclass(frozen=True, slots=True)
class Started:
    """A process began to serve."""

    kind: ClassVar[Kind] = Kind.STARTED

    version: str
    catalog: Digest
    directory_epoch: int
    policy_version: int | None = None
    policy: Digest | None = None
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """The gateway is about to ask; durable before the first node is called."""

    kind: ClassVar[Kind] = Kind.INTENT

    asked: Asked
    catalog: Digest
    planner: str
    decisions: tuple[Decided, ...]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """These rows may leave; durable before their first byte does.

    `review_due` says until when emergency use must be reviewed, and is None for any other.
    """

    kind: ClassVar[Kind] = Kind.DISCLOSURE

    asked: Asked
    recipient: MemberName
    via: MemberName
    catalog: Digest
    decisions: tuple[Decided, ...]
    released: tuple[Released, ...]
    as_of: datetime
    received_at: datetime
    review_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """Who decides a held request, whether a second person must agree, and how long it may take."""

    role: str
    second: bool
    decide_hours: int
    collect_hours: int


@dataclass(frozen=True, slots=True)
class Held:
    """A request waits for a person at the holder; nothing was matched. Its id is the ticket.

    `hold` is None where a request came with a ticket that nobody has decided on yet.
    """

    kind: ClassVar[Kind] = Kind.HELD

    asked: Asked
    recipient: MemberName
    via: MemberName
    catalog: Digest
    decisions: tuple[Decided, ...]
    hold: HoldTerms | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """A named person at the holder decided on the held request that the entry is about.

    `body` is the text of the signed ruling (`core/ruling.py`); the person's name is the sealed field
    `ruled_by`. `approvals` counts the persons who have approved by now, of `needed`.
    """

    kind: ClassVar[Kind] = Kind.RULING

    says: str
    approvals: int
    needed: int
    body: str
    signatures: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A named person at the holder reviewed the emergency use that the entry is about.

    `body` and the sealed `ruled_by` as in `Ruling`; `overdue` says that it came too late.
    """

    kind: ClassVar[Kind] = Kind.REVIEW

    says: str
    overdue: bool
    body: str
    signatures: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request was refused, or one holder's part of it.

    `check` names what failed, in the words of its error; `caller` is the name in the certificate.
    `asked` is None where the request could not be read or its signature did not verify.
    """

    kind: ClassVar[Kind] = Kind.REFUSAL

    caller: MemberName
    reason: str
    check: str
    asked: Asked | None = None
    decisions: tuple[Decided, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an intent; the digest of the rows is the sealed field `rows/0`.

    Columns are counted and not named: the requester chose the names, and may have put a value
    there. What left of which relation is in the entries of the nodes.
    """

    kind: ClassVar[Kind] = Kind.OUTCOME

    outcome: str
    reason: str
    complete: bool
    column_count: int
    row_count: int
    holders: tuple[HolderOutcome, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The requester says what it received.

    `receipt` as in `HolderOutcome`; `body` is the text of the signed acknowledgement, which holds
    no values: with `signatures` it proves to an auditor what the requester said.
    """

    kind: ClassVar[Kind] = Kind.ACKNOWLEDGEMENT

    agency: MemberName
    row_count: int
    receipt: Digest
    received_at: datetime
    body: str
    signatures: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody read the ledger: who, by what mandate, by which method; the request is the entry's.

    `entries` counts what was shown.
    """

    kind: ClassVar[Kind] = Kind.ACCESS

    reader: MemberName
    mandate: str
    method: str
    entries: int


@dataclass(frozen=True, slots=True)
class EditionBuilt:
    """A new edition of a cube is shown from now on; durable before it is.

    `edition` is SHA-256 of its public part, `cells` counts what it shows, `epsilon` is what its
    noise spends, as text, empty for none. `shape` is the digest of what editions are compared by;
    `afresh`: the holder said that it may differ from the last edition of one of its relations.
    """

    kind: ClassVar[Kind] = Kind.EDITION

    cube: str
    number: int
    edition: Digest
    cells: int
    epsilon: str
    relations: tuple[RelationName, ...]
    shape: Digest
    afresh: bool
    policy_version: int
    policy: Digest
    catalog: Digest
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """Whom to tell of a pointer, in the sealed field `notice`; also entered where it is nobody (0)."""

    kind: ClassVar[Kind] = Kind.NOTICE

    agency: MemberName
    agreement: str
    fragment: int
    notice_count: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """Notices, by the indexes of their entries, were `fetched` or `taken` by a member, or `pushed`."""

    kind: ClassVar[Kind] = Kind.DELIVERY

    member: MemberName
    how: str
    notices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Some rows of a list, a batch or a subject; durable before the disclosure that they are of."""

    kind: ClassVar[Kind] = Kind.LISTED

    agency: MemberName
    agreement: str
    fragment: int
    chunk: int
    chunk_count: int
    row_count: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something happened that is not entered one by one.

    By the reason of the error for callers who are no members; `EXPLAINED` for explanations.
    """

    kind: ClassVar[Kind] = Kind.COUNTED

    since: datetime
    until: datetime
    counts: Mapping[str, int]


_OfQuestions: TypeAlias = (
    Intent | Disclosure | Listed | Notice | Refusal | Outcome | Acknowledgement | Delivery
)
_OfPersons: TypeAlias = Held | Ruling | Review | Access
Part: TypeAlias = Started | EditionBuilt | Counted | _OfQuestions | _OfPersons


def draft(
    part: Part, request: RequestId | None = None, sealed: Mapping[str, bytes] | None = None
) -> Draft:
    """The draft of an entry with this open part and these sealed values."""
    return Draft(part.kind, request, _spell_fields(part), sealed or {})


def _spell_fields(value: object) -> dict[str, Json]:
    if not is_dataclass(value):
        raise CheckFailed("an open part holds something that a ledger cannot spell")
    return {field.name: spell(getattr(value, field.name)) for field in fields(value)}


def spell(value: object) -> Json:
    """A part of an entry, or a piece of one, as the ledger spells it in the open."""
    match value:
        case None | str() | bool() | int():
            return value
        case bytes():
            return value.hex()
        case datetime():
            return format_time(value)
        case tuple():
            return [spell(inner) for inner in value]
        case Mapping():
            return {str(name): spell(inner) for name, inner in value.items()}
        case _:
            return _spell_fields(value)
