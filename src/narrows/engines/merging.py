"""The merge of one answer: in a walled worker, or here where it only names columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.render import TODAY_PARAMETER
from narrows.core.plan.split import Split
from narrows.core.terms import TypedValue
from narrows.engines.arrow import choose_columns
from narrows.engines.merge_pool import MergePool, MergeResult, MergeTable, MergeTask

MERGE_S = 5.0
"""A merge gets no more time than this, however much the request allows."""


@dataclass(frozen=True, slots=True)
class MergeLimit:
    """Whose merge it is, and how much of the request's time is left."""

    whose: str
    left_s: float


async def merge(
    split: Split,
    tables: Mapping[str, MergeTable],
    values: Mapping[str, TypedValue],
    pool: MergePool,
    limit: MergeLimit,
) -> MergeResult:
    """The rows of the answer over what was released. Raises: as `MergePool.merge`."""
    renaming = split.renaming
    if renaming is not None:
        table = tables[renaming.part]
        kinds = dict(table.columns)
        columns = tuple(
            (name, kinds[column])
            for name, column in zip(split.outputs, renaming.columns, strict=True)
        )
        picked = dict(zip(split.outputs, renaming.columns, strict=True))
        batches, row_count = choose_columns(
            table.batches, table.columns, picked, pool.limits.max_rows
        )
        return MergeResult(columns, batches, row_count)
    given = {name: value for name, value in values.items() if name != TODAY_SLOT}
    given[TODAY_PARAMETER] = values[TODAY_SLOT]
    task = MergeTask(split.statement, given, tables)
    return await pool.merge(task, min(limit.left_s, MERGE_S), limit.whose)


def tables_of(
    split: Split,
    fragments: Sequence[Fragment],
    batches: Mapping[int, Sequence[bytes]],
    catalog: Catalog,
) -> dict[str, MergeTable]:
    """What was released of each part, as a table of its name."""
    return {
        part.name: MergeTable(columns_of_fragment(fragment, catalog), list(batches.get(index, ())))
        for index, (part, fragment) in enumerate(zip(split.parts, fragments, strict=True))
    }
