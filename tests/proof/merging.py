"""The merge of one answer as `gateway/merging.py` and a worker do it, in one database at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.render import TODAY_PARAMETER
from narrows.core.plan.shape import Columns
from narrows.core.plan.split import Split
from narrows.core.terms import ColumnType, Scalar, TypedValue
from narrows.engines.arrow import choose_columns, read_batch, schema_of
from narrows.engines.frames import Frame
from narrows.engines.merge_run import run_merge

_MOST_ROWS, _MOST_BYTES = 100_000, 10_000_000


@dataclass(frozen=True, slots=True)
class Merged:
    """The columns of an answer, and its rows as batches."""

    columns: tuple[tuple[str, ColumnType], ...]
    batches: tuple[bytes, ...]

    @property
    def rows(self) -> list[tuple[Scalar, ...]]:
        """The rows, in order."""
        schema = schema_of(self.columns)
        found: list[tuple[Scalar, ...]] = []
        for one in self.batches:
            columns = [column.to_pylist() for column in read_batch(one, schema).columns]
            found.extend(zip(*columns, strict=True))
        return found


def merge(
    connection: duckdb.DuckDBPyConnection,
    split: Split,
    tables: Sequence[tuple[Columns, Sequence[bytes]]],
    values: Mapping[str, TypedValue],
) -> Merged | str:
    """The answer over the columns and batches of each part; or the word of an error."""
    if split.renaming is not None:
        place = next(n for n, part in enumerate(split.parts) if part.name == split.renaming.part)
        columns, given = tables[place]
        picked = dict(zip(split.outputs, split.renaming.columns, strict=True))
        batches, _ = choose_columns(given, columns, picked, _MOST_ROWS)
        kinds = dict(columns)
        named = tuple((name, kinds[column]) for name, column in picked.items())
        return Merged(named, tuple(batches))
    given_values = {TODAY_PARAMETER: values[TODAY_SLOT]} | {
        name: value for name, value in values.items() if name != TODAY_SLOT
    }
    frame = Frame(
        {
            "statement": split.statement,
            "parameters": {
                name: [value.type.value, value.text] for name, value in given_values.items()
            },
            "tables": {
                part.name: {
                    "columns": [[name, kind.value] for name, kind in columns],
                    "batches": len(batches),
                }
                for part, (columns, batches) in zip(split.parts, tables, strict=True)
            },
            "max_rows": _MOST_ROWS,
            "max_bytes": _MOST_BYTES,
        },
        tuple(one for _, batches in tables for one in batches),
    )
    cursor = connection.cursor()
    reply = run_merge(cursor, frame)
    cursor.close()
    if "error" in reply.document:
        return str(reply.document["error"])
    named_types = reply.document["columns"]
    assert isinstance(named_types, list)
    return Merged(tuple((name, ColumnType(kind)) for name, kind in named_types), reply.blobs)
