"""What passes between gateway and node, as values; `wire/node.py` makes messages of them."""

from dataclasses import dataclass
from datetime import datetime

from narrows.core.ledger.entry import Opening
from narrows.core.ledger.receipt import Receipt
from narrows.core.policy.model import Decision
from narrows.core.request import SignedRequest


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
