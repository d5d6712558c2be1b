"""A bound fragment as steps that people read: what its holder does, in the order of `bound.py`.

Like `views.py`, which gives the same as SQL. Here the requester's literals are spelled out: steps
are shown to the one that wrote them. What they match is spelled as it is matched, reduced or not.
"""

from narrows.core.plan.steps import PlanStep, present, shape_steps
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.model import AS_IS
from narrows.core.policy.views import ViewText, tell_guard
from narrows.core.terms import HOLDER_COLUMN


def bound_steps(bound: BoundFragment) -> tuple[PlanStep, ...]:
    """Scan, keep, link, match, guard, narrow, withhold, filter, gather, rank: those there are."""
    text = ViewText(bound, spelled=True)
    relations = {scan.alias: scan.relation for scan in bound.scans}
    narrowed = (
        f"{relations[found.column.alias]}.{found.column.column}: {found.mask}"
        for found in bound.columns
        if found.mask != AS_IS and found.column.column != HOLDER_COLUMN
    )
    withheld = (
        f"{relations[output.column.alias]}.{output.column.column}"
        for output in bound.outputs
        if output.withheld
    )
    return present(
        PlanStep("scan", tuple(f"{scan.relation} {scan.alias}" for scan in bound.scans)),
        PlanStep("keep", tuple(text.keeps())),
        PlanStep("link", tuple(text.links())),
        PlanStep("match", tuple(text.anchors())),
        PlanStep("guard", (tell_guard(bound.guard),)),
        PlanStep("narrow", tuple(dict.fromkeys(narrowed))),
        PlanStep("withhold", tuple(dict.fromkeys(withheld))),
        PlanStep("filter", tuple(text.filters())),
        *shape_steps(bound.gather, bound.top),
    )
