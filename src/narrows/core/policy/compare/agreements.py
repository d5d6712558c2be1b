"""What changed in one agreement, apart from its grants."""

from collections.abc import Iterator
from datetime import date

from narrows.core.policy.compare.effect import Change, Effect
from narrows.core.policy.compare.grants import grant_changes
from narrows.core.policy.model import Agreement, Budget, HoldRule
from narrows.core.policy.wording import count_of, listed

_ANY = (" for ",)
"""What every question says: the way its answer goes shows the change."""
Found = Iterator[tuple[Effect, str, tuple[str, ...]]]


def agreement_changes(old: Agreement, new: Agreement) -> Iterator[Change]:
    """The changes from one version of an agreement to the next."""
    for part in (_parties, _purposes, _required, _term, _emergency, _hold, _budget, _beside):
        for effect, message, about in part(old, new):
            yield Change(effect, f"`{new.id}`: {message}", new.line, new.id, about)
    yield from grant_changes(old, new)


def same_reach(old: Agreement, new: Agreement) -> bool:
    """Whether both apply to the same requesters, purposes and days."""
    return (old.parties, old.purposes, old.valid_from, old.valid_to) == (
        new.parties,
        new.purposes,
        new.valid_from,
        new.valid_to,
    )


def _grows(more: bool) -> Effect:
    return Effect.WIDENS if more else Effect.NARROWS


def _parties(old: Agreement, new: Agreement) -> Found:
    sides = (
        ("classes", old.parties.classes, new.parties.classes),
        ("countries", old.parties.countries, new.parties.countries),
        ("members", old.parties.members, new.parties.members),
    )
    was_nobody = not any(before for _, before, _ in sides)
    is_nobody = not any(after for _, _, after in sides)
    for name, before, after in sides:
        if before == after:
            continue
        # A side that is left out is open, unless all are: that is nobody.
        is_narrower = is_nobody or not before or (bool(after) and after <= before)
        more = was_nobody or not is_narrower
        was = listed(before) if before else "nobody named"
        now = listed(after) if after else "nobody named"
        yield _grows(more), f"is with {name} {now}, and was with {was}", (*_ANY, *sorted(after))


def _purposes(old: Agreement, new: Agreement) -> Found:
    for name in sorted(new.purposes - old.purposes):
        yield Effect.WIDENS, f"is also for `{name}`", (name,)
    for name in sorted(old.purposes - new.purposes):
        yield Effect.NARROWS, f"is no longer for `{name}`", (name,)


def _required(old: Agreement, new: Agreement) -> Found:
    for name in sorted(old.requires - new.requires):
        yield Effect.WIDENS, f"no longer requires `{name}`", _ANY
    for name in sorted(new.requires - old.requires):
        yield Effect.NARROWS, f"now requires `{name}`", _ANY
    for role in sorted(old.signed_by - new.signed_by):
        yield Effect.WIDENS, f"no longer requires the signature of the {role}", _ANY
    for role in sorted(new.signed_by - old.signed_by):
        yield Effect.NARROWS, f"now requires the signature of the {role}", _ANY


def _term(old: Agreement, new: Agreement) -> Found:
    if old.valid_from != new.valid_from:
        message = f"begins on {new.valid_from} instead of {old.valid_from}"
        yield _grows(new.valid_from < old.valid_from), message, (*_ANY, _day(new.valid_from))
    if old.valid_to != new.valid_to:
        ends = "has no end" if new.valid_to is None else f"ends on {new.valid_to}"
        was = "had none" if old.valid_to is None else f"ended on {old.valid_to}"
        later = old.valid_to is not None and (new.valid_to is None or new.valid_to > old.valid_to)
        yield _grows(later), f"{ends}, and {was}", (*_ANY, _day(new.valid_to or date.max))


def _day(day: date) -> str:
    return day.isoformat()


