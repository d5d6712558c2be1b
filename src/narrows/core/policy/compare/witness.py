"""A question that two versions of a policy decide differently, for each change that has one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from narrows.core.catalog import Catalog
from narrows.core.plan.plan import PlanCache
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.compare.effect import Change, Effect
from narrows.core.policy.compare.questions import Question, questions
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Policy
from narrows.core.policy.offline import Answered, PartDecision, decide_parts, together

MOST_QUESTIONS = 5_000


@dataclass(frozen=True, slots=True)
class Witness:
    """A question, and what each version decides on it."""

    question: Question
    before: Answered
    after: Answered

    @property
    def effect(self) -> Effect:
        """Which way the answer goes."""
        if self.before.releases == self.after.releases:
            return Effect.CHANGES
        return Effect.WIDENS if self.after.releases else Effect.NARROWS


def witnesses(
    old: Policy,
    new: Policy,
    catalog: Catalog,
    requesters: Collection[Requester] | None,
    changes: Iterable[Change],
) -> Mapping[Change, Witness]:
    """For each change the most telling question whose answer it changes; none for some."""
    told = tuple(changes)
    named = {change.agreement for change in told if change.about}
    every = {one.id for policy in (old, new) for one in policy.agreements}
    concerned = every if None in named else every & named
    # While both are in force: else the day of one would answer for every other change.
    since = max(old.effective, new.effective)
    one, other = (replace(_only(each, concerned), effective=since) for each in (old, new))
    found = tuple(differing(one, other, catalog, requesters))
    chosen: dict[Change, Witness] = {}
    for change in told:
        fitting = [witness for witness in found if _fits(change, witness)]
        if fitting:
            chosen[change] = min(fitting, key=lambda witness: _distance(change, witness))
    return chosen


def _only(policy: Policy, names: Collection[str | None]) -> Policy:
    """The policy with these agreements alone: what others give is the same in both."""
    kept = tuple(one for one in policy.agreements if one.id in names)
    return replace(policy, agreements=kept)


def differing(
    old: Policy, new: Policy, catalog: Catalog, requesters: Collection[Requester] | None
) -> Iterator[Witness]:
    """Every generated question that the two decide or release differently."""
    plans = PlanCache()
    seen: set[tuple[str, object]] = set()
    for policy in (new, old):
        for question in questions(policy, catalog, requesters):
            key = (question.sql, question.circumstances)
            if key in seen or len(seen) >= MOST_QUESTIONS:
                continue
            seen.add(key)
            split = plans.plan(question.sql, {}, catalog, question.circumstances.form)
            before = decide_parts(old, catalog, split, question.circumstances)
            after = decide_parts(new, catalog, split, question.circumstances)
            if _releases(before) != _releases(after):
                yield Witness(question, _told(before), _told(after))


def _told(parts: Iterable[PartDecision]) -> Answered:
    return together(part.decision for part in parts)


def _releases(parts: Iterable[PartDecision]) -> list[tuple[str, object]]:
    """What is decided and released, apart from the version and clause that say so."""
    return [
        (part.decision.verdict, None if part.bound is None else _view(part.bound)) for part in parts
    ]


def _view(bound: BoundFragment) -> object:
    read = (bound.columns, bound.filters, bound.outputs)
    return (bound.scans, bound.links, bound.anchors, read, bound.guard)


def _fits(change: Change, witness: Witness) -> bool:
    """Whether the question shows the change: it names it, and its answer goes no other way."""
    return (
        bool(change.about)
        and change.about[0] in str(witness.question)
        and change.agreement in (None, witness.question.agreement)
        and witness.effect in (change.effect, Effect.CHANGES)
    )


def _distance(change: Change, witness: Witness) -> tuple[bool, bool, int, int]:
    """How little a question shows of a change: refused for something else, other names, a longer text."""
    text = str(witness.question)
    missing = sum(word not in text for word in change.about)
    columns = [word for word in change.about if "." in word]
    reasons = "; ".join((*witness.before.reasons, *witness.after.reasons))
    is_beside = bool(columns and reasons) and not any(name in reasons for name in columns)
    return is_beside, witness.effect is not change.effect, missing, len(text)
