"""The grid: what each engine, and the merge, make of each candidate over every pair of edge values.

What goes down is compiled by `node/compile.py`; anything else is as the candidate spells it. Both
run through the engine's own code. The merge is the one that answers questions, on the rows as a
node releases them.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from narrows.core.plan.fragment import ColumnOf, Filter, Fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.render import render_query
from narrows.core.policy.bound import BoundFragment, BoundOutput, BoundScan, Cap, ReleasedColumn
from narrows.core.policy.model import AS_IS
from narrows.core.sql import tree
from narrows.core.sql.parse import parse
from narrows.core.sql.resolve import resolve
from narrows.core.terms import ColumnName, ColumnType, Digest, Holder, Scalar
from narrows.engines.arrow import build_batches, read_batch, schema_of
from narrows.engines.duckdb import open_duckdb
from narrows.engines.frames import Frame
from narrows.engines.merge_run import fresh_connection, run_merge
from narrows.engines.postgresql import open_postgresql
from narrows.engines.protocol import Engine, Statement
from narrows.engines.sqlite import _stored, open_sqlite
from narrows.errors import CheckFailed
from narrows.node.compile import compile_bound
from tests.engines.candidates import EACH, GATHERED, ORDERED, Candidate
from tests.engines.cells import CELL, COLUMNS, Edge, catalog, rows
from tests.postgresql import Server

AGREES, RAISES, NOT_TOTAL = "agrees", "raises", "not total"
_CATALOG = catalog()
_SELECT = {
    EACH: "SELECT c.n AS n, {} AS v FROM cell c",
    GATHERED: "SELECT c.part AS n, {} AS v FROM cell c GROUP BY c.part",
    ORDERED: "SELECT c.n AS n, {0} AS v FROM cell c ORDER BY {0} NULLS LAST",
}
_KINDS = {ColumnType.TEXT: "VARCHAR"}
_MOST_CLASSES = 4
_TEXTS = re.compile(r"c\.word2?\b")

Values = list[tuple[Scalar, Scalar]]
"""The number of each row or group, and the value there; of an order, the values as they come."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a term is over all rows, and its type."""

    values: Values
    kind: ColumnType


