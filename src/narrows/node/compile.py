"""A bound fragment over a mapping -> one SELECT in the dialect of the node's engine.

    WITH "narrows:person" AS NOT MATERIALIZED (<the mapping's SQL>), ...
    SELECT <masked columns>, <filters over masked columns> AS "passes"
    FROM "narrows:person" AS "t1", ...
    WHERE <anchors AND links, on raw values> AND <keeps>
    LIMIT <cap + 1>

Masks are expressions of the engine, so that what they hide never leaves it. Filters are an output
and no condition, since the cap counts what they drop. Every literal is a parameter. `NOT
MATERIALIZED` lets anchors reach the indexes of the holder's own tables; the names of the common
table expressions cannot be those of tables that a mapping reads.

A `KeepWithParent` is left out where a scan that is linked to the row is itself a kept row of that
parent: the join then gives the row that the semi-join would look for. Half of planning and
execution went into finding it again.
"""

from collections.abc import Callable, Mapping, Sequence

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import (
    ColumnOf,
)
from narrows.core.policy.bound import (
    Anchor,
    BoundFragment,
    BoundOutput,
    BoundTest,
    Cap,
    Edition,
    EngineAnchor,
    First,
    FirstAnchor,
    Keep,
    KeepOnly,
    KeepUnless,
    KeepWithParent,
    RangeAnchor,
)
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    RelationName,
    TypedValue,
)
from narrows.engines.protocol import Dialect, Statement
from narrows.errors import CheckFailed
from narrows.node.terms import FALSE, TRUE, Terms, among, every, quote

PASSES = "passes"


SCAN_ROWS = 100_000
"""The most rows that the engine gives where the node finishes."""


def compile_bound(
    bound: BoundFragment,
    mapping: Mapping[RelationName, str],
    dialect: Dialect,
    type_of: Callable[[ColumnOf], ColumnType],
    beside: Sequence[ColumnOf] = (),
) -> Statement:
    """The statement whose rows `release.released_rows` takes; `type_of` is the catalog's.

    Shape: the outputs in order, then the boolean `passes`; at most one row over the cap. Where the
    node finishes: `bound.raw_columns` as they are, and at most `SCAN_ROWS` + 1 rows. Last come the
    raw columns `beside`, which the node's own ledger needs and which never leave.
    """
    if bound.is_finished_by_node:
        columns = tuple((f"{c.alias}_{c.column}", type_of(c)) for c in bound.raw_columns)
        columns = columns or ((PASSES, ColumnType.BOOLEAN),)
    else:
        outputs = ((output.name, output.type) for output in bound.outputs)
        columns = (*outputs, (PASSES, ColumnType.BOOLEAN))
    columns = (*columns, *((f"beside_{n}", type_of(c)) for n, c in enumerate(beside)))
    if any(scan.relation not in mapping for scan in bound.scans):
        nothing = (f"CAST(NULL AS {dialect.type_name(kind)})" for _, kind in columns)
        return Statement(f"SELECT {', '.join(nothing)} WHERE {FALSE}", (), columns)
    compiling = _Compiling(bound, mapping, dialect)
    sql = compiling.select(beside)
    return Statement(sql, tuple(compiling.terms.parameters), columns)


def types_in(bound: BoundFragment, catalog: Catalog) -> Callable[[ColumnOf], ColumnType]:
    """The type of each raw column of the scans, as the catalog says."""
    found = {
        ColumnOf(scan.alias, column.name): column.type
        for scan in bound.scans
        for column in catalog.relations[scan.relation].columns
    }
    return found.__getitem__


