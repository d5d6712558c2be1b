"""What passes between the processes, as values; `wire/` makes messages of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from narrows.core.answer import AnswerColumn
from narrows.core.ledger.entry import Opening
from narrows.core.ledger.notice import NoticeText
from narrows.core.ledger.receipt import Receipt
from narrows.core.plan.above import StaysAbove
from narrows.core.plan.steps import PlanStep
from narrows.core.policy.decision import Decision
from narrows.core.publishing import PublishedPolicy
from narrows.core.request import SignedRequest
from narrows.core.terms import Holder, MemberName, RequestId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BoundForm:
    """The gateway's rewriting of one fragment: bytes to compare, under which policy version."""

    fragment: int
    form: bytes
    policy_version: int


@dataclass(frozen=True, slots=True)
class NodeQuestion:
    """What the gateway passes on: the signed request, opened as far as concerns this node."""

    request: SignedRequest
    forms: tuple[BoundForm, ...]


@dataclass(frozen=True, slots=True)
class FragmentAnswer:
    """The decision on one fragment, and its rows as Arrow IPC batches (none unless released)."""

    fragment: int
    decision: Decision
    batches: tuple[bytes, ...] = ()
    row_count: int = 0

    @property
    def byte_count(self) -> int:
        """The bytes of the rows."""
        return sum(map(len, self.batches))


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What leaves a node, receipt last.

    `openings` open the fields `rows/<n>` of the receipt's entry: the digests of the batches, for
    the gateway to check. A replayed request gets the receipt of its first answer and no rows.
    """

    fragments: tuple[FragmentAnswer, ...]
    as_of: datetime
    receipt: Receipt
    openings: tuple[Opening, ...] = ()
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class PartPlan:
    """What one part of a question would do at one holder; `decision` is None if not asked.

    `steps` are what the holder does where its policy releases, and else what it would be asked;
    `columns` those that would travel: none where nothing does.
    """

    holder: Holder
    part: str
    sql: str
    not_asked: str = ""
    decision: Decision | None = None
    steps: tuple[PlanStep, ...] = ()
    columns: tuple[AnswerColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class MergePlan:
    """Where the parts are merged, and how: as SQL for people, and in steps."""

    sql: str
    place: str
    steps: tuple[PlanStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a question would do: every part for every holder, and the merge.

    `above` is what the holders are not asked to do, with reasons; `withheld_because` says why no
    rows would be given whatever the holders hold, and is empty where some may be.
    """

    plans: tuple[PartPlan, ...]
    merge: MergePlan
    above: tuple[StaysAbove, ...] = ()
    withheld_because: str = ""


@dataclass(frozen=True, slots=True)
class GatewayDescription:
    """What a requester needs in order to ask: catalog and directory as canonical bytes."""

    federation: str
    gateway: MemberName
    catalog: bytes
    directory: bytes
    policies: tuple[PublishedPolicy, ...]
    planner: str


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """What a node holds and under which policy, and its ledger's signed checkpoint.

    `policy` is the newest version; `others` are those that are in force before it.
    """

    catalog: bytes
    policy: PublishedPolicy
    checkpoint: bytes
    others: tuple[PublishedPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class EnteredAcknowledgement:
    """That one ledger entered what a requester received; `receipt` proves it."""

    request: RequestId
    recipient: MemberName
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ShownEdition:
    """A cube's edition in canonical bytes, and the receipt of the entry that holds their digest."""

    edition: bytes
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One notice as it waits at a holder: by the index of its entry there."""

    index: int
    time: datetime
    request: RequestId
    text: NoticeText


@dataclass(frozen=True, slots=True)
class TracedEntry:
    """One entry with its proof, and what of its sealed part is not erased."""

    receipt: Receipt
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """What one ledger holds about one request, by index."""

    origin: str
    entries: tuple[TracedEntry, ...]


@dataclass(frozen=True, slots=True)
class Ruled:
    """One decision of one person at the holder, as it was entered."""

    says: str
    person: str
    ruled_at: datetime


@dataclass(frozen=True, slots=True)
class HeldCase:
    """One held request, for the person who decides; it never says whether it would find anything.

    `sealed` (who asks, for which case, on what grounds) and `sql` (what is asked) are there only
    where one case is shown.
    """

    request: RequestId
    status: str
    agency: MemberName
    unit: str
    purpose: str
    form: str
    authority: str
    emergency: bool
    agreement: str
    role: str
    needed: int
    held_at: datetime
    decide_by: datetime
    collect_by: datetime | None
    collections: int
    rulings: tuple[Ruled, ...] = ()
    sealed: tuple[tuple[str, str], ...] = ()
    sql: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """One emergency use; `status` is `open`, `overdue` or `done`."""

    request: RequestId
    status: str
    agency: MemberName
    unit: str
    purpose: str
    agreement: str
    disclosed_at: datetime
    due: datetime
    reviews: tuple[Ruled, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What waits at a holder, the newest first: how many `more` there are, and what is damaged."""

    cases: tuple[T, ...]
    more: int = 0
    unreadable: tuple[RequestId, ...] = ()
