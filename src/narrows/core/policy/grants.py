"""How one grant reads a fragment: its anchor, its masks, and every reason against it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

from narrows.core.catalog import Catalog
from narrows.core.normal import normal_document, normal_name, normal_phone
from narrows.core.plan.fragment import (
    ColumnOf,
    Filter,
    Fragment,
    Similar,
    columns_of,
    leaves_of,
)
from narrows.core.policy.anchors import (
    Anchoring,
    Match,
    find_anchorings,
    is_connected,
    spell_key_set,
)
from narrows.core.policy.cascade import leads_to
from narrows.core.policy.definition import joins_as, ties_of
from narrows.core.policy.model import (
    AS_IS,
    Agreement,
    Cube,
    Form,
    Grant,
    KeyColumn,
    KeyKind,
    Mask,
    MaskKind,
    Normal,
    Policy,
)
from narrows.core.policy.subjects import field_of, subject_columns
from narrows.core.terms import HOLDER_COLUMN, ColumnName, RelationName, TypedValue

MOST_COMPARED = 200
"""The most characters of a literal that is reduced, or compared by likeness."""
MOST_PERSONS = 1000
"""The most combinations of literals that one question names."""
Shown = Mapping[RelationName, Mapping[ColumnName, Mask]]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a grant reads a fragment.

    `masks` are those of the columns that filters and outputs read, sorted; `withheld` the output
    columns that only a star brought and that are not shown; `then` says which of two pointers of one
    key is first. Without reasons the grant gives it.
    """

    anchoring: Anchoring | None = None
    masks: tuple[tuple[ColumnOf, Mask], ...] = ()
    withheld: tuple[ColumnOf, ...] = ()
    reasons: tuple[str, ...] = field(default=())
    then: tuple[tuple[ColumnOf, Mask], ...] = ()


def read_grant(
    policy: Policy, catalog: Catalog, fragment: Fragment, agreement: Agreement, grant: Grant
) -> Reading:
    """The anchor, the masks, and every reason why the grant does not give this fragment.

    Of several key sets that match, the first counts under which nothing stands in the way.
    """
    reader = _Reader(policy, catalog, fragment, agreement, grant)
    match grant.form:
        case Form.COUNT:
            return reader.of_cube()
        case Form.LIST:
            return reader.by(None)
    readings = [reader.by(found) for found in find_anchorings(fragment, grant) or (None,)]
    return next((found for found in readings if not found.reasons), readings[0])


def spell(fragment: Fragment, column: ColumnOf) -> str:
    """A column of a fragment as `relation.column`."""
    return f"{fragment.relation_of(column.alias)}.{column.column}"


def literal_of(key: KeyColumn, value: TypedValue) -> TypedValue | None:
    """The literal as the key compares it; None where it is not of the kind that is compared."""
    if not isinstance(value.value, str):
        return value
    match key.normal:
        case Normal.NAME:
            found: str | None = normal_name(value.value)
        case Normal.DOCUMENT:
            found = normal_document(value.value)
        case Normal.PHONE:
            found = normal_phone(value.value, key.region)
        case _:
            found = value.value
    if not found and key.normal is not Normal.NONE:
        return None
    return TypedValue(value.type, found)


