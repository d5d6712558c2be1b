"""One merge, inside a worker: checked batches in, one SELECT, canonical batches out.

Errors become one of a few words: DuckDB's texts quote released values.
"""

from collections.abc import Mapping
from decimal import Decimal
from itertools import islice

import duckdb
import pyarrow as pa

from narrows.core.normal import name_sim
from narrows.core.terms import ColumnType, Scalar, parse_value
from narrows.engines.arrow import build_batches, read_batch, schema_of
from narrows.engines.frames import Frame
from narrows.engines.values import canonical_value
from narrows.errors import AnswerTooLarge, CheckFailed

_CHUNK_ROWS = 10_000
_BIGINT = 2**63

_RESULT_TYPES = {
    "VARCHAR": ColumnType.TEXT,
    '"NULL"': ColumnType.TEXT,
    "BOOLEAN": ColumnType.BOOLEAN,
    "TINYINT": ColumnType.INTEGER,
    "SMALLINT": ColumnType.INTEGER,
    "INTEGER": ColumnType.INTEGER,
    "UTINYINT": ColumnType.INTEGER,
    "USMALLINT": ColumnType.INTEGER,
    "UINTEGER": ColumnType.BIGINT,
    "BIGINT": ColumnType.BIGINT,
    "UBIGINT": ColumnType.BIGINT,
    "HUGEINT": ColumnType.BIGINT,
    "UHUGEINT": ColumnType.BIGINT,
    "FLOAT": ColumnType.DOUBLE,
    "DOUBLE": ColumnType.DOUBLE,
    "DATE": ColumnType.DATE,
    "TIMESTAMP": ColumnType.TIMESTAMP,
}


def run_merge(connection: duckdb.DuckDBPyConnection, frame: Frame) -> Frame:
    """The frame of the result, or `{"error": word}`."""
    try:
        return _merge(connection, frame)
    except AnswerTooLarge:
        return Frame({"error": "too large"})
    except (MemoryError, pa.ArrowMemoryError, duckdb.OutOfMemoryException):
        return Frame({"error": "memory"})
    except duckdb.ConversionException:
        return Frame({"error": "conversion"})
    except duckdb.OutOfRangeException:
        return Frame({"error": "out of range"})
    except duckdb.Error as error:
        # The one text that is looked at; it is not passed on.
        by_zero = "Division by zero" in str(error)
        return Frame({"error": "division by zero" if by_zero else "other"})
    except Exception:  # noqa: BLE001 - whatever it is, its text may quote values
        return Frame({"error": "other"})


def fresh_connection() -> duckdb.DuckDBPyConnection:
    """An empty database in memory that reaches nothing else."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
            "temp_directory": "",
            "threads": 1,
            "memory_limit": "512MB",
            "lock_configuration": True,
        },
    )
    # The function that nodes match by: were it DuckDB's own, likeness would mean two things.
    connection.create_function("name_sim", name_sim, ["VARCHAR", "VARCHAR"], "DOUBLE")
    return connection


def _merge(connection: duckdb.DuckDBPyConnection, frame: Frame) -> Frame:
    document = frame.document
    _load_tables(connection, document["tables"], frame.blobs)
    statements = connection.extract_statements(str(document["statement"]))
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise CheckFailed("a merge is not one SELECT")
    given = document["parameters"]
    assert isinstance(given, dict)
    parameters = {
        name: parse_value(ColumnType(given[name][0]), given[name][1]).value
        for name in statements[0].named_parameters
    }
    relation = connection.sql(statements[0], params=parameters)
    columns = [
        (name, _result_type(str(kind)))
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    rows = _rows(relation, [kind for _, kind in columns], _whole(document["max_rows"]))
    batches = build_batches(rows, schema_of(columns))
    if sum(map(len, batches)) > _whole(document["max_bytes"]):
        raise AnswerTooLarge("the merge gives too many bytes")
    return Frame(
        {"columns": [[name, kind.value] for name, kind in columns], "row_count": len(rows)},
        tuple(batches),
    )


def _load_tables(
    connection: duckdb.DuckDBPyConnection, tables: object, blobs: tuple[bytes, ...]
) -> None:
    assert isinstance(tables, dict)
    left = iter(blobs)
    for name, table in tables.items():
        schema = schema_of([(column, ColumnType(kind)) for column, kind in table["columns"]])
        batches = [read_batch(blob, schema) for blob in islice(left, table["batches"])]
        connection.register(name, pa.Table.from_batches(batches, schema=schema))


def _rows(
    relation: duckdb.DuckDBPyRelation, kinds: list[ColumnType], max_rows: int
) -> list[tuple[Scalar, ...]]:
    found: list[tuple[Scalar, ...]] = []
    for batch in relation.to_arrow_reader(_CHUNK_ROWS):
        if len(found) + batch.num_rows > max_rows:
            raise AnswerTooLarge("the merge gives too many rows")
        columns = [
            [_canonical(kind, value) for value in column.to_pylist()]
            for kind, column in zip(kinds, batch.columns, strict=True)
        ]
        found.extend(zip(*columns, strict=True))
    return found


def _canonical(kind: ColumnType, value: object) -> Scalar:
    """The value in its canonical type; sums come as 128-bit integers, AVG as it may."""
    match kind, value:
        case ColumnType.BIGINT, int() | Decimal():
            whole = int(value)
            if not -_BIGINT <= whole < _BIGINT:
                raise AnswerTooLarge("a number of the merge is too large")
            return whole
        case ColumnType.DOUBLE, Decimal():
            return float(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        # DuckDB divides by zero to infinity, which no canonical type holds.
        raise duckdb.OutOfRangeException
    return canonical_value(kind, value)


def _result_type(name: str) -> ColumnType:
    if name.startswith("DECIMAL"):
        return ColumnType.DOUBLE
    found: Mapping[str, ColumnType] = _RESULT_TYPES
    if name not in found:
        raise CheckFailed("a merge gives a column of a type that no answer has")
    return found[name]


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
