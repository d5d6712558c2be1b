"""Where the diff finds nothing that widens, the new policy gives no question that the old refused.

The same holds of what is shown: no mask of the new policy tells more than the old one's.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.core.plan.plan import PlanCache
from narrows.core.policy.compare.effect import Effect
from narrows.core.policy.compare.order import mask_tells
from narrows.core.policy.compare.policies import changes
from narrows.core.policy.compare.questions import questions
from narrows.core.policy.model import Policy
from narrows.core.policy.offline import PartDecision, decide_parts
from narrows.errors import BadFederation
from tests.unit.core.policy.edits import EDITS, Edit
from tests.unit.core.policy.rich import CATALOG, POLICY, REQUESTERS, TEXT, changed, read

PLANS = PlanCache()
SETS = st.lists(st.sampled_from(EDITS), max_size=2, unique=True)
NARROWER = st.lists(
    st.sampled_from([edit for edit in EDITS if edit.effect is Effect.NARROWS]),
    min_size=1,
    max_size=3,
    unique=True,
)


def edited(edits: list[Edit]) -> Policy:
    """The policy with those of the edits that still fit, one after the other."""
    text, found = TEXT, POLICY
    for edit in edits:
        later = text.replace(edit.old, edit.new, 1)
        try:
            found, text = read(later), later
        except BadFederation:
            continue
    return found


def widened(old: Policy, new: Policy) -> list[str]:
    """The questions of either policy that only the new one gives, or gives more of."""
    found = []
    for policy in (old, new):
        for question in questions(policy, CATALOG, REQUESTERS):
            split = PLANS.plan(question.sql, {}, CATALOG)
            before = decide_parts(old, CATALOG, split, question.circumstances)
            after = decide_parts(new, CATALOG, split, question.circumstances)
            if any(_more(*both) for both in zip(before, after, strict=True)):
                found.append(str(question))
    return found


def _more(before: PartDecision, after: PartDecision) -> bool:
    if after.bound is None or before.bound is None:
        return after.bound is not None
    masks = {one.column: one.mask for one in before.bound.columns}
    return any(
        one.column not in masks or not mask_tells(masks[one.column], one.mask)
        for one in after.bound.columns
    )


@given(SETS, NARROWER)
@settings(max_examples=25, deadline=None)
def test_what_does_not_widen_gives_nothing_more(one: list[Edit], other: list[Edit]) -> None:
    old, new = edited(one), edited([*one, *other])
    for before, after in ((old, new), (new, old)):
        found = changes(before, after, REQUESTERS)
        if not any(change.effect is Effect.WIDENS for change in found):
            assert widened(before, after) == []


def test_a_widening_that_the_diff_missed_would_be_seen() -> None:
    # The control: questions do tell a policy that gives more from one that gives less.
    wider = changed(
        ("postal: first 3", "postal: as is"), ("requires: [officer, case", "requires: [case")
    )
    assert widened(POLICY, wider)
    assert widened(wider, POLICY) == []
    seen = [edit for edit in EDITS if edit.effect is Effect.WIDENS and edit.shown]
    told = [edit for edit in seen[:12] if widened(POLICY, edited([edit]))]
    assert len(told) >= 5