@dataclass(frozen=True, slots=True)
class _Reader:
    policy: Policy
    catalog: Catalog
    fragment: Fragment
    agreement: Agreement
    grant: Grant

    def by(self, anchoring: Anchoring | None) -> Reading:
        """The fragment as read with that anchor; a list has none, and needs none."""
        taken = frozenset() if anchoring is None else anchoring.taken
        found = self._columns(self.grant.show, taken)
        needs_anchor = self.grant.form in (Form.LOOKUP, Form.POINTER)
        reasons = (
            *self._never(),
            *self._unlinked(anchoring),
            *(self._unanchored(anchoring) if needs_anchor else ()),
            *self._without_only(),
            *self._starred(),
            *self._without_told(),
            *(self._more_than_anchors(taken) if self.grant.form is Form.POINTER else ()),
            *found.reasons,
        )
        then = self._then() if self.grant.form is Form.POINTER else ()
        return Reading(anchoring, found.masks, found.withheld, reasons, then)

    def of_cube(self) -> Reading:
        """The fragment over the cells of a cube, which must be of exactly its relations."""
        cube = self.policy.cube(self.grant.cube)
        assert cube is not None  # INVARIANT: the language checks it
        found = self._columns(_shown_by(cube), frozenset())
        reasons: list[str] = []
        if not joins_as(cube, self.catalog, self.fragment):
            named = ", ".join(f"`{name}`" for name in cube.relations)
            tied = " AND ".join(
                f"{left[0]}.{left[1]} = {right[0]}.{right[1]}"
                for left, right in ties_of(cube, self.catalog) or ()
            )
            how = f", joined by {tied}" if tied else ""
            reasons.append(f"the cube `{cube.id}` is of {named} together, each once{how}")
        return Reading(
            None, found.masks, found.withheld, (*self._never(), *reasons, *found.reasons)
        )

    def _columns(self, show: Shown, taken: Collection[Filter]) -> Reading:
        """The masks of what is read, and a reason for each column that is named and not shown."""
        read = {
            column
            for conjunct in self.fragment.filters
            if conjunct not in taken
            for column in columns_of(conjunct)
        }
        withheld: list[ColumnOf] = []
        hidden: set[ColumnOf] = set()
        for output in self.fragment.outputs:
            if self._mask(show, output.column) is not None:
                read.add(output.column)
            elif output.star:
                withheld.append(output.column)
            else:
                hidden.add(output.column)
        hidden |= {column for column in read if self._mask(show, column) is None}
        masks = tuple(
            (column, mask)
            for column in sorted(read - hidden)
            if (mask := self._mask(show, column)) is not None
        )
        reasons = tuple(
            f"`{spell(self.fragment, column)}` is not shown under `{self.agreement.id}`"
            for column in sorted(hidden)
        )
        return Reading(None, masks, tuple(withheld), (*reasons, *self._too_long()))

    def _too_long(self) -> Iterator[str]:
        """Likeness is measured row by row, by the node itself: of names, and not of books."""
        leaves = (leaf for found in self.fragment.filters for leaf in leaves_of(found))
        alike = (leaf.value for leaf in leaves if isinstance(leaf, Similar))
        texts = (value.value for value in alike if isinstance(value, TypedValue))
        if any(isinstance(text, str) and len(text) > MOST_COMPARED for text in texts):
            yield f"`name_sim` compares with at most {MOST_COMPARED} characters"

    def _then(self) -> tuple[tuple[ColumnOf, Mask], ...]:
        """All that is shown of the scans, by relation and place in the catalog."""
        return tuple(
            (column, mask)
            for scan in sorted(self.fragment.scans, key=lambda one: one.relation)
            for found in self.catalog.relations[scan.relation].columns
            if found.name != HOLDER_COLUMN
            and (mask := self._mask(self.grant.show, column := ColumnOf(scan.alias, found.name)))
            is not None
            and mask.kind is not MaskKind.NULL
        )

    def _mask(self, show: Shown, column: ColumnOf) -> Mask | None:
        if column.column == HOLDER_COLUMN:
            return AS_IS
        relation = self.fragment.relation_of(column.alias)
        if any(never.covers(relation, column.column) for never in self.policy.never_columns):
            return None
        return show.get(relation, {}).get(column.column)

    def _never(self) -> Iterator[str]:
        """A reason for each relation, link and match that a `never` forbids."""
        for never in self.policy.never_columns:
            if not never.columns and never.relation in self.fragment.relations:
                yield f"`{never.relation}` is never used: {never.because}"
                continue
            used = {
                column for link in self.fragment.links for column in (link.left, link.right)
            } | {column for found in self.fragment.filters for column in columns_of(found)}
            for column in sorted(used):
                if never.covers(self.fragment.relation_of(column.alias), column.column):
                    yield f"`{spell(self.fragment, column)}` is never used: {never.because}"

    def _unanchored(self, anchoring: Anchoring | None) -> Iterator[str]:
        agreement, grant = self.agreement.id, self.grant
        if anchoring is None:
            ways = "; or ".join(
                spell_key_set(key_set)
                for key_set in grant.by
                if {key.relation for key in key_set} <= self.fragment.relations
            )
            ways = ways or "; or ".join(spell_key_set(key_set) for key_set in grant.by)
            yield f"nothing is matched that `{agreement}` looks up by: match {ways}"
            return
        for match in anchoring.matches:
            yield from self._bad_literals(match)
        if prod(len(match.values) for match in anchoring.matches) > MOST_PERSONS:
            yield f"a question names at most {MOST_PERSONS} combinations of literals"
        if anchoring.literal_count > grant.literal_cap:
            yield (
                f"`{agreement}` takes at most {grant.literal_cap} literals, "
                f"and the question has {anchoring.literal_count}"
            )

    def _bad_literals(self, match: Match) -> Iterator[str]:
        key, name = match.key, spell(self.fragment, match.column)
        if len(match.values) > key.at_most:
            yield (
                f"`{self.agreement.id}` takes at most {key.at_most} literals for `{name}`, and the "
                f"question has {len(match.values)}"
            )
        spelled = [value.value for value in match.values if isinstance(value.value, str)]
        if key.normal is not Normal.NONE and any(len(text) > MOST_COMPARED for text in spelled):
            # Not reduced at all: the work would be the requester's to choose.
            yield f"`{name}` is matched by at most {MOST_COMPARED} characters"
            return
        compared = [literal_of(key, value) for value in match.values]
        if any(value is None for value in compared):
            yield f"`{name}` is matched by a {key.normal}, and a literal is none"
        texts = [one.value for one in compared if one is not None and isinstance(one.value, str)]
        if any(len(text) < key.min_length for text in texts):
            yield f"`{name}` is matched by at least {key.min_length} characters"
        if key.kind is KeyKind.WITHIN_DAYS and len(match.values) == 2:
            low, high = (value.value for value in match.values)
            width = high.toordinal() - low.toordinal() if low and high else 0  # type: ignore[union-attr]
            if width > 2 * key.days:
                yield f"`{name}` is matched within {2 * key.days} days, and no wider"

    def _more_than_anchors(self, taken: Collection[Filter]) -> Iterator[str]:
        """A pointer is the same whatever else its row may say: a filter would sound it out."""
        for conjunct in self.fragment.filters:
            if conjunct not in taken:
                names = ", ".join(f"`{spell(self.fragment, c)}`" for c in columns_of(conjunct))
                yield f"a pointer is found by its key alone, and the question tests {names} too"

    def _starred(self) -> Iterator[str]:
        """A star asks for whatever there is, and not for what a purpose needs."""
        if self.agreement.named_columns_only and any(one.star for one in self.fragment.outputs):
            yield f"`{self.agreement.id}` gives columns by their names, and the question has a star"

    def _without_only(self) -> Iterator[str]:
        """What a grant gives of some rows, it gives with what says or tells by reference which."""
        for only in self.grant.only:
            asked = self.fragment.relations
            if not any(leads_to(self.catalog, one, only.relation) for one in asked):
                yield f"`{self.agreement.id}` gives this together with `{only.relation}` alone"

    def _without_told(self) -> Iterator[str]:
        """What must be told of each row, or entered, must be there to be read."""
        told = set(self.grant.show) if self.grant.notify else set()
        for relation in sorted(told - self.fragment.relations):
            yield (
                f"`{self.agreement.id}` tells both units, and points together with `{relation}` "
                "alone"
            )
        if self.grant.entry_for is not None:
            field = field_of(self.catalog, *self.grant.entry_for)
            if field not in subject_columns(self.catalog, self.fragment).values():
                relation = self.grant.entry_for[0]
                yield f"`{self.agreement.id}` gives this together with `{relation}` alone"

    def _unlinked(self, anchoring: Anchoring | None) -> Iterator[str]:
        """A single relation needs no link; several may be linked only where every one is listed."""
        fragment, agreement = self.fragment, self.agreement.id
        if not is_connected(fragment):
            yield f"`{agreement}` gives no relations that nothing ties together"
            return
        counts = Counter(scan.relation for scan in fragment.scans)
        repeated = [name for name, count in counts.items() if count > 1]
        # A second use leads on: from a suspect to the file, and from the file to everybody in it.
        for name in repeated:
            yield (
                f"`{name}` may stand once in what `{agreement}` gives: a second use leads to "
                "others than the one who is looked up"
            )
        if repeated:
            return
        allowed = self.grant.link
        if len(fragment.scans) == 1:
            keys = () if anchoring is None else anchoring.key_set
            allowed = allowed | {key.relation for key in keys} | set(self.grant.show)
        for relation in sorted(fragment.relations - allowed):
            yield f"`{relation}` may not be linked under `{agreement}`"


def _shown_by(cube: Cube) -> Shown:
    """What a cube's cells show: dimensions through their masks, means, and counted units."""
    shown = {relation: dict(masks) for relation, masks in cube.group.items()}
    for measure in cube.measures:
        shown.setdefault(measure.relation, {})[measure.column] = AS_IS
    shown.setdefault(cube.unit[0], {})[cube.unit[1]] = AS_IS
    return shown
