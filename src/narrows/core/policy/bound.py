"""A fragment bound to one holder's release views: the only thing that a node runs.

INVARIANT: only `policy/bind.py` makes a `BoundFragment`; a test reads the source for it. So a
fragment that skipped the policy is a type error wherever fragments are compiled or sent.

A bound fragment means, for relations `T` as the mapping gives them:

1. of each scan keep the rows that every `Keep` keeps (`never` and its cascade, and the rows that
   the grant is about; unknown hides);
2. join them by the links, on raw keys; apply the anchors, on raw values;
3. the guard: where that selects more rows than a `Cap` allows, refuse; of a `First`, take the
   first row; an `Edition` stands for the cells of a published cube instead of steps 1 and 2;
4. read every column through its mask; ids as `holder:raw`; `holder` is the holder's name;
5. apply the filters to what was so read; what passes is released: the outputs of each row;
6. gather and rank those as the fragment asks (`gather.py`), and give them, sorted by all columns in
   their order, ascending, NULL first, text by code point.

The canonical bytes (`bound_form`) are compared with those of the gateway, never parsed.
"""

from dataclasses import dataclass
from typing import TypeAlias

from narrows.core.plan.fragment import ColumnOf, Filter, Link, Similar, leaves_of
from narrows.core.plan.shape import Columns, Gather, Top, columns_after
from narrows.core.policy.model import Mask, MaskKind, Normal
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    TypedValue,
)


