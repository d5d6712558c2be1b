"""Same answer: a compiled bound fragment gives, on each engine, what the reference gives."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    Like,
    Link,
    Missing,
    Opposite,
)
from narrows.core.policy.bound import (
    Anchor,
    BoundFragment,
    BoundOutput,
    BoundScan,
    BoundTest,
    Cap,
    Keep,
    KeepUnless,
    KeepWithParent,
    ReleasedColumn,
)
from narrows.core.policy.finish import no_pseudonym
from narrows.core.policy.model import AS_IS, Mask, MaskKind
from narrows.core.policy.rows import release_rows
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    Scalar,
    TypedValue,
)
from narrows.engines.duckdb import open_duckdb
from narrows.engines.postgresql import open_postgresql, postgresql_dialect
from narrows.engines.protocol import Dialect, Engine
from narrows.engines.sqlite import _stored, open_sqlite, sqlite_dialect
from narrows.errors import AnswerTooLarge
from narrows.node.compile import compile_bound
from narrows.node.release import released_rows
from tests.postgresql import Server
from tests.proof.worlds import PHASES

Tables = Mapping[RelationName, Sequence[Mapping[ColumnName, Scalar]]]

PERSON, ALERT = RelationName("person"), RelationName("alert")
COLUMNS = {
    PERSON: {
        "person_id": ColumnType.TEXT,
        "name": ColumnType.TEXT,
        "born": ColumnType.DATE,
        "active": ColumnType.BOOLEAN,
    },
    ALERT: {
        "person_id": ColumnType.TEXT,
        "level": ColumnType.INTEGER,
        "weight": ColumnType.DOUBLE,
        "seen_at": ColumnType.TIMESTAMP,
    },
}
TEXTS = ["1", "2", "a", "A", "é", "e\u0301x", "日本語", "", "nsor:1", "other:1", "nsor:a", "Zz9"]
PATTERNS = [
    TypedValue(ColumnType.TEXT, text)
    for text in ("%", "", "_", "a", "A%", "%1", "%:%", "_é%", "n_or:%", "[a]", "n*1", "%x", "\\_")
]
DISTINCT = ["is distinct from", "is not distinct from"]
VALUES: dict[ColumnType, list[Scalar]] = {
    ColumnType.TEXT: [*TEXTS],
    ColumnType.BOOLEAN: [True, False],
    ColumnType.INTEGER: [-1, 0, 1, 2**31 - 1],
    ColumnType.DOUBLE: [-0.5, 0.0, 1.0, 1e300],
    ColumnType.DATE: [date(1, 1, 1), date(1981, 3, 7), date(1981, 1, 1), date(9999, 12, 31)],
    ColumnType.TIMESTAMP: [
        datetime(1, 1, 1),  # noqa: DTZ001
        datetime(2026, 6, 1, 12, 0, 0, 5),  # noqa: DTZ001
        datetime(2026, 1, 1),  # noqa: DTZ001
    ],
}
MASKS = {
    ColumnType.TEXT: [AS_IS, Mask(MaskKind.FIRST, 1), Mask(MaskKind.FIRST, 3)],
    ColumnType.DATE: [AS_IS, Mask(MaskKind.YEAR), Mask(MaskKind.MONTH)],
    ColumnType.TIMESTAMP: [AS_IS, Mask(MaskKind.YEAR), Mask(MaskKind.MONTH), Mask(MaskKind.DAY)],
}
ALL = [
    (ColumnOf(alias, ColumnName(name)), kind)
    for alias, relation in (("t1", PERSON), ("t2", ALERT))
    for name, kind in COLUMNS[relation].items()
]
TYPES = dict(ALL)
MAPPING = {
    name: f"SELECT {', '.join(columns)} FROM {name} -- all" for name, columns in COLUMNS.items()
}


def value(kind: ColumnType) -> st.SearchStrategy[Scalar]:
    return st.sampled_from([*VALUES[kind], None])


def typed(kind: ColumnType) -> st.SearchStrategy[TypedValue]:
    return value(kind).map(lambda found: TypedValue(kind, found))


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    return {
        relation: draw(
            st.lists(
                st.fixed_dictionaries({ColumnName(n): value(k) for n, k in columns.items()}),
                max_size=5,
            )
        )
        for relation, columns in COLUMNS.items()
    }


@st.composite
def leaves(draw: st.DrawFn) -> Filter:
    column, kind = draw(st.sampled_from(ALL))
    match draw(st.sampled_from(["compare", "columns", "in", "like", "null"])):
        case "compare":
            op = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">=", *DISTINCT]))
            return Comparison(op, column, draw(typed(kind)))
        case "columns":
            same = [found for found, other in ALL if other is kind]
            return Comparison(
                draw(st.sampled_from(["=", "<", *DISTINCT])), column, draw(st.sampled_from(same))
            )
        case "in":
            return Among(column, tuple(draw(st.lists(typed(kind), max_size=3))))
        case "like":
            texts = [found for found, other in ALL if other is ColumnType.TEXT]
            return Like(draw(st.sampled_from(texts)), draw(st.sampled_from(PATTERNS)))
        case _:
            return Missing(column)


FILTERS = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda terms: Every(tuple(terms))),
        st.lists(inner, min_size=1, max_size=2).map(lambda terms: AnyOf(tuple(terms))),
        inner.map(Opposite),
    ),
    max_leaves=4,
)


@st.composite
def column_tests(draw: st.DrawFn, relation: RelationName) -> BoundTest:
    name, kind = draw(st.sampled_from(list(COLUMNS[relation].items())))
    op = draw(st.sampled_from(["in", "null", "before"]))
    if op == "null":
        return BoundTest(ColumnName(name), op)
    most = 1 if op == "before" else 2
    return BoundTest(
        ColumnName(name), op, tuple(draw(st.lists(typed(kind), min_size=1, max_size=most)))
    )


def keeps(relation: RelationName) -> st.SearchStrategy[Keep]:
    found = st.lists(column_tests(relation), min_size=1, max_size=2)
    return found.map(lambda tests: KeepUnless(tuple(tests)))


@st.composite
def bounds(draw: st.DrawFn) -> BoundFragment:
    key = ColumnName("person_id")
    parent = KeepWithParent(
        (key,), PERSON, (key,), tuple(draw(st.lists(keeps(PERSON), max_size=2)))
    )
    own = tuple(draw(st.lists(keeps(PERSON), max_size=1)))
    link = Link(ColumnOf("t1", key), ColumnOf("t2", key))
    columns = tuple(
        ReleasedColumn(
            column,
            kind,
            draw(st.sampled_from([*MASKS.get(kind, [AS_IS]), Mask(MaskKind.NULL)])),
            column.column == key,
        )
        for column, kind in ALL
    )
    holder = ColumnOf("t1", ColumnName("holder"))
    anchored, kind = draw(st.sampled_from(ALL))
    anchor = Anchor(
        anchored, tuple(draw(st.lists(typed(kind), min_size=1, max_size=3))), anchored.column == key
    )
    picked = draw(st.lists(st.sampled_from(ALL), unique=True, max_size=4))
    return BoundFragment(
        holder=Holder("nsor"),
        fragment=Digest(b"0" * 32),
        policy_version=1,
        agreement="a",
        scans=(
            # Often what the parent keeps: a semi-join that a link then implies is left out.
            BoundScan(
                "t1", PERSON, draw(st.sampled_from([own, parent.keep, (*parent.keep, *own)]))
            ),
            BoundScan(
                "t2", ALERT, draw(st.sampled_from([(), (parent,), (parent, draw(keeps(ALERT)))]))
            ),
        ),
        links=draw(st.sampled_from([(), (link,), (Link(link.right, link.left),)])),
        anchors=draw(st.sampled_from([(), (anchor,)])),
        columns=(*columns, ReleasedColumn(holder, ColumnType.TEXT, AS_IS, is_id=False)),
        filters=tuple(draw(st.lists(FILTERS, max_size=2))),
        outputs=(
            BoundOutput(ColumnName("holder"), holder, ColumnType.TEXT),
            *(
                BoundOutput(
                    ColumnName(f"{c.alias}_{c.column}"), c, TYPES[c], withheld=draw(st.booleans())
                )
                for c, _ in picked
            ),
        ),
        guard=Cap(draw(st.sampled_from([2, 50]))),
    )


def _definition(relation: RelationName, names: Mapping[ColumnType, str]) -> str:
    columns = ", ".join(f"{name} {names[kind]}" for name, kind in COLUMNS[relation].items())
    return f"CREATE TABLE {relation} ({columns})"


def engines(found: Tables, folder: Path) -> tuple[Engine, Engine]:
    """Both embedded engines over the same tables."""
    filling = sqlite3.connect(folder / "node.sqlite")
    making = duckdb.connect(str(folder / "node.duckdb"))
    stored = dict.fromkeys(ColumnType, "") | {ColumnType.TEXT: "TEXT COLLATE NOCASE"}
    for relation, rows in found.items():
        filling.execute(_definition(relation, stored))
        making.execute(_definition(relation, {kind: _DUCKDB[kind] for kind in ColumnType}))
        for row in rows:
            values = [row[ColumnName(name)] for name in COLUMNS[relation]]
            places = ", ".join("?" * len(values))
            insert = f"INSERT INTO {relation} VALUES ({places})"
            filling.execute(insert, [_stored(item) for item in values])
            making.execute(insert, values)
    filling.commit()
    filling.close()
    making.close()
    return (
        open_duckdb(folder / "node.duckdb", False, connections=1),
        open_sqlite(folder / "node.sqlite", connections=1),
    )


_DUCKDB = {kind: "VARCHAR" if kind is ColumnType.TEXT else kind.value for kind in ColumnType}


@pytest.fixture(scope="module")
def filled(pg: Server) -> Iterator[tuple[Engine, Callable[[Tables], None]]]:
    """PostgreSQL, and what replaces all rows of its tables: its engine is slow to open."""
    schema = pg.schema()
    for relation in COLUMNS:
        names = {kind: _POSTGRESQL.type_name(kind) for kind in ColumnType}
        pg.run(_definition(relation, names).replace("TABLE ", f"TABLE {schema}."))

    def fill(found: Tables) -> None:
        pg.run("BEGIN", f"TRUNCATE {', '.join(f'{schema}.{relation}' for relation in COLUMNS)}")
        for relation, rows in found.items():
            kinds = COLUMNS[relation].values()
            places = ", ".join(_POSTGRESQL.placeholder(n, kind) for n, kind in enumerate(kinds, 1))
            for row in rows:
                values = [row[ColumnName(name)] for name in COLUMNS[relation]]
                pg.fill(f"INSERT INTO {schema}.{relation} VALUES ({places})", values)
        pg.run("COMMIT")

    engine = open_postgresql(pg.uri(schema), connections=1)
    yield engine, fill
    engine.close()


_POSTGRESQL: Dialect = postgresql_dialect()


def outcome(bound: BoundFragment, found: Tables) -> list[tuple[Scalar, ...]] | None:
    try:
        return release_rows(bound, found)
    except AnswerTooLarge:
        return None


def compiled(bound: BoundFragment, engine: Engine) -> list[tuple[Scalar, ...]] | None:
    statement = compile_bound(bound, MAPPING, engine.dialect, TYPES.__getitem__)
    reading = asyncio.run(engine.run([statement], 10))
    try:
        return released_rows(bound, reading.rows[0], no_pseudonym)
    except AnswerTooLarge:
        return None


@settings(
    max_examples=25,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(found=tables(), fragments=st.lists(bounds(), min_size=4, max_size=4))
def test_compiled_equals_reference(
    filled: tuple[Engine, Callable[[Tables], None]], found: Tables, fragments: list[BoundFragment]
) -> None:
    postgresql, fill = filled
    fill(found)
    with tempfile.TemporaryDirectory() as folder:
        both = engines(found, Path(folder))
        try:
            for bound in fragments:
                expected = outcome(bound, found)
                for engine in (*both, postgresql):
                    assert compiled(bound, engine) == expected, engine.dialect.name
        finally:
            for engine in both:
                engine.close()


def test_a_semi_join_is_left_out_only_where_a_link_implies_it() -> None:
    key = ColumnName("person_id")
    active = KeepUnless((BoundTest(ColumnName("active"), "null"),))
    born = KeepUnless((BoundTest(ColumnName("born"), "null"),))
    by_key = Link(ColumnOf("t2", key), ColumnOf("t1", key))
    by_name = Link(ColumnOf("t2", key), ColumnOf("t1", ColumnName("name")))
    cases: list[tuple[tuple[Keep, ...], Link, int]] = [
        ((active,), by_key, 0),
        ((born, active), by_key, 0),
        ((born,), by_key, 1),
        ((), by_key, 1),
        ((active,), by_name, 1),
    ]
    for keep, link, expected in cases:
        parent = KeepWithParent((key,), PERSON, (key,), (active,))
        bound = BoundFragment(
            holder=Holder("nsor"),
            fragment=Digest(b"0" * 32),
            policy_version=1,
            agreement="a",
            scans=(BoundScan("t1", PERSON, keep), BoundScan("t2", ALERT, (parent,))),
            links=(link,),
            anchors=(),
            columns=(),
            filters=(),
            outputs=(),
            guard=Cap(5),
        )
        assert (
            compile_bound(bound, MAPPING, sqlite_dialect(), TYPES.__getitem__).sql.count("EXISTS")
            == expected
        )
