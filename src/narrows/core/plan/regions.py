"""The parts of a `FROM` that inner joins hold together, and how they are put back.

A region is a maximal tree of inner and cross joins: its leaves may be joined in any order, and a
condition over them may stand anywhere in it. An outer join separates regions; `holder` and keys
are not to be trusted across it, since its nullable side may be all NULL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from narrows.core.plan.pushdown import conjuncts, sources_of
from narrows.core.sql import tree


@dataclass(frozen=True, slots=True)
class Region:
    """Leaves in order of appearance, and the conditions that stand in the region."""

    leaves: tuple[tree.Source, ...]
    conditions: tuple[tree.Expr, ...]


def region_of(source: tree.Source) -> Region:
    """The region at the top of a source; outer joins and subqueries are leaves of it."""
    match source:
        case tree.Join(kind, left, right, on) if kind in ("inner", "cross"):
            one, other = region_of(left), region_of(right)
            return Region(
                one.leaves + other.leaves, one.conditions + other.conditions + conjuncts(on)
            )
    return Region((source,), ())


def join_again(
    leaves: Sequence[tree.Source],
    conditions: Sequence[tree.Expr],
    scans: Mapping[str, frozenset[str]],
) -> tree.Source:
    """The leaves joined from left to right, each condition where its last leaf comes in.

    `scans` gives, for a fragment, the aliases of its scans, by which conditions still name it.
    A condition that reads an alias of none of the leaves (it is correlated) stands at the end.
    """
    names = [
        frozenset(name for alias in aliases_of(leaf) for name in scans.get(alias, {alias}))
        for leaf in leaves
    ]
    everything = frozenset[str]().union(*names)
    pending = list(conditions)
    source, seen = leaves[0], names[0]
    for place, (leaf, aliases) in enumerate(zip(leaves[1:], names[1:], strict=True), start=2):
        seen |= aliases
        is_last = place == len(leaves)
        ready = [c for c in pending if is_last or (sources_of(c) & everything) <= seen]
        pending = [c for c in pending if c not in ready]
        source = _join(source, leaf, ready)
    return source


def all_of(conditions: Sequence[tree.Expr]) -> tree.Expr | None:
    """The conjunction of the conditions; None for none."""
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else tree.And(tuple(conditions))


def aliases_of(source: tree.Source) -> Iterator[str]:
    """Every alias that a source brings into sight."""
    match source:
        case tree.Join():
            yield from aliases_of(source.left)
            yield from aliases_of(source.right)
        case _:
            yield source.alias


def _join(left: tree.Source, right: tree.Source, ready: Sequence[tree.Expr]) -> tree.Join:
    on = all_of(ready)
    return tree.Join("cross" if on is None else "inner", left, right, on)


def with_sides(join: tree.Join, left: tree.Source, right: tree.Source) -> tree.Join:
    """The join over other sides."""
    return replace(join, left=left, right=right)
