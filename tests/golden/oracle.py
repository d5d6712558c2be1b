"""The oracle of the golden cases: the same question over the release views, in one database.

It shares no step with the plan: no fragments, no merge. The text is resolved and written out for
DuckDB as it stands; only a conjunct that a lookup is anchored by reads the raw column beside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from narrows.core.catalog import Catalog, Relation
from narrows.core.normal import name_sim, normal_document, normal_name
from narrows.core.plan.fragment import ColumnOf, Fragment
from narrows.core.plan.render import TODAY_PARAMETER, quote, render_query, type_name
from narrows.core.plan.transform import transform
from narrows.core.policy.bound import AnyAnchor, NormalAnchor, SimilarAnchor
from narrows.core.policy.cascade import keeps_of, only_of
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.decision import Circumstances
from narrows.core.policy.finish import coarsen
from narrows.core.policy.model import AS_IS, Mask, MaskKind, Normal, Policy
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
HOW = "how_"
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
        database.create_function("name_sim", name_sim, ["VARCHAR", "VARCHAR"], "DOUBLE")
        database.create_function("reduced", _reduced, ["VARCHAR", "VARCHAR"], "VARCHAR")
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
    anchored: Mapping[ColumnOf, str | None],
    views: Iterable[Table],
    day: TypedValue,
) -> list[tuple[Scalar, ...]]:
    """The sorted rows of the question over the union of the release views.

    Each use of a relation is a table of its own, called like its alias.
    """

    def raw(node: tree.Node) -> tree.Node:
        if (
            isinstance(node, tree.Ref)
            and ColumnOf(node.source, ColumnName(node.column)) in anchored
        ):
            return replace(node, column=f"{RAW}{node.column}")
        return node

    def tied(term: tree.Expr) -> tree.Expr:
        if isinstance(term, tree.Ref) and term.column in ids:
            return replace(term, column=f"{RAW}{term.column}")
        return term

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Binary("=", tree.Ref(column=left), tree.Ref(column=right)) if left == right:
                return replace(node, left=tied(node.left), right=tied(node.right))
            case tree.Binary(
                "=" | "<=" | ">=",
                tree.Ref() | tree.Call("substr" | "name_sim") as term,
                tree.Literal(),
            ):
                read = transform(term, raw)
                return _equal(node, read) if node.op == "=" else replace(node, left=read)
            case tree.Binary("=", tree.Literal(), tree.Ref() as term):
                return _equal(replace(node, left=term, right=node.left), transform(term, raw))
            case tree.InList(tree.Ref() | tree.Call("substr") as term):
                return replace(node, term=transform(term, raw))
            case tree.Between(tree.Ref() as term):
                return replace(node, term=transform(term, raw))
            case tree.Scan(alias):
                return replace(node, relation=RelationName(alias))
        return node

    scans = [node for node in tree.walk(resolved.query) if isinstance(node, tree.Scan)]
    columns = [one for scan in scans for one in catalog.relations[scan.relation].columns]
    ids = {one.name for one in columns if one.is_id}
    empty = [
        Table(scan.alias, columns_of_view(catalog.relations[scan.relation]), ()) for scan in scans
    ]
    statement = render_query(transform(resolved.query, change))
    return load([*empty, *views], statement, {TODAY_PARAMETER: day.value})


def first_over_views(
    resolved: tree.ResolvedQuery,
    catalog: Catalog,
    anchored: Mapping[ColumnOf, str | None],
    of_holder: tuple[Sequence[Table], Sequence[ColumnOf]],
    day: TypedValue,
) -> list[tuple[Scalar, ...]]:
    """The first row of the question over one holder's views, by these columns; NULL last."""
    views, order = of_holder
    keys = tuple(
        tree.SortKey(tree.Ref(one.alias, f"{RAW}{one.column}"), descending=False, nulls_first=False)
        for one in order
    )
    body = resolved.query.body
    assert isinstance(body, tree.Select)
    query = replace(resolved.query, body=replace(body, distinct=False), order=keys, limit=1)
    return same_over_views(replace(resolved, query=query), catalog, anchored, views, day)


