"""A fragment bound to the release views of one decision. The only maker of a `BoundFragment`.

What a decision does not show is absent from the view, so nothing here looks for hidden columns:
a filter or output that would read one did not pass `decide`, and is refused again here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from narrows.core.catalog import Catalog, Column
from narrows.core.plan.fragment import ColumnOf, Fragment, columns_of, fragment_digest
from narrows.core.policy.anchors import Match
from narrows.core.policy.bound import (
    Anchor,
    AnyAnchor,
    BoundFragment,
    BoundOutput,
    BoundScan,
    Cap,
    Edition,
    First,
    FirstAnchor,
    Guard,
    NormalAnchor,
    RangeAnchor,
    ReleasedColumn,
    SimilarAnchor,
)
from narrows.core.policy.cascade import keeps_of, only_of, without_hidden_parents
from narrows.core.policy.cubes import column_at, layout_of
from narrows.core.policy.decide import applicable, choose_grant, decide
from narrows.core.policy.decision import Circumstances, Decision, Requester
from narrows.core.policy.definition import definition_of, links_of
from narrows.core.policy.grants import literal_of
from narrows.core.policy.model import (
    AS_IS,
    Cube,
    Form,
    Grant,
    KeyKind,
    Mask,
    MaskKind,
    Normal,
    Policy,
)
from narrows.core.terms import ColumnName, ColumnType, MemberName, Purpose
from narrows.errors import CheckFailed


def decide_and_bind(
    policy: Policy, catalog: Catalog, fragment: Fragment, circumstances: Circumstances
) -> tuple[Decision, BoundFragment | None]:
    """What the policy says, and the bound fragment where it releases: the same everywhere."""
    decision = decide(policy, catalog, fragment, circumstances)
    if not decision.releases:
        return decision, None
    return decision, bind(policy, catalog, fragment, circumstances, decision)


def bind(
    policy: Policy,
    catalog: Catalog,
    fragment: Fragment,
    circumstances: Circumstances,
    decision: Decision,
) -> BoundFragment:
    """The fragment over release views. Needs: `decision` is `decide`'s, and releases.

    Raises: CheckFailed where the decision releases nothing, or does not fit the fragment.
    """
    agreement, _ = applicable(policy, circumstances)
    if agreement is None or not decision.releases or decision.agreement != agreement.id:
        raise CheckFailed("a fragment cannot be bound without a decision that releases it")
    grant, reading = choose_grant(policy, catalog, fragment, agreement, circumstances)
    if grant is None or reading.reasons:
        raise CheckFailed("a fragment cannot be bound that its agreement does not give")
    matches = () if reading.anchoring is None else reading.anchoring.matches
    taken = frozenset() if reading.anchoring is None else reading.anchoring.taken
    binding = _Binding(catalog, fragment, circumstances)
    bound = BoundFragment(
        holder=policy.agency,
        fragment=fragment_digest(fragment),
        policy_version=policy.version,
        agreement=agreement.id,
        scans=tuple(
            BoundScan(
                scan.alias,
                scan.relation,
                (
                    *keeps_of(policy, catalog, scan.relation, circumstances),
                    *without_hidden_parents(
                        only_of(
                            grant.only, catalog, scan.relation, fragment.relations, circumstances
                        ),
                        policy,
                        catalog,
                        circumstances,
                    ),
                ),
            )
            for scan in fragment.scans
        ),
        links=fragment.links,
        anchors=tuple(binding.anchor(match) for match in matches),
        columns=tuple(binding.released(column, mask) for column, mask in reading.masks),
        filters=tuple(found for found in fragment.filters if found not in taken),
        outputs=tuple(
            BoundOutput(
                output.name,
                output.column,
                binding.type_of(output.column),
                withheld=output.column in reading.withheld,
            )
            for output in fragment.outputs
        ),
        guard=binding.guard(grant, reading.then),
        gather=fragment.gather,
        top=fragment.top,
    )
    _check_closed(bound)
    return bound


MOST_CUBE_ROWS = 1_000_000
"""The most joined rows that a cube is built of."""


def bind_cube(policy: Policy, catalog: Catalog, cube: Cube, day: date) -> BoundFragment:
    """The raw rows of a cube, in the order of its layout's columns: for its holder alone.

    What `never` and the cube's own rows hide on that day is not among them.
    INVARIANT: `node/cubes.py` alone reads it, and makes cells of it; no row of it ever leaves.
    """
    who = Requester(MemberName(policy.agency), "", "")
    circumstances = Circumstances(who, Purpose(""), Form.COUNT, day, frozenset())
    aliases = {relation: f"t{n}" for n, relation in enumerate(cube.relations, 1)}
    read = []
    for path in layout_of(cube, catalog).paths:
        found = column_at(catalog, path)
        column = ColumnOf(aliases[path[0]], path[1])
        read.append(ReleasedColumn(column, found.type, AS_IS, found.is_id))
    return BoundFragment(
        holder=policy.agency,
        fragment=definition_of(policy, catalog, cube),
        policy_version=policy.version,
        agreement=cube.id,
        scans=tuple(
            BoundScan(
                alias,
                relation,
                (
                    *keeps_of(policy, catalog, relation, circumstances),
                    *only_of(cube.only, catalog, relation, cube.relations, circumstances),
                ),
            )
            for relation, alias in aliases.items()
        ),
        links=links_of(cube, catalog),
        anchors=(),
        columns=tuple(sorted(read, key=lambda one: one.column)),
        filters=(),
        outputs=tuple(
            BoundOutput(ColumnName(f"{one.column.alias}_{one.column.column}"), one.column, one.type)
            for one in read
        ),
        guard=Cap(MOST_CUBE_ROWS),
    )


def _check_closed(bound: BoundFragment) -> None:
    """Nothing, when filters and outputs read released columns only.

    INVARIANT: this holds by `read_fragment`; were that ever wrong, nothing leaves.
    """
    released = {found.column for found in bound.columns}
    read = {column for found in bound.filters for column in columns_of(found)}
    read |= {output.column for output in bound.outputs if not output.withheld}
    if not read <= released:  # pragma: no cover - INVARIANT: as above
        raise CheckFailed("a bound fragment would read a column that is not released")


@dataclass(frozen=True, slots=True)
class _Binding:
    """What the parts of one binding need of the catalog and of the request."""

    catalog: Catalog
    fragment: Fragment
    circumstances: Circumstances

    def anchor(self, match: Match) -> AnyAnchor:
        """A match as a parameter of the view, its literals as the key compares them."""
        key, column = match.key, match.column
        values = tuple(one for value in match.values if (one := literal_of(key, value)) is not None)
        match key.kind:
            case KeyKind.SIMILAR:
                return SimilarAnchor(match.columns, values[0], key.at_least)
            case KeyKind.WITHIN_DAYS:
                return RangeAnchor(column, values[0], values[-1])
            case KeyKind.FIRST:
                return FirstAnchor(column, key.length, values)
        if key.normal in (Normal.NAME, Normal.DOCUMENT):
            return NormalAnchor(column, key.normal, values)
        return Anchor(column, values, self._column(column).is_id)

    def released(self, column: ColumnOf, mask: Mask) -> ReleasedColumn:
        """How a column is read."""
        found = self._column(column)
        scope = self._scope(column, mask) if mask.kind is MaskKind.PSEUDONYM else ""
        return ReleasedColumn(column, found.type, mask, found.is_id, scope)

    def type_of(self, column: ColumnOf) -> ColumnType:
        """The type of a column."""
        return self._column(column).type

    def guard(self, grant: Grant, then: Iterable[tuple[ColumnOf, Mask]]) -> Guard:
        """What the form sets over the rows that are selected."""
        match grant.form:
            case Form.POINTER:
                return First(self._order(grant), tuple(self.released(*one) for one in then))
            case Form.COUNT:
                return Edition(grant.cube or "")
        return Cap(grant.row_cap)

    def _order(self, grant: Grant) -> tuple[ColumnOf, ...]:
        """The declared columns, then the keys of all scans, so that one row is first.

        INVARIANT: nothing of the question's own choice of columns is in it, since the first of
        what is asked for would betray a second hit.
        """
        aliases = {scan.relation: scan.alias for scan in self.fragment.scans}
        declared = [
            ColumnOf(aliases[relation], column)
            for relation, column in grant.first_by
            if relation in aliases
        ]
        keys = [
            ColumnOf(scan.alias, key)
            for scan in sorted(self.fragment.scans, key=lambda one: one.relation)
            for key in self.catalog.relations[scan.relation].key
        ]
        return tuple(dict.fromkeys([*declared, *keys]))

    def _scope(self, column: ColumnOf, mask: Mask) -> str:
        """For whom, for what, for when and of which key a pseudonym stands."""
        place = (self.fragment.relation_of(column.alias), column.column)
        relation, key = self.catalog.key_domains.get(place, place)
        who = self.circumstances
        period = who.day.isoformat()[: {"year": 4, "month": 7}.get(mask.period, 10)]
        return f"{who.requester.member}/{who.purpose}/{period}/{relation}.{key}"

    def _column(self, column: ColumnOf) -> Column:
        found = self.catalog.relations[self.fragment.relation_of(column.alias)].column(
            column.column
        )
        if found is None:
            message = f"the catalog has no column `{column.column}` where a fragment reads it"
            raise CheckFailed(message)
        return found
