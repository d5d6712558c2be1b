"""The oracle of the golden cases: the same question over the release views, in one database.

It shares no step with the plan: no fragments, no merge. The text is resolved and written out for
DuckDB as it stands; only a conjunct that a lookup is anchored by reads the raw column beside.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from narrows.core.catalog import Catalog, Relation
from narrows.core.plan.fragment import ColumnOf
from narrows.core.plan.render import TODAY_PARAMETER, quote, render_query, type_name
from narrows.core.plan.transform import transform
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.cascade import keeps_of
from narrows.core.policy.decide import applicable
from narrows.core.policy.model import Circumstances, Mask, MaskKind, Policy
from narrows.core.policy.rows import Row, Tables, coarsen, keeps_row, sort_key
from narrows.core.sql import tree
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, Scalar, TypedValue

RAW = "raw_"
HIDDEN = Mask(MaskKind.NULL)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a name, with the names and types of their columns."""

    name: str
    columns: Sequence[tuple[str, ColumnType]]
    rows: Sequence[tuple[Scalar, ...]]


def load(
    tables: Iterable[Table], statement: str, parameters: Mapping[str, Scalar]
) -> list[tuple[Scalar, ...]]:
    """The sorted rows of a statement over these tables; tables of one name are one table."""
    used = {name: value for name, value in parameters.items() if f"${name}" in statement}
    with duckdb.connect(":memory:") as database:
        for table in tables:
            columns = ", ".join(f"{quote(name)} {type_name(kind)}" for name, kind in table.columns)
            database.execute(f"CREATE TABLE IF NOT EXISTS {quote(table.name)} ({columns})")
            marks = ", ".join("?" for _ in table.columns)
            for row in table.rows:
                database.execute(f"INSERT INTO {quote(table.name)} VALUES ({marks})", row)
        found: list[tuple[Scalar, ...]] = database.execute(statement, used).fetchall()
    return sorted(found, key=sort_key)


def same_over_views(
    resolved: tree.ResolvedQuery,
    anchored: Collection[ColumnOf],
    views: Iterable[Table],
    day: TypedValue,
) -> list[tuple[Scalar, ...]]:
    """The sorted rows of the question over the union of the release views."""

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Binary("=", tree.Ref(source, column) as ref, tree.Literal()) if (
                ColumnOf(source, ColumnName(column)) in anchored
            ):
                return replace(node, left=replace(ref, column=f"{RAW}{column}"))
        return node

    query = transform(resolved.query, change)
    return load(views, render_query(query), {TODAY_PARAMETER: day.value})


def release_views(
    policy: Policy,
    catalog: Catalog,
    circumstances: Circumstances,
    bounds: Iterable[BoundFragment],
    tables: Tables,
) -> list[Table]:
    """Every relation of a holder as the agreement shows it, each column raw beside.

    Keys that only tie relations together stay as `holder:raw`, since joins are on raw keys.
    """
    agreement, _ = applicable(policy, circumstances)
    assert agreement is not None
    used = {scan.relation for bound in bounds for scan in bound.scans}
    return [
        _view(
            policy,
            catalog.relations[name],
            agreement.lookup.show.get(name, {}),
            [
                row
                for row in tables.get(name, ())
                if all(
                    keeps_row(keep, row, tables)
                    for keep in keeps_of(policy, catalog, name, circumstances.day)
                )
            ],
        )
        for name in sorted(used)
    ]


def _view(
    policy: Policy, relation: Relation, shown: Mapping[ColumnName, Mask], rows: Sequence[Row]
) -> Table:
    columns = [(column.name, column.type) for column in relation.columns]
    names = [*columns, *((f"{RAW}{name}", kind) for name, kind in columns)]
    found = []
    for row in rows:
        raw = {
            column.name: f"{policy.agency}:{value}" if column.is_id and value is not None else value
            for column in relation.columns
            for value in (row[column.name],)
        }
        raw[HOLDER_COLUMN] = policy.agency
        ties = {column.name for column in relation.columns if column.is_id} | {HOLDER_COLUMN}
        seen = (
            value if name in ties else coarsen(shown.get(name, HIDDEN), value)
            for name, value in raw.items()
        )
        found.append((*seen, *raw.values()))
    return Table(relation.name, names, found)
