"""The oracle of the golden cases: the same question over the release views, in one database.

It shares no step with the plan: no fragments, no merge. The text is resolved and written out for
DuckDB as it stands; only a conjunct that a lookup is anchored by reads the raw column beside.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from narrows.core.catalog import Catalog, Relation
from narrows.core.plan.fragment import ColumnOf, Fragment
from narrows.core.plan.render import TODAY_PARAMETER, quote, render_query, type_name
from narrows.core.plan.transform import transform
from narrows.core.policy.bound import AnyAnchor, SimilarAnchor
from narrows.core.policy.cascade import keeps_of, only_of
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.decision import Circumstances
from narrows.core.policy.finish import coarsen
from narrows.core.policy.model import Mask, MaskKind, Policy
from narrows.core.policy.rows import Row, Tables, keeps_row
from narrows.core.policy.truth import sort_key
from narrows.core.sql import tree
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    RelationName,
    Scalar,
    TypedValue,
)

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
    catalog: Catalog,
    anchored: Collection[ColumnOf],
    views: Iterable[Table],
    day: TypedValue,
) -> list[tuple[Scalar, ...]]:
    """The sorted rows of the question over the union of the release views.

    Each use of a relation is a table of its own, called like its alias.
    """

    def is_anchored(term: tree.Expr) -> bool:
        return (
            isinstance(term, tree.Ref)
            and ColumnOf(term.source, ColumnName(term.column)) in anchored
        )

    def raw(term: tree.Expr) -> tree.Expr:
        return replace(term, column=f"{RAW}{term.column}") if isinstance(term, tree.Ref) else term

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Binary("=", term, tree.Literal()) if is_anchored(term):
                return replace(node, left=raw(term))
            case tree.Binary("=", tree.Literal(), term) if is_anchored(term):
                return replace(node, right=raw(term))
            case tree.InList(term) if is_anchored(term):
                return replace(node, term=raw(term))
            case tree.Scan(alias):
                return replace(node, relation=RelationName(alias))
        return node

    scans = [node for node in tree.walk(resolved.query) if isinstance(node, tree.Scan)]
    empty = [Table(scan.alias, _columns(catalog.relations[scan.relation]), ()) for scan in scans]
    statement = render_query(transform(resolved.query, change))
    return load([*empty, *views], statement, {TODAY_PARAMETER: day.value})


@dataclass(frozen=True, slots=True)
class AskedOf:
    """One fragment asked of one holder, under its policy."""

    policy: Policy
    catalog: Catalog
    circumstances: Circumstances
    fragment: Fragment


def release_views(asked: AskedOf, anchors: Sequence[AnyAnchor], tables: Tables) -> list[Table]:
    """The relation of each scan as the agreement shows it, by alias, each column twice.

    Beside a column as shown stands what an anchor reads: the raw value where this holder's
    agreement anchors the scan by it, else the same as shown. Keys that only tie relations
    together stay as `holder:raw`, since joins are on raw keys.
    """
    policy, catalog, circumstances = asked.policy, asked.catalog, asked.circumstances
    agreement, _ = applicable(policy, circumstances)
    assert agreement is not None
    grant, _ = choose_grant(policy, catalog, asked.fragment, agreement, circumstances)
    assert grant is not None
    anchored = anchored_columns(anchors)
    return [
        _view(
            policy,
            catalog.relations[scan.relation],
            scan.alias,
            grant.show.get(scan.relation, {}),
            {column.column for column in anchored if column.alias == scan.alias},
            [
                row
                for row in tables.get(scan.relation, ())
                if all(
                    keeps_row(keep, row, tables)
                    for keep in (
                        *keeps_of(policy, catalog, scan.relation, circumstances),
                        *only_of(
                            grant.only,
                            catalog,
                            scan.relation,
                            asked.fragment.relations,
                            circumstances,
                        ),
                    )
                )
            ],
        )
        for scan in asked.fragment.scans
    ]


def anchored_columns(anchors: Sequence[AnyAnchor]) -> set[ColumnOf]:
    """The columns that anchors read."""
    return {
        column
        for anchor in anchors
        for column in (anchor.columns if isinstance(anchor, SimilarAnchor) else (anchor.column,))
    }


def _view(
    policy: Policy,
    relation: Relation,
    alias: str,
    shown: Mapping[ColumnName, Mask],
    anchored: Collection[ColumnName],
    rows: Sequence[Row],
) -> Table:
    ties = {column.name for column in relation.columns if column.is_id} | {HOLDER_COLUMN}
    found = []
    for row in rows:
        raw = {
            column.name: f"{policy.agency}:{value}" if column.is_id and value is not None else value
            for column in relation.columns
            for value in (row[column.name],)
        }
        raw[HOLDER_COLUMN] = policy.agency
        seen = {
            name: value if name in ties else coarsen(shown.get(name, HIDDEN), value)
            for name, value in raw.items()
        }
        matched = (raw[name] if name in anchored else value for name, value in seen.items())
        found.append((*seen.values(), *matched))
    return Table(alias, _columns(relation), found)


def _columns(relation: Relation) -> list[tuple[str, ColumnType]]:
    columns = [(str(column.name), column.type) for column in relation.columns]
    return [*columns, *((f"{RAW}{name}", kind) for name, kind in columns)]
