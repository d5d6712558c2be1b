"""A fragment bound to the release views of one decision. The only maker of a `BoundFragment`.

What a decision does not show is absent from the view, so nothing here looks for hidden columns:
a filter or output that would read one did not pass `decide`, and is refused again here.
"""

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Fragment, columns_of, fragment_digest
from narrows.core.policy.bound import (
    Anchor,
    BoundFragment,
    BoundOutput,
    BoundScan,
    Cap,
    ReleasedColumn,
)
from narrows.core.policy.cascade import keeps_of
from narrows.core.policy.decide import applicable, decide, read_fragment
from narrows.core.policy.model import Circumstances, Decision, Mask, Policy
from narrows.core.terms import ColumnName, ColumnType
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
    reading = read_fragment(fragment, agreement)
    if reading.anchoring is None or reading.reasons:
        raise CheckFailed("a fragment cannot be bound that its agreement does not give")
    matches = reading.anchoring.matches
    taken = [match.conjunct for match in matches]
    bound = BoundFragment(
        holder=policy.agency,
        fragment=fragment_digest(fragment),
        policy_version=policy.version,
        agreement=agreement.id,
        scans=tuple(
            BoundScan(
                scan.alias,
                scan.relation,
                keeps_of(policy, catalog, scan.relation, circumstances.day),
            )
            for scan in fragment.scans
        ),
        links=fragment.links,
        anchors=tuple(
            Anchor(match.column, match.values, _is_id(fragment, catalog, match.column))
            for match in matches
        ),
        columns=tuple(_released(fragment, catalog, column, mask) for column, mask in reading.masks),
        filters=tuple(found for found in fragment.filters if found not in taken),
        outputs=tuple(
            BoundOutput(
                output.name,
                output.column,
                _column_type(fragment, catalog, output.column),
                withheld=output.column in reading.withheld,
            )
            for output in fragment.outputs
        ),
        guard=Cap(agreement.lookup.row_cap),
    )
    _check_closed(bound)
    return bound


def _check_closed(bound: BoundFragment) -> None:
    """Nothing, when filters and outputs read released columns only.

    INVARIANT: this holds by `read_fragment`; were that ever wrong, nothing leaves.
    """
    released = {found.column for found in bound.columns}
    read = {column for found in bound.filters for column in columns_of(found)}
    read |= {output.column for output in bound.outputs if not output.withheld}
    if not read <= released:  # pragma: no cover - INVARIANT: as above
        raise CheckFailed("a bound fragment would read a column that is not released")


def _released(fragment: Fragment, catalog: Catalog, column: ColumnOf, mask: Mask) -> ReleasedColumn:
    is_id = _is_id(fragment, catalog, column)
    return ReleasedColumn(column, _column_type(fragment, catalog, column), mask, is_id)


def _is_id(fragment: Fragment, catalog: Catalog, column: ColumnOf) -> bool:
    found = catalog.relations[fragment.relation_of(column.alias)].column(column.column)
    return found is not None and found.is_id


def _column_type(fragment: Fragment, catalog: Catalog, column: ColumnOf) -> ColumnType:
    name = ColumnName(column.column)
    found = catalog.relations[fragment.relation_of(column.alias)].column(name)
    if found is None:
        raise CheckFailed(f"the catalog has no column `{name}` where a fragment reads it")
    return found.type
