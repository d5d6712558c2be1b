"""A plan as a tree for people, in at most 100 columns: `draw_plan` gives its lines.

1 part, asked of 2 of 6 holders, merged at the gateway
├─ nsor  f1  ALLOWED  investigation
│  ├─ scan      person t1
│  └─ match     t1.surname = 'ROY'
└─ merge  at the gateway
   └─ read      f1
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from narrows.cli.analysis import Analysis, MeasuredHolder
from narrows.cli.show import counted
from narrows.core.exchange import Explanation, PartPlan
from narrows.core.plan.steps import PlanStep
from narrows.core.policy.decision import Verdict

WIDTH = 100
_LABEL = 10
_LISTED = ("scan", "read", "group", "travel", "real")
"""The steps whose lines are short, and stand beside each other."""
_TIED = "\u00a0"
"""A blank at which no line is broken."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One node: a label, the lines beside it, and what is below."""

    label: str
    lines: tuple[str, ...] = ()
    below: tuple["Branch", ...] = ()


def draw_plan(found: Explanation, analysis: Analysis | None = None, width: int = WIDTH) -> str:
    """The tree, with what was measured where it is given."""
    return "\n".join(_drawn(_root(found, analysis), width))


def _root(found: Explanation, analysis: Analysis | None) -> Branch:
    asked = [plan for plan in found.plans if not plan.not_asked]
    parts = counted(len({plan.part for plan in found.plans}), "part")
    holders = {plan.holder for plan in found.plans}
    head = (
        f"{parts}, asked of {len({plan.holder for plan in asked})} of "
        f"{counted(len(holders), 'holder')}, merged at the {found.merge.place}"
    )
    rows = {} if analysis is None else analysis.rows
    branches = [_part(plans, rows) for plans in _alike(asked)]
    branches += _not_asked([plan for plan in found.plans if plan.not_asked])
    merge = tuple(map(_step, found.merge.steps))
    branches.append(Branch(f"merge  at the {found.merge.place}", below=merge))
    branches += _above(found)
    if found.withheld_because:
        branches.append(Branch("no rows would be given", (), (Branch(found.withheld_because),)))
    if analysis is not None:
        branches.append(_measured(analysis))
    return Branch(head, below=tuple(branches))


def _alike(plans: Sequence[PartPlan]) -> list[list[PartPlan]]:
    """The plans, those of several holders together that differ in nothing which is told."""
    by: dict[object, list[PartPlan]] = {}
    for plan in plans:
        decision = plan.decision
        told = decision and (decision.verdict, decision.clauses, decision.reasons)
        by.setdefault((plan.part, told, plan.steps, plan.columns), []).append(plan)
    return list(by.values())


def _part(plans: Sequence[PartPlan], rows: Mapping[tuple[str, str], int]) -> Branch:
    plan, holders = plans[0], [one.holder for one in plans]
    decision, head = plan.decision, f"{', '.join(holders)}  {plan.part}"
    if decision is None:
        below = tuple(map(_step, plan.steps))
        return Branch(f"{head}  its policy is not known here", below=below)
    steps = [_step(step) for step in plan.steps if decision.verdict is not Verdict.REFUSED]
    if decision.reasons:
        steps.append(Branch("because", decision.reasons))
    if plan.columns:
        told = tuple(f"{column.name} {column.type}" for column in plan.columns)
        steps.append(_step(PlanStep("travel", told)))
    came = {one: rows[one, plan.part] for one in holders if (one, plan.part) in rows}
    if came:
        told = tuple(f"{counted(count, 'row')} of {one}" for one, count in came.items())
        steps.append(_step(PlanStep("real", told)))
    return Branch(
        f"{head}  {decision.verdict}  {', '.join(decision.clauses)}".rstrip(), below=tuple(steps)
    )