def order_of(asked: "AskedOf") -> list[ColumnOf]:
    """What a pointer's row is chosen by: the declared columns, then the keys of every relation."""
    agreement, _ = applicable(asked.policy, asked.circumstances)
    assert agreement is not None
    grant, _ = choose_grant(
        asked.policy, asked.catalog, asked.fragment, agreement, asked.circumstances
    )
    assert grant is not None
    aliases = {scan.relation: scan.alias for scan in asked.fragment.scans}
    keys = [(name, key) for name in sorted(aliases) for key in asked.catalog.relations[name].key]
    return [ColumnOf(aliases[name], key) for name, key in (*grant.first_by, *keys)]


def _equal(node: tree.Binary, read: tree.Expr) -> tree.Expr:
    """The equality as the holders compare: what they reduce first is reduced on both sides."""
    if (
        not isinstance(read, tree.Ref)
        or not read.column.startswith(RAW)
        or not _is_text(node.right)
    ):
        return replace(node, left=read)
    how = replace(read, column=read.column.replace(RAW, HOW, 1))
    sides = (tree.Call("reduced", (how, side)) for side in (read, node.right))
    same = tree.Binary("=", *sides)
    plain = replace(node, left=read)
    return tree.Case(None, (tree.When(tree.IsNull(how), plain),), same)


def _is_text(term: tree.Expr) -> bool:
    return isinstance(term, tree.Literal) and term.value.type is ColumnType.TEXT


def _reduced(how: str, text: str) -> str:
    """The text as that kind of key compares it."""
    return normal_name(text) if how == Normal.NAME else normal_document(text)


@dataclass(frozen=True, slots=True)
class AskedOf:
    """One fragment asked of one holder, under its policy."""

    policy: Policy
    catalog: Catalog
    circumstances: Circumstances
    fragment: Fragment


def release_views(
    asked: AskedOf, anchored: Mapping[ColumnOf, str | None], tables: Tables
) -> list[Table]:
    """The relation of each scan as the agreement shows it, by alias, each column three times.

    Beside a column as shown stands what an anchor reads: the raw value where this holder's
    agreement anchors the scan by it, else the same as shown; and what texts are reduced to first. Keys that only tie relations
    together are `holder:raw` in the second, since joins are on raw keys.
    """
    policy, catalog, circumstances = asked.policy, asked.catalog, asked.circumstances
    agreement, _ = applicable(policy, circumstances)
    assert agreement is not None
    grant, _ = choose_grant(policy, catalog, asked.fragment, agreement, circumstances)
    assert grant is not None
    return [
        _view(
            policy,
            catalog.relations[scan.relation],
            scan.alias,
            grant.show.get(scan.relation, {}),
            {column.column: how for column, how in anchored.items() if column.alias == scan.alias},
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


def anchored_columns(anchors: Sequence[AnyAnchor]) -> dict[ColumnOf, str | None]:
    """The columns that anchors read, and what texts are reduced to before they are compared."""
    return {
        column: str(anchor.normal) if isinstance(anchor, NormalAnchor) else None
        for anchor in anchors
        for column in (anchor.columns if isinstance(anchor, SimilarAnchor) else (anchor.column,))
    }


def _view(
    policy: Policy,
    relation: Relation,
    alias: str,
    shown: Mapping[ColumnName, Mask],
    anchored: Mapping[ColumnName, str | None],
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
            name: _seen(
                shown.get(name, AS_IS if name == HOLDER_COLUMN else HIDDEN),
                value,
                ties=name in ties,
            )
            for name, value in raw.items()
        }
        matched = (
            raw[name] if name in anchored or name in ties else value for name, value in seen.items()
        )
        how = (anchored.get(name) for name in seen)
        found.append((*seen.values(), *matched, *how))
    return Table(alias, columns_of_view(relation), found)


def _seen(mask: Mask, value: Scalar, *, ties: bool) -> Scalar:
    """The value as shown; a key that is shown at all stays."""
    return value if ties and mask != HIDDEN else coarsen(mask, value)


def columns_of_view(relation: Relation) -> list[tuple[str, ColumnType]]:
    """The columns of a view: as shown, as anchors read them, and what texts are reduced to."""
    columns = [(str(column.name), column.type) for column in relation.columns]
    raw = [(f"{RAW}{name}", kind) for name, kind in columns]
    return [*columns, *raw, *((f"{HOW}{name}", ColumnType.TEXT) for name, _ in columns)]
