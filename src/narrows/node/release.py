"""The last step over rows that an engine gave: cap, filter, order.

The cap counts what anchors and links select, before filters, so that nobody slices past it.
"""

from collections.abc import Sequence

from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.rows import check_cap, sort_key
from narrows.core.terms import Scalar


def released_rows(
    bound: BoundFragment, rows: Sequence[tuple[Scalar, ...]]
) -> list[tuple[Scalar, ...]]:
    """The rows that pass, without the column `passes`, sorted by all outputs, NULL first.

    Sorted always: an unsorted join's order betrays hidden keys.
    Needs: rows of the statement that `compile_bound` made. Raises: AnswerTooLarge over the cap.
    """
    check_cap(bound, len(rows))
    return sorted((row[:-1] for row in rows if row[-1] is True), key=sort_key)