def _not_asked(plans: Sequence[PartPlan]) -> Iterator[Branch]:
    """Who is not asked what, by the reason."""
    by: dict[tuple[str, str], list[str]] = {}
    for plan in plans:
        by.setdefault((plan.part, plan.not_asked), []).append(plan.holder)
    if by:
        told = (Branch(f"{', '.join(who)}  {part}  {why}") for (part, why), who in by.items())
        yield Branch("not asked", below=tuple(told))


def _above(found: Explanation) -> Iterator[Branch]:
    """What stays above, by the reason."""
    by: dict[str, list[str]] = {}
    for one in found.above:
        by.setdefault(one.why, []).append(one.what)
    if by:
        told = (Branch(why, below=tuple(map(Branch, what))) for why, what in by.items())
        yield Branch("stays above", below=tuple(told))


def _step(step: PlanStep) -> Branch:
    lines = step.lines
    if step.name in _LISTED:
        lines = (", ".join(line.replace(" ", _TIED) for line in lines),)
    return Branch(step.name, lines, tuple(map(_step, step.inputs)))


def _measured(analysis: Analysis) -> Branch:
    merged = f"{counted(analysis.row_count, 'row')} in {analysis.merge_us / 1000:.1f} ms"
    if analysis.withheld_because:
        merged = f"no rows are given: {analysis.withheld_because}"
    told = [Branch(one.holder, (_holder(one),)) for one in analysis.holders if one.was_asked]
    return Branch("real", below=(*told, Branch("merge", (merged,))))


def _holder(one: MeasuredHolder) -> str:
    why = f": {one.why}" if one.why else ""
    return f"{one.outcome}{why}, {counted(one.row_count, 'row')}, {one.byte_count} bytes, {one.elapsed_ms} ms"


def _drawn(branch: Branch, width: int, lead: str = "", rest: str = "") -> Iterator[str]:
    """The lines of a branch: the first behind `lead`, all others behind `rest`."""
    label = f"{branch.label:<{_LABEL}}" if branch.lines else ""
    texts = branch.lines or (branch.label,)
    for line in _wrapped(texts, width - len(rest) - max(len(label), 2)):
        yield f"{lead}{label}{line}".replace(_TIED, " ").rstrip()
        lead, label = rest, " " * len(label)
    for place, below in enumerate(branch.below, start=1):
        is_last = place == len(branch.below)
        mine = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield from _drawn(below, width, rest + mine[0], rest + mine[1])


def _wrapped(lines: Iterable[str], width: int) -> Iterator[str]:
    for line in lines:
        yield from wrap(line, max(width, 20), subsequent_indent="  ", break_on_hyphens=False) or [
            ""
        ]


def plan_document(found: Explanation, analysis: Analysis | None = None) -> dict[str, object]:
    """The plan as the command documents it (`docs/commands.md`)."""
    document: dict[str, object] = {
        "plans": [_plan_document(plan) for plan in found.plans],
        "merge": found.merge.sql,
        "merge_at": found.merge.place,
        "merge_steps": _documents(found.merge.steps),
        "above": [{"what": one.what, "why": one.why} for one in found.above],
        "withheld_because": found.withheld_because,
    }
    return document if analysis is None else {**document, "analysis": analysis.document()}


def _plan_document(plan: PartPlan) -> Mapping[str, object]:
    decision = plan.decision
    return {
        "holder": plan.holder,
        "part": plan.part,
        "not_asked": plan.not_asked,
        "decision": None if decision is None else decision.verdict.value,
        "clauses": [] if decision is None else list(decision.clauses),
        "reasons": [] if decision is None else list(decision.reasons),
        "narrowed": [] if decision is None else list(decision.narrowed),
        "withheld": [] if decision is None else list(decision.withheld),
        "sql": plan.sql,
        "steps": _documents(plan.steps),
        "columns": [{"name": one.name, "type": one.type.value} for one in plan.columns],
    }


def _documents(steps: Sequence[PlanStep]) -> list[dict[str, object]]:
    return [
        {"step": one.name, "lines": list(one.lines), "inputs": _documents(one.inputs)}
        for one in steps
    ]
