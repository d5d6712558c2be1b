"""The rows of a compiled statement -> the rows that leave.

The engine has given at most one row over the cap, masked, each with whether it passes the filters;
or raw rows, where some step is the node's own. What is cut, filtered, masked and sorted here is
few; the cap counts what anchors and links select, before filters, so that nobody slices past it.
"""

from collections.abc import Sequence

from narrows.core.policy.bound import BoundFragment, Cap, Edition
from narrows.core.policy.finish import Pseudonym, check_cap, finish_rows
from narrows.core.policy.truth import sort_key
from narrows.core.terms import Scalar
from narrows.errors import AnswerTooLarge
from narrows.node.compile import SCAN_ROWS


def released_rows(
    bound: BoundFragment, rows: Sequence[tuple[Scalar, ...]], pseudonym: Pseudonym
) -> list[tuple[Scalar, ...]]:
    """The rows that leave, sorted by all outputs, NULL first.

    Sorted always: an unsorted join's order betrays hidden keys.
    Needs: rows of the statement that `compile_bound` made, or of `Cubes.read`. Raises: AnswerTooLarge over the cap.
    """
    if isinstance(bound.guard, Edition):
        return list(rows)
    if bound.is_finished_by_node:
        if len(rows) > SCAN_ROWS and isinstance(bound.guard, Cap):
            raise AnswerTooLarge(
                f"more than {SCAN_ROWS} rows would be compared one by one",
                hint="match something beside likeness",
            )
        columns = bound.raw_columns
        readings = (dict(zip(columns, row, strict=False)) for row in rows[:SCAN_ROWS])
        return finish_rows(bound, readings, pseudonym)
    check_cap(bound, len(rows))
    return sorted((row[:-1] for row in rows if row[-1] is True), key=sort_key)
