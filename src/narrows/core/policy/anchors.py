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


@dataclass(frozen=True, slots=True)
class Anchoring:
    """The key set that applies, and the conjuncts that it takes out of the filters."""

    key_set: KeySet
    matches: tuple[Match, ...]

    @property
    def literal_count(self) -> int:
        """How many literals the requester tries."""
        return sum(len(match.values) for match in self.matches)


def find_anchoring(fragment: Fragment, lookup: Lookup) -> Anchoring | None:
    """The first declared key set that the fragment matches in full, or None."""
    for key_set in lookup.by:
        matches: list[Match] = []
        for key in key_set:
            found = _matches(fragment, key)
            if not found and key.kind is not KeyKind.OPTIONAL_EQUAL:
                break
            matches.extend(found)
        else:
            return Anchoring(key_set, tuple(matches))
    return None


def spell_key_set(key_set: KeySet) -> str:
    """A key set as a requester reads it: `identifier.ident_type and identifier.ident_value`."""
    return " and ".join(
        f"{key.relation}.{key.column}" + (" (optional)" * (key.kind is KeyKind.OPTIONAL_EQUAL))
        for key in key_set
    )


def _matches(fragment: Fragment, key: KeyColumn) -> list[Match]:
    columns = {
        ColumnOf(scan.alias, key.column) for scan in fragment.scans if scan.relation == key.relation
    }
    found = (_match(conjunct, key) for conjunct in fragment.filters)
    return [match for match in found if match is not None and match.column in columns]


def _match(conjunct: Filter, key: KeyColumn) -> Match | None:
    match conjunct:
        case Comparison("=", ColumnOf() as column, TypedValue() as value):
            return Match(column, (value,), conjunct)
        case Comparison("=", TypedValue() as value, ColumnOf() as column):
            return Match(column, (value,), conjunct)
        case Among(column, items) if key.kind is KeyKind.IN:
            values = tuple(item for item in items if isinstance(item, TypedValue))
            return Match(column, values, conjunct) if len(values) <= key.at_most else None
    return None