class _Compiling:
    """One compilation: collects parameters and the relations that are read, on the way."""

    def __init__(
        self,
        bound: BoundFragment,
        mapping: Mapping[RelationName, str],
        dialect: Dialect,
    ) -> None:
        self.bound = bound
        self.mapping = mapping
        self.terms = Terms(bound, dialect)
        self.relations: dict[RelationName, None] = {}
        self.parent_count = 0

    def select(self, beside: Sequence[ColumnOf]) -> str:
        """The whole text."""
        bound = self.bound
        outputs = self.raw_outputs() if bound.is_finished_by_node else self.masked_outputs()
        outputs += (
            f"{self.terms.raw(one)} AS {quote(f'beside_{n}')}" for n, one in enumerate(beside)
        )
        sources = ", ".join(
            f"{self.source(scan.relation)} AS {quote(scan.alias)}" for scan in bound.scans
        )
        selected = every(
            (
                *(self.anchor(anchor) for anchor in bound.engine_anchors),
                *(self.same(link.left, link.right) for link in bound.links),
                *(
                    self.keep(keep, scan.alias)
                    for scan in bound.scans
                    for keep in scan.keep
                    if not _is_implied(keep, scan.alias, bound)
                ),
            )
        )
        views = ",\n".join(
            f"{_view(name)} AS NOT MATERIALIZED (\n{self.mapping[name].strip().rstrip(';')}\n)"
            for name in self.relations
        )
        return (
            f"WITH {views}\nSELECT {', '.join(outputs)}\n"
            f"FROM {sources}\nWHERE {selected}\n{self.limit()}"
        )

    def masked_outputs(self) -> list[str]:
        """The outputs through their masks, and whether the filters pass."""
        outputs = [f"{self.output(one)} AS {quote(one.name)}" for one in self.bound.outputs]
        passes = every(self.terms.filter(found) for found in self.bound.filters)
        return [*outputs, f"{passes} AS {quote(PASSES)}"]

    def raw_outputs(self) -> list[str]:
        """What the node finishes: raw columns, which it masks before anything leaves."""
        columns = self.bound.raw_columns
        outputs = [
            f"{self.terms.raw(one)} AS {quote(f'{one.alias}_{one.column}')}" for one in columns
        ]
        return outputs or [f"{TRUE} AS {quote(PASSES)}"]

    def limit(self) -> str:
        """How many rows are needed, and which ones first."""
        guard = self.bound.guard
        many = SCAN_ROWS + 1
        match guard:
            case Cap(rows):
                return f"LIMIT {many if self.bound.is_finished_by_node else rows + 1}"
            case First():
                # The node takes it, by what is shown where the keys are no keys.
                return f"LIMIT {many}"
            case Edition():
                raise CheckFailed("a cube is read from its edition, never from the database")

    def source(self, relation: RelationName) -> str:
        """The name of a relation's view, which is noted as read."""
        self.relations[relation] = None
        return _view(relation)

    def output(self, output: BoundOutput) -> str:
        """The column as it leaves."""
        if output.withheld:
            return f"CAST(NULL AS {self.terms.dialect.type_name(output.type)})"
        return self.terms.released(output.column)

    def anchor(self, anchor: EngineAnchor) -> str:
        """The match on raw values; an id of another holder matches nothing here."""
        match anchor:
            case RangeAnchor():
                column = self.terms.raw(anchor.column)
                low, high = self.terms.literal(anchor.low), self.terms.literal(anchor.high)
                return f"({column} >= {low} AND {column} <= {high})"
            case FirstAnchor():
                first = f"substr({self.terms.raw(anchor.column)}, 1, {anchor.length})"
                literals = [self.terms.literal(value) for value in anchor.values]
                return among(self.terms.dialect.matched(first), literals)
            case Anchor():
                return self.equal_anchor(anchor)

    def equal_anchor(self, anchor: Anchor) -> str:
        """The match of a whole value."""
        own = [_own(value, anchor, f"{self.bound.holder}:") for value in anchor.values]
        values = [value for value in own if value is not None]
        if not values:
            return FALSE
        column = self.terms.raw(anchor.column)
        if all(value.type is ColumnType.TEXT for value in values):
            column = self.terms.dialect.matched(column)
        return among(column, [self.terms.literal(value) for value in values])

    def same(self, left: ColumnOf, right: ColumnOf) -> str:
        """The equality of two key columns, on raw values."""
        return f"({self.terms.dialect.matched(self.terms.raw(left))} = {self.terms.raw(right)})"

    def keep(self, keep: Keep, alias: str) -> str:
        """The condition under which a row of the alias exists; unknown hides."""
        match keep:
            case KeepUnless(tests):
                hidden = every(self.column_test(test, alias) for test in tests)
                return f"coalesce(NOT {hidden}, {FALSE})"
            case KeepOnly(tests):
                return every(self.column_test(test, alias) for test in tests)
            case KeepWithParent():
                return self.with_parent(keep, alias)

    def with_parent(self, keep: KeepWithParent, alias: str) -> str:
        """The semi-join to the kept rows of a parent; a parent that is not held keeps nothing."""
        if keep.parent not in self.mapping:
            return FALSE
        self.parent_count += 1
        parent = f"parent{self.parent_count}"
        source = self.source(keep.parent)
        condition = every(
            (
                *(
                    self.same(ColumnOf(parent, key), ColumnOf(alias, column))
                    for key, column in zip(keep.keys, keep.columns, strict=True)
                ),
                *(self.keep(inner, parent) for inner in keep.keep),
            )
        )
        return f"EXISTS (SELECT 1 FROM {source} AS {quote(parent)} WHERE {condition})"

    def column_test(self, test: BoundTest, alias: str) -> str:
        """One test of a policy, on raw values."""
        column = self.terms.raw(ColumnOf(alias, ColumnName(test.column)))
        if test.op == "null":
            return f"({column} IS NULL)"
        if all(value.type is ColumnType.TEXT for value in test.values):
            column = self.terms.dialect.collated(column)
        values = [self.terms.literal(value) for value in test.values]
        match test.op:
            case "before":
                return f"({column} < {values[0]})"
            case "from":
                return f"({column} >= {values[0]})"
            case "to":
                return f"({column} <= {values[0]})"
            case "in":
                return among(column, values)
        raise CheckFailed(f"`{test.op}` is no test of a policy")


def _is_implied(keep: Keep, alias: str, bound: BoundFragment) -> bool:
    """Whether every joined row has, in another scan of it, the parent that the keep asks for.

    INVARIANT: exact also where a key is not unique, since each link is the very equality that the
    semi-join would test, and `keep` is part of what that scan keeps. It cannot go in a circle: what
    makes a keep implied is a part of it, hence smaller.
    """
    if not isinstance(keep, KeepWithParent):
        return False
    links = {(link.left, link.right) for link in bound.links}
    equal = links | {(right, left) for left, right in links}
    return any(
        scan.relation == keep.parent
        and all(
            (ColumnOf(scan.alias, key), ColumnOf(alias, column)) in equal
            for key, column in zip(keep.keys, keep.columns, strict=True)
        )
        and all(one in scan.keep for one in keep.keep)
        for scan in bound.scans
    )


def _view(relation: RelationName) -> str:
    return quote(f"narrows:{relation}")


def _own(value: TypedValue, anchor: Anchor, prefix: str) -> TypedValue | None:
    """The literal as this holder's tables have it, or None when it can match nothing here."""
    if value.value is None:
        return None
    if not anchor.is_id:
        return value
    text = str(value.value)
    return TypedValue(value.type, text.removeprefix(prefix)) if text.startswith(prefix) else None
