"""Rows as Arrow IPC, the one form in which they travel, and the wall for what comes in.

One batch is one whole IPC stream: schema, one record batch, end mark. Arrays are always built
afresh from values: hidden values were found in the buffers behind masked, filtered and sliced
columns. What comes in is refused unless it is exactly of the expected schema, uncompressed,
within caps, and fully valid: mutated IPC crashes pyarrow otherwise.
Source: Arrow columnar format 1.5, "Serialization and Interprocess Communication".

>>> schema = schema_of([("holder", ColumnType.TEXT)])
>>> read_batch(build_batches([("nsor",)], schema)[0], schema).to_pylist()
[{'holder': 'nsor'}]
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from narrows.core.terms import ColumnType, Scalar
from narrows.errors import AnswerTooLarge, CheckFailed

SMALL_BYTES = 500_000
"""Batches of so many bytes in all travel as one."""
_END_MARK = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_EPOCH = date(1970, 1, 1)
_DAYS = ((date.min - _EPOCH).days, (date.max - _EPOCH).days)
_MICROSECONDS = (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The most that one batch from a peer may hold."""

    row_count: int = 1_000_000
    batch_bytes: int = 4_000_000


def schema_of(columns: Sequence[tuple[str, ColumnType]]) -> pa.Schema:
    """The schema of those columns, each of its canonical Arrow type, nullable."""
    types = {
        ColumnType.TEXT: pa.utf8(),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.INTEGER: pa.int32(),
        ColumnType.BIGINT: pa.int64(),
        ColumnType.DOUBLE: pa.float64(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us"),
    }
    return pa.schema([pa.field(name, types[kind]) for name, kind in columns])


def build_batches(
    rows: Sequence[tuple[Scalar, ...]], schema: pa.Schema, max_bytes: int = 1_000_000
) -> list[bytes]:
    """The rows as IPC streams of at most `max_bytes`; at least one, also for no rows.

    Where the batches end depends on the rows alone. `read_batch` undoes each.
    Raises: AnswerTooLarge for a single row over `max_bytes`; CheckFailed for values that are not
    of the schema.
    """
    encoded = _encode(rows, schema)
    if len(encoded) <= max_bytes:
        return [encoded]
    if len(rows) <= 1:
        raise AnswerTooLarge("one row is larger than a batch may be", hint="ask for fewer columns")
    middle = len(rows) // 2
    return [
        *build_batches(rows[:middle], schema, max_bytes),
        *build_batches(rows[middle:], schema, max_bytes),
    ]


def read_batch(
    data: bytes,
    schema: pa.Schema,
    limits: BatchLimits = BatchLimits(),
) -> pa.RecordBatch:
    """The one batch of an IPC stream from a peer, fully checked.

    Raises: CheckFailed for anything but a canonical batch of exactly that schema; AnswerTooLarge
    over a limit.
    """
    if len(data) > limits.batch_bytes:
        raise AnswerTooLarge("a batch has more bytes than allowed", hint="ask for less")
    try:
        batch = _read(data, schema)
        if batch.num_rows > limits.row_count:
            raise AnswerTooLarge("a batch has more rows than allowed", hint="ask for less")
        batch.validate(full=True)
        if batch.nbytes > limits.batch_bytes:
            raise CheckFailed("a batch refers to more bytes than it has")
        for column in batch.columns:
            _check_range(column)
    except (pa.ArrowException, ValueError, OSError, struct.error, OverflowError) as error:
        raise CheckFailed("a batch is not valid Arrow") from RuntimeError(type(error).__name__)
    return batch


def choose_columns(
    batches: Iterable[bytes],
    columns: Sequence[tuple[str, ColumnType]],
    picked: Mapping[str, str],
    max_rows: int,
) -> tuple[list[bytes], int]:
    """The batches with only the picked columns, under their new names, and the number of rows.

    `picked` has the new names in order, each with the column that it takes. Whole columns are
    taken: nothing stands behind them that is not in them. At least one batch, also for no rows.
    Raises: CheckFailed for a batch that is not of these columns; AnswerTooLarge over `max_rows`.
    """
    given, kinds = schema_of(columns), dict(columns)
    schema = schema_of([(name, kinds[column]) for name, column in picked.items()])
    found: list[pa.RecordBatch] = []
    for data in batches:
        batch = read_batch(data, given)
        arrays = [batch.column(column) for column in picked.values()]
        found.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    row_count = sum(batch.num_rows for batch in found)
    if row_count > max_rows:
        raise AnswerTooLarge("the answer has more rows than allowed", hint="ask for less")
    if not found:
        return build_batches([], schema), 0
    if sum(batch.nbytes for batch in found) <= SMALL_BYTES:
        found = [pa.concat_batches(found)]
    return [_write(batch) for batch in found], row_count


def _write(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def _encode(rows: Sequence[tuple[Scalar, ...]], schema: pa.Schema) -> bytes:
    try:
        arrays = [
            pa.array([row[place] for row in rows], type=field.type)
            for place, field in enumerate(schema)
        ]
        batch = (
            pa.RecordBatch.from_arrays(arrays, schema=schema)
            if arrays
            else pa.RecordBatch.from_pylist([{} for _ in rows], schema=schema)
        )
        return _write(batch)
    except (pa.ArrowException, OverflowError) as error:
        raise CheckFailed("a row is not of its schema") from RuntimeError(type(error).__name__)


def _read(data: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """The batch of a stream of exactly: schema, record batch, end mark."""
    source = pa.BufferReader(data)
    messages = list(pa.ipc.MessageReader.open_stream(source))
    if source.tell() != len(data) or not data.endswith(_END_MARK):
        raise CheckFailed("a batch has bytes after its end, or no end")
    if [message.type for message in messages] != ["schema", "record batch"]:
        raise CheckFailed("a batch is not one schema and one record batch")
    head, body = messages
    if not pa.ipc.read_schema(head).equals(schema, check_metadata=True):
        raise CheckFailed("a batch is of another schema than expected")
    if _is_compressed(body.metadata.to_pybytes()):
        # An attacker would otherwise make 400 MB of 12 KB.
        raise CheckFailed("a batch is compressed")
    return pa.ipc.read_record_batch(body, schema)


def _is_compressed(message: bytes) -> bool:
    """Whether the record batch of the message names a compression, before any of it is read.

    Source: Arrow's `Message.fbs`: `Message.header` is field 2, `RecordBatch.compression` field 3.
    """
    (root,) = struct.unpack_from("<I", message, 0)
    header = _field(message, root, 2)
    if header is None:
        raise CheckFailed("a batch has no header")
    (offset,) = struct.unpack_from("<I", message, header)
    return _field(message, header + offset, 3) is not None


def _field(message: bytes, table: int, place: int) -> int | None:
    """Where the field of a flatbuffer's table begins, or None when it is absent."""
    (back,) = struct.unpack_from("<i", message, table)
    vtable = table - back
    if vtable < 0:
        raise CheckFailed("a batch has a broken header")
    (size,) = struct.unpack_from("<H", message, vtable)
    entry = 4 + 2 * place
    if entry + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", message, vtable + entry)
    return table + offset if offset else None


def _check_range(column: pa.Array) -> None:
    """Nothing, when dates lie in years 1 to 9999 and doubles are finite.

    Outside of them engines differ: DuckDB reads the greatest date as infinity.
    """
    match column.type:
        case pa.DataType(id=pa.lib.Type_DATE32):
            _check_between(column.cast(pa.int32()), _DAYS)
        case pa.DataType(id=pa.lib.Type_TIMESTAMP):
            _check_between(column.cast(pa.int64()), _MICROSECONDS)
        case pa.DataType(id=pa.lib.Type_DOUBLE):
            if pc.all(pc.is_finite(column)).as_py() is False:
                raise CheckFailed("a batch has a number that is not finite")


def _check_between(column: pa.Array, bounds: tuple[int, int]) -> None:
    ends = pc.min_max(column).as_py()
    if ends["min"] is not None and not (bounds[0] <= ends["min"] and ends["max"] <= bounds[1]):
        raise CheckFailed("a batch has a date out of range")
