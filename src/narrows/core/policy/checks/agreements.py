"""Rules about agreements: with whom, when, one beside the other."""

from collections.abc import Collection, Iterator
from itertools import combinations

from narrows.core.policy.checks.finding import Finding, Severity, Subject, warn
from narrows.core.policy.decide import covers_party
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Agreement


def overlapping(subject: Subject) -> Iterator[Finding]:
    """Two agreements that apply at once: then neither gives anything."""
    for first, second in combinations(subject.policy.agreements, 2):
        if meet(first, second, subject.requesters):
            shared = sorted(first.purposes & second.purposes)
            yield Finding(
                second.line,
                f"`{first.id}` and `{second.id}` both apply to `{shared[0]}`",
                "part them by requester, purpose or term: at most one agreement may apply",
                Severity.ERROR,
            )


def meet(first: Agreement, second: Agreement, requesters: Collection[Requester] | None) -> bool:
    """Whether both could apply to one request; with `requesters`, to one of theirs."""
    return (
        bool(first.purposes & second.purposes)
        and (first.covers(second.valid_from) or second.covers(first.valid_from))
        and _parties_meet(first, second, requesters)
    )


def _parties_meet(
    first: Agreement, second: Agreement, requesters: Collection[Requester] | None
) -> bool:
    if requesters is not None:
        return any(covers_party(first, one) and covers_party(second, one) for one in requesters)
    sides = (
        (first.parties.classes, second.parties.classes),
        (first.parties.countries, second.parties.countries),
        (first.parties.members, second.parties.members),
    )
    return (
        _names_anyone(first)
        and _names_anyone(second)
        and all(not one or not other or one & other for one, other in sides)
    )


def with_nobody(subject: Subject) -> Iterator[Finding]:
    """An agreement that names nobody."""
    for agreement in subject.policy.agreements:
        if not _names_anyone(agreement):
            yield warn(agreement, "is with nobody", "name classes, country or members under `with`")


def strangers(subject: Subject) -> Iterator[Finding]:
    """A member that is named and is none."""
    if subject.requesters is None:
        return
    known = {one.member for one in subject.requesters}
    for agreement in subject.policy.agreements:
        for name in sorted(agreement.parties.members - known):
            hint = f"one of {', '.join(sorted(known))}"
            yield warn(agreement, f"names `{name}`, who is no member", hint)


def with_no_member(subject: Subject) -> Iterator[Finding]:
    """An agreement that fits no member that there is."""
    if subject.requesters is None:
        return
    known = {one.member for one in subject.requesters}
    for agreement in subject.policy.agreements:
        named = agreement.parties.members
        # Of strangers alone, each is told of already.
        may_fit = _names_anyone(agreement) and (not named or named & known)
        if may_fit and not any(covers_party(agreement, one) for one in subject.requesters):
            yield warn(
                agreement,
                "can apply to no member of the federation",
                "each side under `with` must fit one and the same member",
            )


def lapsed(subject: Subject) -> Iterator[Finding]:
    """An agreement whose term is over, or was before the policy came into force."""
    for agreement in subject.policy.agreements:
        end = agreement.valid_to
        if end is None:
            continue
        if end < subject.policy.effective:
            # It may stay, so that a refusal says when it lapsed.
            message = f"`{agreement.id}` lapsed on {end}, before the policy came into force"
            yield Finding(agreement.line, message, "renew it, or take it out", Severity.NOTE)
        elif subject.day is not None and end < subject.day:
            yield warn(agreement, f"lapsed on {end}", "renew it, or take it out")


def held_by_nobody(subject: Subject) -> Iterator[Finding]:
    """What is held, and the holder has too few named persons who could decide it."""
    for agreement in subject.policy.agreements:
        if agreement.hold is None or subject.approvers is None:
            continue
        wanted = 2 if agreement.hold.second else 1
        if subject.approvers < wanted:
            who = "two approvers" if wanted == 2 else "an approver"
            yield warn(
                agreement,
                f"is held for the {agreement.hold.role}, and the member names too few approvers",
                f"name {who} with a key under `approvers` in member.yaml",
            )


def urgent_for_nobody(subject: Subject) -> Iterator[Finding]:
    """What is held with a shorter clock that no request can set going."""
    for agreement in subject.policy.agreements:
        hold = agreement.hold
        if hold is None or agreement.emergency is not None:
            continue
        if hold.urgent_hours != hold.routine_hours:
            message = (
                f"`{agreement.id}` is decided within {hold.urgent_hours} h where it is urgent, and "
                "refuses a request that claims an emergency"
            )
            hint = "add `emergency` with what it requires then, or give both clocks the same hours"
            yield Finding(agreement.line, message, hint, Severity.NOTE)


def _names_anyone(agreement: Agreement) -> bool:
    parties = agreement.parties
    return bool(parties.classes or parties.countries or parties.members)
