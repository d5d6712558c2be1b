"""What a question that was asked came to, beside its plan: rows, bytes and times.

Rows of parts are read from the holders' receipts, which are verified; bytes, the time of the merge
and that of a call are the gateway's word.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from narrows.client import Answer
from narrows.core.answer import HolderReport, Outcome
from narrows.core.ledger.entry import decode_entry
from narrows.core.ledger.receipt import Receipt


@dataclass(frozen=True, slots=True)
class MeasuredHolder:
    """One holder's call; zeros where none was made."""

    holder: str
    outcome: str
    why: str
    row_count: int
    byte_count: int
    elapsed_ms: int

    @property
    def was_asked(self) -> bool:
        """Whether the question concerned it."""
        return self.outcome != Outcome.NOT_ASKED


@dataclass(frozen=True, slots=True)
class Analysis:
    """One answer in figures; `rows` are those of a part, by holder and the part's name."""

    request_id: str
    row_count: int
    merge_us: int
    withheld_because: str
    holders: tuple[MeasuredHolder, ...]
    rows: Mapping[tuple[str, str], int]

    def document(self) -> dict[str, object]:
        """As the command documents it."""
        return {
            "request_id": self.request_id,
            "rows": self.row_count,
            "merge_us": self.merge_us,
            "withheld_because": self.withheld_because,
            "holders": [
                {
                    "holder": one.holder,
                    "outcome": one.outcome,
                    "reason": one.why,
                    "rows": one.row_count,
                    "bytes": one.byte_count,
                    "ms": one.elapsed_ms,
                    "parts": {
                        part: count
                        for (holder, part), count in self.rows.items()
                        if holder == one.holder
                    },
                }
                for one in self.holders
            ],
        }


def analysis_of(answer: Answer) -> Analysis:
    """The figures of an answer; parts are named as plans name them."""
    return Analysis(
        request_id=answer.request_id,
        row_count=answer.table.num_rows,
        merge_us=answer.merge_us,
        withheld_because=answer.withheld_because,
        holders=tuple(_measured(report) for report in answer.agencies),
        rows={
            (report.holder, f"f{fragment + 1}"): count
            for report in answer.agencies
            if report.receipt is not None
            for fragment, count in _released(report.receipt).items()
        },
    )


def _measured(report: HolderReport) -> MeasuredHolder:
    return MeasuredHolder(
        report.holder,
        report.outcome.value,
        "; ".join(report.reasons),
        report.row_count,
        report.byte_count,
        report.elapsed_ms,
    )


def _released(receipt: Receipt) -> dict[int, int]:
    """The rows of each fragment that the holder's entry says may leave."""
    return {
        fragment: count
        for one in decode_entry(receipt.entry).objects("released")
        if isinstance(fragment := one.get("fragment"), int)
        and isinstance(count := one.get("row_count"), int)
    }
