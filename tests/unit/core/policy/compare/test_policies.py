"""What the diff of two versions says, which way it goes, and the question that shows it."""

from dataclasses import replace

import pytest

from narrows.core.policy.compare.agreements import agreement_changes
from narrows.core.policy.compare.effect import Effect
from narrows.core.policy.compare.policies import changes
from narrows.core.policy.compare.witness import differing, witnesses
from narrows.core.policy.model import Policy
from narrows.core.terms import ColumnName, RelationName
from tests.unit.core.policy.edits import EDITS, Edit
from tests.unit.core.policy.rich import CATALOG, POLICY, REQUESTERS, TEXT, changed

W, N, C = Effect.WIDENS, Effect.NARROWS, Effect.CHANGES


def worst(old: Policy, new: Policy) -> Effect:
    return changes(old, new, REQUESTERS)[0].effect


def test_a_policy_and_itself_differ_in_nothing() -> None:
    later = replace(POLICY, version=4)
    assert changes(POLICY, later) == ()
    assert tuple(differing(POLICY, later, CATALOG, REQUESTERS)) == ()


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.said)
def test_each_change_is_told_and_goes_the_right_way(edit: Edit) -> None:
    new = changed((edit.old, edit.new))
    found = changes(POLICY, new, REQUESTERS)
    assert any(edit.said in change.message for change in found), [c.message for c in found]
    assert (worst(POLICY, new), worst(new, POLICY)) == (edit.effect, edit.back)


@pytest.mark.parametrize("edit", [one for one in EDITS if one.shown], ids=lambda edit: edit.said)
def test_a_change_of_what_is_given_is_shown_by_a_question(edit: Edit) -> None:
    new = changed((edit.old, edit.new))
    found = changes(POLICY, new, REQUESTERS)
    shown = witnesses(POLICY, new, CATALOG, REQUESTERS, found)
    assert found[0] in shown
    witness = shown[found[0]]
    assert witness.effect in (found[0].effect, Effect.CHANGES)


@pytest.mark.parametrize("edit", [one for one in EDITS if not one.shown], ids=lambda e: e.said)
def test_a_change_that_no_decision_tells_is_shown_by_none(edit: Edit) -> None:
    new = changed((edit.old, edit.new))
    assert witnesses(POLICY, new, CATALOG, REQUESTERS, changes(POLICY, new, REQUESTERS)) == {}


def test_a_new_agreement_widens_and_one_that_goes_narrows() -> None:
    start = TEXT.index("  - id: own-list")
    without = changed((TEXT[start:], ""))
    assert [(c.effect, c.line) for c in changes(POLICY, without, REQUESTERS)] == [(N, 0)]
    (back,) = changes(without, POLICY, REQUESTERS)
    assert (back.effect, back.line > 0) == (W, True)
    shown = witnesses(without, POLICY, CATALOG, REQUESTERS, [replace(back, about=(" for ",))])
    assert "no agreement with" in next(iter(shown.values())).before.reasons[0]


def test_a_cube_that_comes_or_goes_gives_nothing_by_itself() -> None:
    start, end = TEXT.index("  - id: by-postal"), TEXT.index("agreements:")
    less = changed((TEXT[start:end], "\n"), ("[by-desk, by-postal]", "[by-desk]"))
    assert [c.effect for c in changes(POLICY, less)] == [N, C]
    assert [c.effect for c in changes(less, POLICY)] == [W, C]


def test_an_agreement_that_was_with_nobody_widens_by_whom_it_is_with() -> None:
    nobody = changed(("{members: [bureau]}", "{}"))
    (found,) = changes(nobody, POLICY)
    assert (found.effect, "members bureau, and was with nobody named" in found.message) == (W, True)


def test_two_that_stood_in_each_others_way_give_once_one_is_gone() -> None:
    start = TEXT.index("  - id: own-list")
    twin = (
        TEXT[start:]
        .replace("own-list", "twin-list")
        .replace("      at_most: {rows: 1000}", "      at_most: {rows: 1}")
    )
    both = changed(("agreements:\n", f"agreements:\n{twin}"))
    found = changes(both, POLICY, REQUESTERS)
    assert [change.effect for change in found] == [W, N]
    assert "stood in each other's way" in found[0].message
    assert changes(both, both) == ()
    assert tuple(differing(both, POLICY, CATALOG, REQUESTERS)) != ()


def test_the_order_of_grants_counts() -> None:
    start, end = TEXT.index("      - by:\n          - {person.postal"), TEXT.index("    caveats:")
    second = TEXT[start:end]
    finer = second.replace("first 1}", "first 2}").replace("seen: day", "seen: month")
    both = changed((second, second + finer))
    turned = changed((second, finer + second))
    # A coarser one that came first gave way to a finer one.
    assert worst(both, turned) is W
    assert changes(both, both) == ()
    assert worst(both, POLICY) is N


def test_the_same_grants_in_another_order_may_give_more() -> None:
    start, end = TEXT.index("      - by:\n          - {person.postal"), TEXT.index("    caveats:")
    second = TEXT[start:end]
    other = second.replace("first: 3, in: 2", "first: 4, in: 2").replace("seen: day, ", "")
    first = changed((second, second + other))
    gone = changed((second, other))
    assert worst(first, gone) is W


def test_a_grant_that_gives_in_another_way_widens_though_no_part_does() -> None:
    start, end = TEXT.index("      - by:\n          - {person.postal"), TEXT.index("    caveats:")
    second = TEXT[start:end]
    coarse = second.replace("seen: day, ", "seen: month, ")
    old = changed((second, coarse + second))
    # The coarse one takes less now, and what it leaves falls to the finer one.
    new = changed((second, coarse.replace("{first: 3, in: 2}", "{first: 3}") + second))
    found = changes(old, new, REQUESTERS)
    assert found[0].effect is W
    assert "in another order or way" in found[0].message
    assert found[0].line > 0


def test_whom_an_entry_is_made_for_is_told() -> None:
    path = (RelationName("person"), ColumnName("pid"))
    agreement = POLICY.agreements[0]
    grant = replace(agreement.grants[0], entry_for=None)
    without = replace(agreement, grants=(grant,))
    with_one = replace(agreement, grants=(replace(grant, entry_for=path),))
    (more,) = agreement_changes(without, with_one)
    assert (more.effect, "once for each" in more.message) == (Effect.NARROWS, True)
    (less,) = agreement_changes(with_one, without)
    assert (less.effect, "once for all rows" in less.message) == (Effect.WIDENS, True)
