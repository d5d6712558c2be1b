"""Which declared key set a fragment's conjuncts match: the anchor of a lookup.

A key column counts as matched by a conjunct `column = value` or, where policy allows it,
`column IN (values)`, that stands at the top level of the fragment's filters. A conjunct under an
`OR` or a `NOT` is no match: it would turn an anchor into browsing.
"""

from dataclasses import dataclass

from narrows.core.plan.fragment import Among, ColumnOf, Comparison, Filter, Fragment
from narrows.core.policy.model import KeyColumn, KeyKind, KeySet, Lookup
from narrows.core.terms import TypedValue


@dataclass(frozen=True, slots=True)
class Match:
    """A conjunct that matches a key column with these literals, on raw values."""

    column: ColumnOf
    values: tuple[TypedValue, ...]
    conjunct: Filter
    at_most: int = 1


@dataclass(frozen=True, slots=True)
class Anchoring:
    """The key set that applies, and the conjuncts that it takes out of the filters."""

    key_set: KeySet
    matches: tuple[Match, ...]

    @property
    def literal_count(self) -> int:
        """How many literals the requester tries."""
        return sum(len(match.values) for match in self.matches)


def find_anchorings(fragment: Fragment, lookup: Lookup) -> tuple[Anchoring, ...]:
    """For each declared key set that the fragment matches in full, what matches it, in order.

    The columns of one relation are matched on one scan of it: a type matched on one use of
    `identifier` and a value on another would be no document at all.
    """
    found = (_anchoring(fragment, key_set) for key_set in lookup.by)
    return tuple(anchoring for anchoring in found if anchoring is not None)


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
        f"{key.relation}.{key.column}" + (" (optional)" * (key.kind is KeyKind.OPTIONAL_EQUAL))
        for key in key_set
    )


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
    """The matches of these columns on one scan, or None where one that is needed lacks."""
    matches: list[Match] = []
    for key in keys:
        column = ColumnOf(alias, key.column)
        found = [match for one in fragment.filters if (match := _match(one, key, column))]
        if not found and key.kind is not KeyKind.OPTIONAL_EQUAL:
            return None
        matches += found
    return matches


def _match(conjunct: Filter, key: KeyColumn, wanted: ColumnOf) -> Match | None:
    match conjunct:
        case Comparison("=", ColumnOf() as column, TypedValue() as value) if column == wanted:
            return Match(column, (value,), conjunct)
        case Comparison("=", TypedValue() as value, ColumnOf() as column) if column == wanted:
            return Match(column, (value,), conjunct)
        case Among(column, items) if column == wanted and key.kind is KeyKind.IN:
            values = tuple(item for item in items if isinstance(item, TypedValue))
            whole = len(values) == len(items)
            return Match(column, values, conjunct, key.at_most) if whole else None
    return None
