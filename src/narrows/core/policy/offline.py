"""One holder's decision on a whole question, from its policy alone: no node, no rows.

A question may come to a holder in several parts; what it decides on them is told together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.split import Split
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Circumstances, Decision, Verdict
from narrows.core.policy.model import Policy
from narrows.core.policy.together import decide_together
from narrows.core.terms import ColumnType, TypedValue

_GRAVEST = (Verdict.REFUSED, Verdict.HELD, Verdict.NARROWED, Verdict.ALLOWED)
NOT_ASKED = "NOT ASKED"


@dataclass(frozen=True, slots=True)
class PartDecision:
    """One part of a question, as one holder decides it; bound where it releases."""

    name: str
    fragment: Fragment
    decision: Decision
    bound: BoundFragment | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a holder decides on all parts together; `verdict` is the gravest of them."""

    verdict: str
    clauses: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def releases(self) -> bool:
        """Whether anything may leave."""
        return self.verdict in (Verdict.ALLOWED, Verdict.NARROWED)


def decide_parts(
    policy: Policy,
    catalog: Catalog,
    split: Split,
    circumstances: Circumstances,
    values: Mapping[str, TypedValue] | None = None,
) -> tuple[PartDecision, ...]:
    """The decision on each part that the holder is asked; none where it is asked nothing.

    Raises: MalformedQuery where a parameter of the question has no value.
    """
    today = TypedValue(ColumnType.DATE, circumstances.day)
    fragments = split.fill({**(values or {}), TODAY_SLOT: today})
    asked = [
        (part.name, fragment)
        for part, fragment in zip(split.parts, fragments, strict=True)
        if part.asked(policy.agency) is None
    ]
    # As a node does: what each part alone may ask can be too much of them together.
    judged = decide_together(policy, catalog, [one for _, one in asked], circumstances)
    return tuple(PartDecision(*one, *found) for one, found in zip(asked, judged, strict=True))


def together(decisions: Iterable[Decision]) -> Answered:
    """The decisions told as one: a holder answers as a whole."""
    found = tuple(decisions)
    verdicts = [one.verdict for one in found]
    return Answered(
        verdict=next((one for one in _GRAVEST if one in verdicts), NOT_ASKED),
        clauses=_union(one.clauses for one in found),
        narrowed=_union(one.narrowed for one in found),
        withheld=_union(one.withheld for one in found),
        reasons=_union(one.reasons for one in found),
        caveats=_union(one.caveats for one in found),
    )


def _union(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for texts in lists for text in texts))
