"""Batches out and in: what is built is read back, what is not canonical is refused."""

import random
from datetime import date, datetime

import pyarrow as pa
import pytest

from narrows.core.terms import ColumnType, Scalar
from narrows.engines.arrow import BatchLimits, build_batches, read_batch, schema_of
from narrows.errors import AnswerTooLarge, CheckFailed, NarrowsError

COLUMNS = [(kind.value, kind) for kind in ColumnType]
SCHEMA = schema_of(COLUMNS)
ROWS: list[tuple[Scalar, ...]] = [
    ("Zoé", True, 1, 2**40, 1.5, date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
    (None,) * 7,
]


def stream(batch: pa.RecordBatch, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def test_rows_come_back() -> None:
    (batch,) = build_batches(ROWS, SCHEMA)
    assert [tuple(row.values()) for row in read_batch(batch, SCHEMA).to_pylist()] == ROWS
    assert len(build_batches([], SCHEMA)) == 1


def test_batches_keep_to_their_size() -> None:
    schema = schema_of([("a", ColumnType.TEXT)])
    rows: list[tuple[Scalar, ...]] = [("x" * 1000,)] * 50
    batches = build_batches(rows, schema, 10_000)
    assert all(len(batch) <= 10_000 for batch in batches)
    assert sum(read_batch(batch, schema).num_rows for batch in batches) == 50
    with pytest.raises(AnswerTooLarge):
        build_batches([("x" * 20_000,)], schema, 10_000)


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(CheckFailed):
        build_batches([("x",)], schema_of([("a", ColumnType.BIGINT)]))


TEXTS = pa.record_batch([pa.array(["x" * 1000])], names=["a"])
TEXT_SCHEMA = schema_of([("a", ColumnType.TEXT)])


@pytest.mark.parametrize(
    "data",
    [
        stream(TEXTS, "zstd"),
        stream(TEXTS, "lz4"),
        stream(TEXTS) + b"x",
        stream(TEXTS) + stream(TEXTS),
        stream(TEXTS)[:-8],
        stream(TEXTS.replace_schema_metadata({"a": "b"})),
        stream(TEXTS.rename_columns(["b"])),
        stream(pa.record_batch([pa.array(["x"]).dictionary_encode()], names=["a"])),
        b"",
    ],
)
def test_another_form_is_refused(data: bytes) -> None:
    assert read_batch(stream(TEXTS), TEXT_SCHEMA).num_rows == 1
    with pytest.raises(CheckFailed):
        read_batch(data, TEXT_SCHEMA)


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        (ColumnType.DATE, pa.array([2**31 - 1], pa.int32()).cast(pa.date32())),
        (ColumnType.TIMESTAMP, pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("us"))),
        (ColumnType.DOUBLE, pa.array([float("inf")])),
    ],
)
def test_values_out_of_range_are_refused(kind: ColumnType, array: pa.Array) -> None:
    with pytest.raises(CheckFailed):
        read_batch(stream(pa.record_batch([array], names=["a"])), schema_of([("a", kind)]))


def test_limits() -> None:
    (batch,) = build_batches(ROWS, SCHEMA)
    with pytest.raises(AnswerTooLarge):
        read_batch(batch, SCHEMA, BatchLimits(row_count=1))
    with pytest.raises(AnswerTooLarge):
        read_batch(batch, SCHEMA, BatchLimits(batch_bytes=100))


def test_mutated_batches_are_refused_or_read() -> None:
    chance = random.Random(7)
    (batch,) = build_batches(ROWS * 5, SCHEMA)
    refused = 0
    for _ in range(600):
        mutated = bytearray(batch)
        for _ in range(chance.randint(1, 4)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        try:
            read_batch(bytes(mutated), SCHEMA).to_pylist()
        except NarrowsError:
            refused += 1
    assert refused > 100
