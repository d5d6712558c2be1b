"""What is wrong, or worth a second look, in a policy that reads well.

Errors stop a node from starting; warnings and notes are for the privacy officer. Every finding
has the line of its clause and says how to mend it. `RULES` are the rules, one function each.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import date

from narrows.core.catalog import Catalog
from narrows.core.policy.checks import agreements, cubes, grants, never
from narrows.core.policy.checks.finding import Finding, Severity, Subject
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Policy

Rule = Callable[[Subject], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    agreements.overlapping,
    agreements.with_nobody,
    agreements.strangers,
    agreements.with_no_member,
    agreements.lapsed,
    agreements.held_by_nobody,
    agreements.urgent_for_nobody,
    grants.unreached,
    grants.not_held,
    grants.too_many_keys,
    grants.few_values,
    grants.shown_and_never,
    grants.unordered,
    grants.shadowed,
    grants.counted_unshown,
    cubes.shared_relations,
    cubes.unsound,
    cubes.small_cells,
    cubes.unused,
    never.unreached_by_never,
    never.covered,
)


def check_policy(
    policy: Policy,
    catalog: Catalog,
    requesters: Collection[Requester] | None = None,
    day: date | None = None,
    approvers: int | None = None,
) -> tuple[Finding, ...]:
    """The findings, errors first, then by line.

    With `requesters`, agreements overlap where one of these fits both; without, where any could.
    With `day`, agreements that lapsed before it are warned of; with `approvers`, what is held and
    that many named persons cannot decide.
    """
    subject = Subject(policy, catalog, requesters, day, approvers)
    found = [finding for rule in RULES for finding in rule(subject)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: (order.index(one.severity), one.line)))


__all__ = ["RULES", "Finding", "Severity", "check_policy"]