def _emergency(old: Agreement, new: Agreement) -> Found:
    before, after, about = old.emergency, new.emergency, ("emergency",)
    if before is None and after is not None:
        yield Effect.WIDENS, "may now be used in an emergency", about
    elif before is not None and after is None:
        yield Effect.NARROWS, "may no longer be used in an emergency", about
    elif before is not None and after is not None:
        for name in sorted(before.requires - after.requires):
            yield Effect.WIDENS, f"no longer requires `{name}` in an emergency", about
        for name in sorted(after.requires - before.requires):
            yield Effect.NARROWS, f"now requires `{name}` in an emergency", about
        if before.review_hours != after.review_hours:
            message = f"emergency use is reviewed within {count_of(after.review_hours, 'hour')}"
            yield _grows(after.review_hours > before.review_hours), message, about


def _hold(old: Agreement, new: Agreement) -> Found:
    before, after = old.hold, new.hold
    if before is None and after is not None:
        yield Effect.NARROWS, f"each request is now decided by the {after.role}", _ANY
    elif before is not None and after is None:
        yield Effect.WIDENS, "nobody decides each request any more", _ANY
    elif before is not None and after is not None:
        yield from _held_otherwise(before, after)


def _held_otherwise(old: HoldRule, new: HoldRule) -> Found:
    if old.role != new.role:
        yield Effect.CHANGES, f"the {new.role} decides instead of the {old.role}", ()
    if old.second != new.second:
        message = "somebody else is asked too" if new.second else "one decides alone"
        yield _grows(old.second), message, ()
    if (old.urgent_hours, old.routine_hours) != (new.urgent_hours, new.routine_hours):
        hours = f"{new.routine_hours} h, and {new.urgent_hours} h where it is urgent"
        yield Effect.CHANGES, f"is decided within {hours}", ()
    if old.collect_hours != new.collect_hours:
        message = f"what is approved is collected within {new.collect_hours} h"
        yield _grows(new.collect_hours > old.collect_hours), message, ()


def _budget(old: Agreement, new: Agreement) -> Found:
    before, after = old.budget or Budget(frozenset()), new.budget or Budget(frozenset())
    has_both = old.budget is not None and new.budget is not None
    if has_both and before.per != after.per:
        # A limit of each officer is none of the whole; which of two is less depends on use.
        message = f"the budget is of the member and each {listed(after.per) or 'nothing else'}"
        yield _grows(not before.per <= after.per), message, ()
    for name, was, now in (
        ("requests", before.requests, after.requests),
        ("literals", before.literals, after.literals),
        ("questions about the same subject", before.same_person, after.same_person),
    ):
        if was != now:
            limit = "any number of" if now is None else str(now)
            more = was is not None and (now is None or now > was)
            yield _grows(more), f"allows {limit} {name} a day, and allowed {was or 'any'}", ()


def _beside(old: Agreement, new: Agreement) -> Found:
    if old.answer_ticks_ms != new.answer_ticks_ms:
        ticks = new.answer_ticks_ms
        how = "at once" if ticks is None else f"at ticks of {ticks} ms"
        more = old.answer_ticks_ms is not None and (ticks is None or ticks < old.answer_ticks_ms)
        yield _grows(more), f"answers leave {how}", ()
    if old.named_columns_only != new.named_columns_only:
        only = new.named_columns_only
        message = "takes columns by their names alone" if only else "takes `*` for the columns too"
        yield _grows(old.named_columns_only), message, ()
    if old.keep_days != new.keep_days:
        keep = new.keep_days
        how = "without end" if keep is None else f"for {count_of(keep, 'day')}"
        more = old.keep_days is not None and (keep is None or keep > old.keep_days)
        yield _grows(more), f"answers may be kept {how}", ()
    if old.authority != new.authority:
        yield Effect.CHANGES, f"rests on {new.authority}, and rested on {old.authority}", ()
    if old.caveats != new.caveats:
        yield Effect.CHANGES, "the caveats are worded anew", ()
