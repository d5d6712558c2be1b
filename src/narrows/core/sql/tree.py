"""The tree of a query: all that Narrows accepts, and nothing else can be said in it.

`parse` translates sqlglot's tree into this one, node by node; what has no class here is refused
there, by construction. `resolve` replaces every `Name` and `Star` by `Ref`, every `TableRef` by
`Scan` or `CteScan`, and `USING` by conditions, so that a `ResolvedQuery` holds none of those.

Trees are immutable; rules return new ones. `position` counts characters of the query from 0 and
takes no part in comparisons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TypeAlias, get_args

from narrows.core.terms import ColumnName, ColumnType, RelationName, TypedValue

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
ARITHMETIC = ("+", "-", "*", "/", "//", "%")
TEXT_OPERATORS = ("||", "LIKE", "ILIKE")


# --- expressions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """A column as written, before `resolve`."""

    qualifier: str | None
    name: str
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Star:
    """`*` or `alias.*` in a select list, before `resolve`; `count(*)` is a `Call` without arguments."""

    qualifier: str | None
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ref:
    """A column of the source with that alias; aliases are unique in the whole query.

    `type` is known where the column is a relation's own; a reference to a computed column of a
    subquery has None.
    """

    source: str
    column: str
    type: ColumnType | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the query's text."""

    value: TypedValue
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Null:
    """The literal NULL, which has no type of its own."""


@dataclass(frozen=True, slots=True)
class Param:
    """A named parameter, `:name`; its type is that of the value given with the request."""

    name: str
    type: ColumnType | None = None
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Today:
    """`CURRENT_DATE`: the day of the request's signed issue time in the federation's zone."""


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right`; `op` is of COMPARISONS, ARITHMETIC or TEXT_OPERATORS."""

    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more terms."""

    terms: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more terms."""

    terms: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a term; `NOT IN`, `NOT LIKE`, `NOT BETWEEN`, `NOT EXISTS` are spelled so."""

    term: "Expr"


@dataclass(frozen=True, slots=True)
class Negate:
    """Arithmetic minus."""

    term: "Expr"


@dataclass(frozen=True, slots=True)
class IsNull:
    """`term IS NULL`; `IS NOT NULL` is its `Not`."""

    term: "Expr"


@dataclass(frozen=True, slots=True)
class InList:
    """`term IN (items)`, with at least one item."""

    term: "Expr"
    items: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class InQuery:
    """`term IN (query)`, the query having one column."""

    term: "Expr"
    query: "Query"


@dataclass(frozen=True, slots=True)
class Exists:
    """`EXISTS (query)`."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class ScalarQuery:
    """A query in the place of a value."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class Between:
    """`term BETWEEN low AND high`."""

    term: "Expr"
    low: "Expr"
    high: "Expr"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an `ORDER BY`; `nulls_first` is always spelled out."""

    term: "Expr"
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Window:
    """What follows `OVER`. `frame` is one of the accepted frame texts, or empty."""

    partition: tuple["Expr", ...]
    order: tuple[SortKey, ...]
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the allow-list, by its lower-case DuckDB name."""

    function: str
    arguments: tuple["Expr", ...]
    distinct: bool = False
    order: tuple[SortKey, ...] = ()
    only: "Expr | None" = None
    """The condition of `FILTER (WHERE …)`."""
    over: Window | None = None


@dataclass(frozen=True, slots=True)
class When:
    """One arm of a `CASE`."""

    condition: "Expr"
    result: "Expr"


@dataclass(frozen=True, slots=True)
class Case:
    """`CASE [operand] WHEN … ELSE otherwise END`."""

    operand: "Expr | None"
    arms: tuple[When, ...]
    otherwise: "Expr | None"


@dataclass(frozen=True, slots=True)
class Cast:
    """`CAST(term AS type)`, to a canonical type."""

    term: "Expr"
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Extract:
    """`EXTRACT(part FROM term)`."""

    part: str
    term: "Expr"


_Leaf: TypeAlias = Name | Star | Ref | Literal | Null | Param | Today
_Logic: TypeAlias = And | Or | Not | IsNull | InList | InQuery | Exists | Between
_Value: TypeAlias = Binary | Negate | ScalarQuery | Call | Case | Cast | Extract
Expr: TypeAlias = _Leaf | _Logic | _Value


# --- sources -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableRef:
    """A relation or CTE as written, before `resolve`."""

    name: str
    alias: str
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Scan:
    """A relation of the catalog under an alias that is unique in the query."""

    alias: str
    relation: RelationName


@dataclass(frozen=True, slots=True)
class CteScan:
    """A common table expression, by its unique name, under a unique alias."""

    alias: str
    cte: str


@dataclass(frozen=True, slots=True)
class FragmentScan:
    """The released rows of one fragment, under its name; made by `split`, in merges only."""

    alias: str
    columns: tuple[ColumnName, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """A subquery in `FROM`; `columns` renames its outputs when it is not empty."""

    alias: str
    query: "Query"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """Two sources joined; `using` is empty after `resolve`, `on` None only for `cross`."""

    kind: str
    left: "Source"
    right: "Source"
    on: Expr | None = None
    using: tuple[str, ...] = ()


Source: TypeAlias = TableRef | Scan | CteScan | FragmentScan | Derived | Join


# --- queries -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """One column of a select list. `from_star` marks what only a star brought."""

    term: Expr
    name: str
    from_star: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """One `SELECT`; `order`, `limit` and `offset` belong to the `Query` around it."""

    items: tuple[Item, ...]
    source: Source | None
    distinct: bool = False
    where: Expr | None = None
    group: tuple[Expr, ...] = ()
    having: Expr | None = None


@dataclass(frozen=True, slots=True)
class SetOperation:
    """`left UNION|INTERSECT|EXCEPT [ALL] right`."""

    op: str
    every: bool
    """Whether `ALL` was said: duplicates stay."""
    left: "Query"
    right: "Query"


@dataclass(frozen=True, slots=True)
class Cte:
    """One `name AS (query)` of a `WITH`; never recursive."""

    name: str
    query: "Query"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A body with what may stand before and after it. Terms of `order` are resolved within it.

    After `resolve`, a sort key of a set operation is a `Ref` to the empty source, by the name of
    an output column.
    """

    body: Select | SetOperation
    ctes: tuple[Cte, ...] = ()
    order: tuple[SortKey, ...] = ()
    limit: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A query whose every name is bound to the whole public catalog, and its output columns."""

    query: Query
    outputs: tuple[str, ...]


Node: TypeAlias = (
    Expr | Source | Select | SetOperation | Query | Item | Cte | SortKey | Window | When
)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order in which they are written."""
    for part in fields(node):
        value = getattr(node, part.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, _NODE_CLASSES):
                yield one


def is_node(value: object) -> bool:
    """Whether a value is a node of this tree."""
    return isinstance(value, _NODE_CLASSES)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, parents first."""
    pending: list[Node] = [node]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(reversed(list(children(found))))


_NODE_CLASSES = get_args(Node)
