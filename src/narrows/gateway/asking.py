"""Who is asked what: each holder's policy over each part of a plan, before any node is called."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from narrows.core.admission import Admitted
from narrows.core.catalog import Catalog
from narrows.core.exchange import BoundForm
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.split import Split
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import Policy
from narrows.core.policy.together import Judged, decide_together
from narrows.core.terms import Holder


@dataclass(frozen=True, slots=True)
class PartDecision:
    """One part for one holder: why it is not asked, or what its policy says.

    Neither is known while the holder's policy is unknown to this gateway. `collects` says that the
    release hangs on a ticket: whether it is approved the holder's node alone knows.
    """

    index: int
    not_asked: str | None
    decision: Decision | None = None
    bound: BoundFragment | None = None
    collects: bool = False


@dataclass(frozen=True, slots=True)
class HolderPlan:
    """All parts of a question for one holder."""

    holder: Holder
    parts: tuple[PartDecision, ...]

    @property
    def asked(self) -> tuple[PartDecision, ...]:
        """The parts that concern this holder."""
        return tuple(part for part in self.parts if part.not_asked is None)

    @property
    def is_undecided(self) -> bool:
        """Whether the holder's policy is unknown: its node was never reached."""
        return any(part.decision is None for part in self.asked)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions on the parts that concern this holder."""
        return tuple(part.decision for part in self.parts if part.decision is not None)

    @property
    def forms(self) -> tuple[BoundForm, ...]:
        """The rewriting of each released part, as canonical bytes."""
        return tuple(
            BoundForm(part.index, encode_bound(part.bound), part.bound.policy_version)
            for part in self.parts
            if part.bound is not None
        )

    @property
    def must_call(self) -> bool:
        """Whether the node has something to answer, or to hold."""
        return self.is_held or any(part.bound is not None for part in self.parts)

    @property
    def is_collecting(self) -> bool:
        """Whether it may turn out only at the node that nothing is released."""
        return any(part.collects for part in self.parts)

    @property
    def is_held(self) -> bool:
        """Whether a person at the holder decides first: its node is told, so that it can enter it."""
        return any(decision.verdict is Verdict.HELD for decision in self.decisions)


def refusing(plans: Sequence[HolderPlan]) -> list[Holder]:
    """The holders whose policy refuses or holds a part, or is unknown: gaps, whatever comes."""
    return [
        plan.holder
        for plan in plans
        if plan.is_undecided or any(not decision.releases for decision in plan.decisions)
    ]


def plan_holders(
    admitted: Admitted,
    split: Split,
    fragments: Sequence[Fragment],
    policies: Mapping[Holder, Policy],
    catalog: Catalog,
) -> tuple[HolderPlan, ...]:
    """What each holder of the catalog is asked, by name of the holder."""
    return tuple(
        _plan_holder(holder, _Asking(admitted, split, fragments, catalog), policies.get(holder))
        for holder in catalog.holders
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    admitted: Admitted
    split: Split
    fragments: Sequence[Fragment]
    catalog: Catalog


def _plan_holder(holder: Holder, asking: _Asking, policy: Policy | None) -> HolderPlan:
    reasons = [part.asked(holder) for part in asking.split.parts]
    if policy is None:
        parts = tuple(PartDecision(index, reason) for index, reason in enumerate(reasons))
        return HolderPlan(holder, parts)
    concerned = [
        fragment
        for fragment, reason in zip(asking.fragments, reasons, strict=True)
        if reason is None
    ]
    circumstances = asking.admitted.circumstances
    judged = iter(decide_together(policy, asking.catalog, concerned, circumstances))
    holding = {one.id for one in policy.agreements if one.hold is not None}
    return HolderPlan(
        holder,
        tuple(
            PartDecision(index, reason)
            if reason is not None
            else _part(index, next(judged), holding)
            for index, reason in enumerate(reasons)
        ),
    )


def _part(index: int, judged: Judged, holding: Collection[str]) -> PartDecision:
    decision, bound = judged
    collects = bound is not None and decision.agreement in holding
    return PartDecision(index, None, decision, bound, collects)