class Grid:
    """The edge values in the merge and on every engine."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self.engines = engines
        self.rows = rows()
        schema = schema_of(list(COLUMNS.items()))
        self._batches = build_batches(_plain(self.rows), schema)
        self._merge = fresh_connection()

    def outcomes(self, candidate: Candidate) -> dict[str, str]:
        """By engine: that it agrees with the merge, on what it differs, or that it raises."""
        merged = {term: self.merged(candidate, term) for term in candidate.terms}
        if None in merged.values():
            return dict.fromkeys(self.engines, NOT_TOTAL)
        found = {}
        for name in self.engines:
            classes: dict[str, None] = {}
            raised = False
            for term, expected in merged.items():
                assert expected is not None
                given = self.by_engine(name, candidate, term, expected.kind)
                if given is None:
                    raised = True
                else:
                    classes |= self._differing(candidate, term, expected.values, given)
            found[name] = RAISES if raised else _said(list(classes))
        return found

    def merged(self, candidate: Candidate, term: str) -> Result | None:
        """What the merge makes of a term; None where it raises."""
        asked = _SELECT[candidate.how].format(term)
        query = resolve(parse(asked), _CATALOG, {}).query
        tables = {
            "cell": {
                "columns": [[name, kind.value] for name, kind in COLUMNS.items()],
                "batches": len(self._batches),
            }
        }
        document = {
            "statement": render_query(query),
            "tables": tables,
            "parameters": {},
            "max_rows": 1_000_000,
            "max_bytes": 100_000_000,
        }
        answer = run_merge(self._merge, Frame(document, tuple(self._batches)))
        if "error" in answer.document:
            return None
        columns = answer.document["columns"]
        assert isinstance(columns, list)
        kinds = [(name, ColumnType(kind)) for name, kind in columns]
        found: Values = []
        for blob in answer.blobs:
            batch = read_batch(blob, schema_of(kinds))
            found += zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return Result(_in_order(candidate, found), kinds[1][1])

    def by_engine(
        self, name: str, candidate: Candidate, term: str, kind: ColumnType
    ) -> Values | None:
        """What an engine makes of a term; None where it raises."""
        engine = self.engines[name]
        pushed = filters_of(term) if candidate.how == EACH and kind is ColumnType.BOOLEAN else None
        if pushed is None:
            spelled = candidate.spelled.get(name, {}).get(term, term)
            # As the node compares texts: what the grid finds hangs on no locale of a database.
            spelled = _TEXTS.sub(lambda it: f"({engine.dialect.collated(it[0])})", spelled)
            sql = _SELECT[candidate.how].format(spelled)
            statement = Statement(sql, (), (("n", ColumnType.INTEGER), ("v", kind)))
        else:
            mapping = {CELL: f"SELECT {', '.join(COLUMNS)} FROM cell"}
            statement = compile_bound(_bound(pushed), mapping, engine.dialect, _type_of)
        try:
            reading = asyncio.run(engine.run([statement], 60))
        except CheckFailed:
            return None
        return _in_order(candidate, [(row[0], row[1]) for row in reading.rows[0]])

    def _differing(
        self, candidate: Candidate, term: str, expected: Values, given: Values
    ) -> dict[str, None]:
        """The classes of edge values on which two results differ, in order."""
        pairs = list(zip(expected, given, strict=True))
        if candidate.how != EACH:
            name = term if candidate.how == ORDERED else ""
            return {f"groups{name and ' by ' + name}": None} if expected != given else {}
        rows_amiss = [one[0] for one, other in pairs if _told_apart(one[1], other[1])]
        found: dict[str, None] = {}
        for n in rows_amiss:
            assert isinstance(n, int)
            row = self.rows[n]
            classes = [row[column][0] for column in re.findall(r"c\.(\w+)", term)]
            found[" beside ".join(dict.fromkeys(classes))] = None
        return found


def filters_of(condition: str) -> tuple[Filter, ...] | None:
    """The filters that the planner makes of a condition; None where it stays above, or a part."""
    found = plan(f"SELECT c.n FROM cell c WHERE {condition}", {}, _CATALOG)
    fragment: Fragment = found.parts[0].fragment
    body = found.merge.body
    assert isinstance(body, tree.Select)
    return fragment.filters if body.where is None else None


@contextmanager
def grid(folder: Path, pg: Server) -> Iterator[Grid]:
    """A grid over databases of their own."""
    plain = _plain(rows())
    _fill_sqlite(folder / "node.sqlite", plain)
    _fill_duckdb(folder / "node.duckdb", plain)
    engines: dict[str, Engine] = {
        "duckdb": open_duckdb(folder / "node.duckdb", False, connections=1),
        "sqlite": open_sqlite(folder / "node.sqlite", connections=1),
        "postgresql": open_postgresql(pg.uri(_fill_postgresql(pg, plain)), connections=1),
    }
    with ExitStack() as stack:
        for engine in engines.values():
            stack.callback(engine.close)
        yield Grid(engines)


def _plain(found: Sequence[Mapping[str, Edge]]) -> list[tuple[Scalar, ...]]:
    return [tuple(row[name][1] for name in COLUMNS) for row in found]


def _fill_sqlite(path: Path, plain: Sequence[tuple[Scalar, ...]]) -> None:
    # As the holder may have them: its own collation is not the one that counts.
    kinds = {ColumnType.TEXT: "TEXT COLLATE NOCASE"}
    with closing(sqlite3.connect(path)) as database:
        database.execute(_table("cell", lambda kind: kinds.get(kind, "")))
        places = ", ".join("?" * len(COLUMNS))
        stored = [tuple(map(_stored, row)) for row in plain]
        database.executemany(f"INSERT INTO cell VALUES ({places})", stored)
        database.commit()


def _fill_duckdb(path: Path, plain: Sequence[tuple[Scalar, ...]]) -> None:
    with closing(duckdb.connect(str(path))) as database:
        database.execute(_table("cell", lambda kind: _KINDS.get(kind, kind.value)))
        places = ", ".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO cell VALUES ({places})", plain)


def _fill_postgresql(pg: Server, plain: Sequence[tuple[Scalar, ...]]) -> str:
    schema = pg.schema()
    kinds = {ColumnType.DOUBLE: "double precision"}
    named = {name: kinds.get(kind, kind.value) for name, kind in COLUMNS.items()}
    pg.run(_table(f"{schema}.cell", lambda kind: kinds.get(kind, kind.value)), "BEGIN")
    places = ", ".join(f"CAST(${n} AS {kind})" for n, kind in enumerate(named.values(), 1))
    for row in plain:
        pg.fill(f"INSERT INTO {schema}.cell VALUES ({places})", row)
    pg.run("COMMIT")
    return schema


def _table(name: str, spelled: Callable[[ColumnType], str]) -> str:
    columns = ", ".join(f"{column} {spelled(kind)}" for column, kind in COLUMNS.items())
    return f"CREATE TABLE {name} ({columns})"


def _bound(filters: tuple[Filter, ...]) -> BoundFragment:
    columns = tuple(
        ReleasedColumn(ColumnOf("t1", ColumnName(name)), kind, AS_IS, is_id=False)
        for name, kind in COLUMNS.items()
    )
    number = columns[0].column
    return BoundFragment(
        holder=Holder("here"),
        fragment=Digest(bytes(32)),
        policy_version=1,
        agreement="a",
        scans=(BoundScan("t1", CELL, ()),),
        links=(),
        anchors=(),
        columns=columns,
        filters=filters,
        outputs=(BoundOutput(ColumnName("n"), number, ColumnType.INTEGER),),
        guard=Cap(1_000_000),
    )


def _type_of(column: ColumnOf) -> ColumnType:
    return COLUMNS[column.column]


def _in_order(candidate: Candidate, found: Values) -> Values:
    if candidate.how == ORDERED:
        return [(None, value) for _, value in found]
    return sorted(found, key=lambda row: (row[0] is None, row[0]))


def _told_apart(one: Scalar, other: Scalar) -> bool:
    """Whether two values are not the same; a negative zero is not the other."""
    return type(one) is not type(other) or repr(one) != repr(other)


def _said(classes: list[str]) -> str:
    if not classes:
        return AGREES
    few = classes[:_MOST_CLASSES]
    more = f", {len(classes) - len(few)} more" if len(classes) > len(few) else ""
    return f"differs: {', '.join(few)}{more}"
