"""What comes back for a request: rows, one outcome for each holder, caveats, receipts.

An answer says, for every holder, what became of the question there; no gap is ever silent.
"""

from dataclasses import dataclass
from enum import StrEnum

from narrows.core.ledger.entry import Opening
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import ColumnType, Holder, RequestId


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
    brought and that are NULL for this holder; `openings` let the receipt be checked against rows.
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


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column of the answer."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer. `batches` are Arrow IPC streams of one batch each.

    `withheld_because` is empty, or says why no rows are given although some holder answered.
    `rows_opening` opens the field `rows/0` of the gateway's receipt: the digest of `batches`.
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
