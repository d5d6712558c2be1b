"""What changed from one version of a policy to the next, in plain words.

Where nothing of what is found widens, no question is given by the new version that the old one
refused; a test tries it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from narrows.core.policy.checks.agreements import meet
from narrows.core.policy.compare.agreements import agreement_changes, same_reach
from narrows.core.policy.compare.effect import Change, Effect
from narrows.core.policy.compare.grants import cube_changes
from narrows.core.policy.compare.order import columns_cover, never_covers
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Agreement, NeverColumns, NeverRows, Policy
from narrows.core.policy.wording import listed, rows_words


def changes(
    old: Policy, new: Policy, requesters: Collection[Requester] | None = None
) -> tuple[Change, ...]:
    """Every difference, what widens first. Needs: both are of one agency.

    With `requesters`, agreements stand in each other's way where one of these fits both; without,
    where any could.
    """
    found = (
        *_effective(old, new),
        *_never_rows(old, new),
        *_never_columns(old, new),
        *cube_changes(old, new),
        *_agreements(old, new, requesters),
    )
    order = list(Effect)
    return tuple(sorted(found, key=lambda change: order.index(change.effect)))


def _effective(old: Policy, new: Policy) -> Iterator[Change]:
    if old.effective != new.effective:
        # Until a later day the old version goes on.
        effect = Effect.WIDENS if new.effective < old.effective else Effect.CHANGES
        message = f"is in force from {new.effective} instead of {old.effective}"
        yield Change(effect, f"the policy {message}", 1)


def _never_rows(old: Policy, new: Policy) -> Iterator[Change]:
    for clause in old.never:
        if not any(never_covers(one, clause) for one in new.never):
            message = f"no longer hidden: {_hidden(clause)}"
            yield Change(Effect.WIDENS, message, about=(clause.relation,))
    for clause in new.never:
        same = next((one for one in old.never if never_covers(one, clause)), None)
        if same is None:
            message = f"hidden now: {_hidden(clause)}"
            yield Change(Effect.NARROWS, message, clause.line, None, (clause.relation,))
        elif never_covers(clause, same) and same.because != clause.because:
            message = f"`{clause.clause}` gives another reason: {clause.because}"
            yield Change(Effect.CHANGES, message, clause.line)


def _hidden(clause: NeverRows) -> str:
    stays = f", and {listed(clause.stays)} stay" if clause.stays else ""
    return f"{clause.relation} where {rows_words(clause.test)} ({clause.because}){stays}"


def _never_columns(old: Policy, new: Policy) -> Iterator[Change]:
    for clause in old.never_columns:
        if not columns_cover(new.never_columns, clause):
            message = f"no longer kept out: {_kept_out(clause)}"
            yield Change(Effect.WIDENS, message, about=_names(clause))
    for clause in new.never_columns:
        if not columns_cover(old.never_columns, clause):
            message = f"kept out now: {_kept_out(clause)}"
            yield Change(Effect.NARROWS, message, clause.line, None, _names(clause))


def _kept_out(clause: NeverColumns) -> str:
    what = f"{listed(clause.columns)} of " if clause.columns else ""
    return f"{what}{clause.relation} ({clause.because})"


def _names(clause: NeverColumns) -> tuple[str, ...]:
    return (clause.relation, *(f"{clause.relation}.{name}" for name in sorted(clause.columns)))


def _agreements(
    old: Policy, new: Policy, requesters: Collection[Requester] | None
) -> Iterator[Change]:
    before = {one.id: one for one in old.agreements}
    after = {one.id: one for one in new.agreements}
    gone = [one for one in old.agreements if one.id not in after]
    for agreement in new.agreements:
        same = before.get(agreement.id)
        if same is not None:
            yield from agreement_changes(same, agreement)
            continue
        twin = next((one for one in gone if _is_twin(one, agreement)), None)
        if twin is None:
            message = f"`{agreement.id}` is a new agreement ({agreement.authority})"
            yield Change(Effect.WIDENS, message, agreement.line, agreement.id)
        else:
            gone.remove(twin)
            message = f"`{twin.id}` is now called `{agreement.id}`"
            yield Change(Effect.CHANGES, message, agreement.line, agreement.id)
    for agreement in gone:
        message = f"`{agreement.id}` is no agreement any more"
        yield Change(Effect.NARROWS, message, 0, agreement.id)
    yield from _overlaps(old, after, requesters)


def _is_twin(one: Agreement, other: Agreement) -> bool:
    grants = tuple(replace(grant, line=0) for grant in one.grants)
    others = tuple(replace(grant, line=0) for grant in other.grants)
    alike = replace(one, id=other.id, line=other.line, grants=())
    return grants == others and alike == replace(other, grants=())


def _overlaps(
    old: Policy, after: Mapping[str, Agreement], requesters: Collection[Requester] | None
) -> Iterator[Change]:
    """Where two apply, neither gives: with one of them out of the way the other does."""
    for first, second in combinations(old.agreements, 2):
        if meet(first, second, requesters) and not all(
            one.id in after and same_reach(one, after[one.id]) for one in (first, second)
        ):
            yield Change(
                Effect.WIDENS,
                f"`{first.id}` and `{second.id}` stood in each other's way, and no longer do so "
                "everywhere",
                0,
                first.id,
            )
