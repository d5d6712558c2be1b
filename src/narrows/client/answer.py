"""An answer as a requester holds it: rows as Arrow, and everything about them, verified."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from narrows.core.answer import AnswerColumn, HolderReport
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import RequestId

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, what became of the question at each agency, caveats, and the proof.

    `table` has the columns of the question, in order, and no rows where `withheld_because` says
    why none are given. `receipt` is the gateway's; each of `agencies` has its own. All receipts
    are verified before an `Answer` exists. `merge_us` is how long the merge took: by the gateway's
    word, where the gateway merged.
    """

    request_id: RequestId
    columns: tuple[AnswerColumn, ...]
    table: pa.Table
    agencies: tuple[HolderReport, ...]
    caveats: tuple[str, ...]
    receipt: Receipt = field(repr=False)
    withheld_because: str = ""
    gateway_row_count: int = field(default=0, repr=False)
    """The rows that the gateway itself gave: none, where it only carried them."""
    merge_us: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether no agency that was asked is missing."""
        return not any(report.outcome.is_gap for report in self.agencies)

    @property
    def is_answered(self) -> bool:
        """Whether rows are given, perhaps none."""
        return not self.withheld_because

    def to_pandas(self) -> "pd.DataFrame":
        """The rows as a data frame. Needs: the extra `pandas`."""
        return self.table.to_pandas()
