"""A fragment bound to one holder's release views: the only thing that a node runs.

INVARIANT: only `policy/bind.py` makes a `BoundFragment`; a test reads the source for it. So a
fragment that skipped the policy is a type error wherever fragments are compiled or sent.

A bound fragment means, for relations `T` as the mapping gives them:

1. of each scan keep the rows that every `Keep` keeps (`never` and its cascade; unknown hides);
2. join them by the links, on raw keys; apply the anchors, on raw values;
3. where that selects more rows than the guard allows, refuse;
4. read every column through its mask; ids as `holder:raw`; `holder` is the holder's name;
5. apply the filters to what was so read; give the outputs, sorted by all of them in the order of
   the outputs, ascending, NULL first, text by code point.

The canonical bytes are compared with those of the gateway, never parsed.
"""

from dataclasses import dataclass
from typing import TypeAlias

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.plan.fragment import (
    ColumnOf,
    Filter,
    Link,
    encode_filter,
    encode_operand,
)
from narrows.core.policy.model import Mask
from narrows.core.terms import ColumnName, ColumnType, Digest, Holder, RelationName, TypedValue

BOUND_FORMAT = "narrows/bound/v1"


@dataclass(frozen=True, slots=True)
class BoundTest:
    """One column test with its day filled in; `op` is `in`, `before` or `null`."""

    column: ColumnName
    op: str
    values: tuple[TypedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepUnless:
    """Keeps a row only where the conjunction of the tests is known to be false."""

    tests: tuple[BoundTest, ...]


@dataclass(frozen=True, slots=True)
class KeepWithParent:
    """Keeps a row only where a kept row of `parent` has, in `keys`, what `columns` hold."""

    columns: tuple[ColumnName, ...]
    parent: RelationName
    keys: tuple[ColumnName, ...]
    keep: tuple["Keep", ...]


Keep: TypeAlias = KeepUnless | KeepWithParent


@dataclass(frozen=True, slots=True)
class BoundScan:
    """One use of a relation, and which of its rows exist for this request."""

    alias: str
    relation: RelationName
    keep: tuple[Keep, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A key column and the literals that it must equal one of, on raw values.

    Literals for an id are spelled `holder:raw`; one of another holder matches nothing here.
    """

    column: ColumnOf
    values: tuple[TypedValue, ...]
    is_id: bool = False


@dataclass(frozen=True, slots=True)
class ReleasedColumn:
    """A column as filters and outputs read it: its type, its mask, whether it is an id."""

    column: ColumnOf
    type: ColumnType
    mask: Mask
    is_id: bool


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
class BoundFragment:
    """See the module's text. `columns` are sorted; they hold all that filters and outputs read."""

    holder: Holder
    fragment: Digest
    policy_version: int
    agreement: str
    scans: tuple[BoundScan, ...]
    links: tuple[Link, ...]
    anchors: tuple[Anchor, ...]
    columns: tuple[ReleasedColumn, ...]
    filters: tuple[Filter, ...]
    outputs: tuple[BoundOutput, ...]
    guard: Cap

    def released(self, column: ColumnOf) -> ReleasedColumn:
        """How that column is read. Needs: it is one of `columns`."""
        return next(found for found in self.columns if found.column == column)


def encode_bound(bound: BoundFragment) -> bytes:
    """The canonical bytes of the rewriting, which gateway and node must agree on."""
    return canonical_bytes(
        {
            "v": BOUND_FORMAT,
            "holder": bound.holder,
            "fragment": bound.fragment.hex(),
            "policy_version": bound.policy_version,
            "agreement": bound.agreement,
            "scans": [
                [scan.alias, scan.relation, [_keep(keep) for keep in scan.keep]]
                for scan in bound.scans
            ],
            "links": [
                [encode_operand(link.left), encode_operand(link.right)] for link in bound.links
            ],
            "anchors": [
                [
                    encode_operand(anchor.column),
                    [encode_operand(value) for value in anchor.values],
                    anchor.is_id,
                ]
                for anchor in bound.anchors
            ],
            "columns": [
                [encode_operand(found.column), found.type.value, str(found.mask), found.is_id]
                for found in bound.columns
            ],
            "filters": [encode_filter(found) for found in bound.filters],
            "outputs": [
                [output.name, encode_operand(output.column), output.type.value, output.withheld]
                for output in bound.outputs
            ],
            "guard": {"cap": bound.guard.rows},
        }
    )


def _keep(keep: Keep) -> Json:
    match keep:
        case KeepUnless():
            return {
                "unless": [
                    [test.column, test.op, [encode_operand(value) for value in test.values]]
                    for test in keep.tests
                ]
            }
        case KeepWithParent():  # pragma: no branch - INVARIANT: closed union
            return {
                "columns": list(keep.columns),
                "parent": keep.parent,
                "keys": list(keep.keys),
                "keep": [_keep(inner) for inner in keep.keep],
            }