@dataclass(frozen=True, slots=True)
class BoundTest:
    """One column test with its day filled in; `op` as in `ColumnTest`."""

    column: ColumnName
    op: str
    values: tuple[TypedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepUnless:
    """Keeps a row only where the conjunction of the tests is known to be false."""

    tests: tuple[BoundTest, ...]


@dataclass(frozen=True, slots=True)
class KeepOnly:
    """Keeps a row only where every test is known to be true."""

    tests: tuple[BoundTest, ...]


@dataclass(frozen=True, slots=True)
class KeepWithParent:
    """Keeps a row only where a kept row of `parent` has, in `keys`, what `columns` hold."""

    columns: tuple[ColumnName, ...]
    parent: RelationName
    keys: tuple[ColumnName, ...]
    keep: tuple["Keep", ...]


Keep: TypeAlias = KeepUnless | KeepOnly | KeepWithParent


@dataclass(frozen=True, slots=True)
class BoundScan:
    """One use of a relation, and which of its rows exist for this request."""

    alias: str
    relation: RelationName
    keep: tuple[Keep, ...]


# --- anchors: all on raw values; a value that is NULL matches nothing ------------------------


@dataclass(frozen=True, slots=True)
class Anchor:
    """A key column and the literals that it must equal one of.

    Literals for an id are spelled `holder:raw`; one of another holder matches nothing here.
    """

    column: ColumnOf
    values: tuple[TypedValue, ...]
    is_id: bool = False


@dataclass(frozen=True, slots=True)
class RangeAnchor:
    """A day that lies between two, both included."""

    column: ColumnOf
    low: TypedValue
    high: TypedValue


@dataclass(frozen=True, slots=True)
class FirstAnchor:
    """A text whose first `length` characters are one of the literals."""

    column: ColumnOf
    length: int
    values: tuple[TypedValue, ...]


@dataclass(frozen=True, slots=True)
class NormalAnchor:
    """A text that is one of the literals once both are reduced; these are reduced already."""

    column: ColumnOf
    normal: Normal
    values: tuple[TypedValue, ...]


@dataclass(frozen=True, slots=True)
class SimilarAnchor:
    """Texts, joined by blanks, that are at least so like the literal (`normal.name_sim`)."""

    columns: tuple[ColumnOf, ...]
    value: TypedValue
    at_least: float


EngineAnchor: TypeAlias = Anchor | RangeAnchor | FirstAnchor
NodeAnchor: TypeAlias = NormalAnchor | SimilarAnchor
AnyAnchor: TypeAlias = EngineAnchor | NodeAnchor
"""An `EngineAnchor` is applied by the engine; a `NodeAnchor` by the node, on what that selects."""


# --- what is read and given ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReleasedColumn:
    """A column as filters and outputs read it: its type, its mask, whether it is an id.

    `scope` names for whom, for what and for when a pseudonym stands.
    """

    column: ColumnOf
    type: ColumnType
    mask: Mask
    is_id: bool
    scope: str = ""


@dataclass(frozen=True, slots=True)
class BoundOutput:
    """One column of the rows that leave. `withheld` ones are NULL of their type."""

    name: ColumnName
    column: ColumnOf
    type: ColumnType
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Cap:
    """A guard: more than `rows` selected rows are a refusal."""

    rows: int


@dataclass(frozen=True, slots=True)
class First:
    """A guard: of the selected rows only the first by these columns, ascending, NULL last.

    Where a key that should be unique is not, the first by `then` as it is shown: all that is
    shown of the scans, whatever the question names. Else the order of the holder's disk would tell.
    """

    by: tuple[ColumnOf, ...]
    then: tuple[ReleasedColumn, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """A guard: the rows stand for the cells of the holder's current edition of that cube."""

    cube: str


Guard: TypeAlias = Cap | First | Edition

_IN_THE_NODE = (MaskKind.BUCKET, MaskKind.ROUND, MaskKind.PSEUDONYM)


@dataclass(frozen=True, slots=True)
class BoundFragment:
    """See the module's text. `columns` are sorted; they hold all that filters and outputs read."""

    holder: Holder
    fragment: Digest
    policy_version: int
    agreement: str
    scans: tuple[BoundScan, ...]
    links: tuple[Link, ...]
    anchors: tuple[AnyAnchor, ...]
    columns: tuple[ReleasedColumn, ...]
    filters: tuple[Filter, ...]
    outputs: tuple[BoundOutput, ...]
    guard: Guard
    gather: Gather | None = None
    top: Top | None = None

    @property
    def output_columns(self) -> Columns:
        """Name and type of what each released row holds."""
        return tuple((output.name, output.type) for output in self.outputs)

    @property
    def columns_that_leave(self) -> Columns:
        """Name and type of each column of the rows that leave."""
        return columns_after(self.gather, self.output_columns)

    def released(self, column: ColumnOf) -> ReleasedColumn:
        """How that column is read. Needs: it is one of `columns`."""
        return next(found for found in self.columns if found.column == column)

    @property
    def engine_anchors(self) -> tuple[EngineAnchor, ...]:
        """The anchors that every engine can apply."""
        return tuple(one for one in self.anchors if isinstance(one, EngineAnchor))

    @property
    def node_anchors(self) -> tuple[NodeAnchor, ...]:
        """The anchors that the node applies to what the others select."""
        return tuple(one for one in self.anchors if isinstance(one, NodeAnchor))

    @property
    def is_finished_by_node(self) -> bool:
        """Whether some step means the same everywhere only when the node itself takes it.

        Then the engine gives raw columns, and the node anchors, masks and filters (`finish`).
        """
        return (
            isinstance(self.guard, First)
            or bool(self.node_anchors)
            or any(found.mask.kind in _IN_THE_NODE for found in self.columns)
            or any(isinstance(leaf, Similar) for one in self.filters for leaf in leaves_of(one))
        )

    @property
    def raw_columns(self) -> tuple[ColumnOf, ...]:
        """What the engine gives where the node finishes: all that `finish` reads, sorted."""
        anchored = (
            column
            for anchor in self.anchors
            for column in (
                anchor.columns if isinstance(anchor, SimilarAnchor) else (anchor.column,)
            )
        )
        # What is shown as NULL is never read, however it is stored; filters read `columns` alone.
        read = (found.column for found in self.columns if found.mask.kind is not MaskKind.NULL)
        guard = self.guard
        ordered = (
            (*guard.by, *(one.column for one in guard.then)) if isinstance(guard, First) else ()
        )
        every = {*anchored, *read, *ordered}
        return tuple(sorted(column for column in every if column.column != HOLDER_COLUMN))
