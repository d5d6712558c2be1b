"""Which declared key set a fragment's conjuncts match: the anchor of a lookup or a pointer.

A key counts as matched by a conjunct of its declared kind that stands at the top level of the
fragment's filters: `column = value`, `column IN (values)`, `column BETWEEN day AND day`,
`substr(column, 1, n) IN (values)`, `name_sim(columns, value) >= threshold`. A conjunct under an
`OR` or a `NOT` is no match: it would turn an anchor into browsing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from narrows.core.plan.fragment import (
    Among,
    ColumnOf,
    Comparison,
    Filter,
    FirstAmong,
    Fragment,
    Similar,
)
from narrows.core.policy.model import Grant, KeyColumn, KeyKind, KeySet
from narrows.core.terms import TypedValue


@dataclass(frozen=True, slots=True)
class Match:
    """The conjuncts that match a key on one scan, and their literals, on raw values."""

    key: KeyColumn
    columns: tuple[ColumnOf, ...]
    values: tuple[TypedValue, ...]
    conjuncts: tuple[Filter, ...]

    @property
    def column(self) -> ColumnOf:
        """The column; the first one of several."""
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class Anchoring:
    """The key set that applies, and the conjuncts that it takes out of the filters."""

    key_set: KeySet
    matches: tuple[Match, ...]

    @property
    def literal_count(self) -> int:
        """How many literals the requester tries."""
        return sum(len(match.values) for match in self.matches)

    @property
    def taken(self) -> frozenset[Filter]:
        """The conjuncts that are parameters of the view, and no filters any more."""
        return frozenset(one for match in self.matches for one in match.conjuncts)


def find_anchorings(fragment: Fragment, grant: Grant) -> tuple[Anchoring, ...]:
    """For each declared key set that the fragment matches in full, what matches it.

    Those that take most conjuncts come first, else in the policy's order: what a key set leaves
    over filters what is shown, which may be less than what another key set would match.
    The columns of one relation are matched on one scan of it: a type matched on one use of
    `identifier` and a value on another would be no document at all.
    """
    found = (_anchoring(fragment, key_set) for key_set in grant.by)
    matched = (anchoring for anchoring in found if anchoring is not None)
    return tuple(sorted(matched, key=lambda one: -len(one.taken)))


def is_connected(fragment: Fragment) -> bool:
    """Whether the links tie all scans together, so that an anchor on one holds all of them."""
    reached = {fragment.scans[0].alias}
    for _ in fragment.scans:
        for link in fragment.links:
            ends = {link.left.alias, link.right.alias}
            if ends & reached:
                reached |= ends
    return reached == {scan.alias for scan in fragment.scans}


def spell_key_set(key_set: KeySet) -> str:
    """A key set as a requester reads it: `identifier.ident_type and identifier.ident_value`."""
    return " and ".join(
        " + ".join(f"{key.relation}.{column}" for column in key.columns) + _how(key)
        for key in key_set
    )


def _how(key: KeyColumn) -> str:
    optional = " (optional)" * key.optional
    match key.kind:
        case KeyKind.WITHIN_DAYS:
            return f" within {2 * key.days} days{optional}"
        case KeyKind.FIRST:
            return f" by its first {key.length} characters{optional}"
        case KeyKind.SIMILAR:
            return f" by name_sim >= {key.at_least}{optional}"
    return optional


def _anchoring(fragment: Fragment, key_set: KeySet) -> Anchoring | None:
    matches: list[Match] = []
    for relation in dict.fromkeys(key.relation for key in key_set):
        keys = [key for key in key_set if key.relation == relation]
        aliases = [scan.alias for scan in fragment.scans if scan.relation == relation]
        on_scans = [on for alias in aliases if (on := _on_scan(fragment, keys, alias)) is not None]
        if not on_scans:
            return None
        matches += [match for on in on_scans for match in on]
    return Anchoring(key_set, tuple(matches)) if matches else None


def _on_scan(fragment: Fragment, keys: list[KeyColumn], alias: str) -> list[Match] | None:
    """The matches of these keys on one scan, or None where one that is needed lacks."""
    matches: list[Match] = []
    for key in keys:
        found = list(_matches(fragment, key, alias))
        if not found and not key.optional:
            return None
        matches += found
    return matches


def _matches(fragment: Fragment, key: KeyColumn, alias: str) -> Iterator[Match]:
    columns = tuple(ColumnOf(alias, column) for column in key.columns)
    if key.kind is KeyKind.WITHIN_DAYS:
        yield from _range(fragment, key, columns[0])
        return
    for conjunct in fragment.filters:
        values = _literals(conjunct, key, columns)
        if values is not None:
            yield Match(key, columns, values, (conjunct,))


def _literals(
    conjunct: Filter, key: KeyColumn, columns: tuple[ColumnOf, ...]
) -> tuple[TypedValue, ...] | None:
    """The literals of a conjunct that matches the key; None where it does not."""
    match conjunct, key.kind:
        case FirstAmong(term, length, items), KeyKind.FIRST if (term, length) == (
            columns[0],
            key.length,
        ):
            return _whole(items)
        case Similar(terms, TypedValue() as value, at_least), KeyKind.SIMILAR:
            # A threshold of the requester's own would find a name letter by letter.
            return (value,) if (terms, at_least) == (columns, key.at_least) else None
        case Among(term, items), KeyKind.IN if term == columns[0]:
            return _whole(items)
        case Comparison("="), KeyKind.EQUAL | KeyKind.IN:
            compared = _compared(conjunct, columns[0])
            return None if compared is None else (compared,)
    return None


def _range(fragment: Fragment, key: KeyColumn, column: ColumnOf) -> Iterator[Match]:
    """A day, or the days between two conjuncts `>=` and `<=`."""
    lows: list[tuple[TypedValue, Comparison]] = []
    highs: list[tuple[TypedValue, Comparison]] = []
    for conjunct in fragment.filters:
        if not isinstance(conjunct, Comparison) or conjunct.op not in ("=", ">=", "<="):
            continue
        value, op = _compared(conjunct, column), _facing(conjunct, column)
        if value is None:
            continue
        if op == "=":
            yield Match(key, (column,), (value,), (conjunct,))
        else:
            (lows if op == ">=" else highs).append((value, conjunct))
    if len(lows) == len(highs) == 1:
        (low, first), (high, second) = lows[0], highs[0]
        yield Match(key, (column,), (low, high), (first, second))


def _compared(conjunct: Comparison, column: ColumnOf) -> TypedValue | None:
    """The literal that the column is compared with; None for any other comparison."""
    sides = conjunct.left, conjunct.right
    if column not in sides:
        return None
    return next((side for side in sides if isinstance(side, TypedValue)), None)


def _facing(conjunct: Comparison, column: ColumnOf) -> str:
    """The operator as it reads with the column on the left."""
    turned = {"<=": ">=", ">=": "<="}
    return conjunct.op if conjunct.left == column else turned.get(conjunct.op, conjunct.op)


def _whole(items: tuple[object, ...]) -> tuple[TypedValue, ...] | None:
    values = tuple(item for item in items if isinstance(item, TypedValue))
    return values if len(values) == len(items) else None
