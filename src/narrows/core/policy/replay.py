"""The past requests of a holder's ledger, decided again under another policy.

What an entry keeps in the open says who asked, when and how; its sealed part, where it is not
erased, has the fragments that were asked. That suffices to decide: no row is needed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from narrows.core.canonical import Json
from narrows.core.catalog import Catalog
from narrows.core.ledger.entry import Entry, Kind, Opening
from narrows.core.normal import is_same_person
from narrows.core.plan.codec import decode_fragment
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.model import Policy
from narrows.core.policy.offline import Answered, together
from narrows.core.policy.together import decide_together
from narrows.core.request import AT_GATEWAY, AT_REQUESTER, Header, decode_header
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.errors import MalformedRequest

_DECIDED = (Kind.DISCLOSURE, Kind.REFUSAL, Kind.HELD)


@dataclass(frozen=True, slots=True)
class Past:
    """One request that a node decided on: as signed, and what was decided."""

    request: RequestId
    header: Header
    roles: frozenset[str]
    fragments: Mapping[int, bytes]
    self_approved: bool
    decided: Answered
    fragment_count: int


@dataclass(frozen=True, slots=True)
class Redecided:
    """One request whose answer would be another."""

    request: RequestId
    member: MemberName
    purpose: str
    day: date
    before: Answered
    after: Answered


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a policy would have done: how many requests were looked at, which would differ.

    `unreadable` are requests whose fragments are erased, or of a catalog or member that is gone,
    and those with a ticket that a ruling at the holder did not let through.
    """

    count: int
    changed: tuple[Redecided, ...]
    unreadable: tuple[RequestId, ...]

    @property
    def table(self) -> Mapping[tuple[str, str, str, str], int]:
        """How many changed, by member, purpose, the verdict that was, and the one that would be."""
        return Counter(
            (one.member, one.purpose, one.before.verdict, one.after.verdict) for one in self.changed
        )


def past_of(entry: Entry, openings: Iterable[Opening]) -> Past | None:
    """The request that an entry is about; None where nothing was decided on any.

    Raises: MalformedRequest where the signed header is not of the published format.
    """
    asked, decisions = entry.open.get("asked"), entry.open.get("decisions")
    if entry.kind not in _DECIDED or entry.request is None:
        return None
    if not isinstance(asked, dict) or not isinstance(decisions, list) or not decisions:
        return None
    opened = {one.field: one.value for one in openings}
    fragments = {
        int(name.removeprefix("fragments/")): value
        for name, value in opened.items()
        if name.startswith("fragments/")
    }
    signatures = asked.get("signatures")
    roles = [one.get("role") for one in _objects(signatures)]
    approver, officer = (opened.get(name, b"").decode() for name in ("approver", "officer"))
    return Past(
        request=entry.request,
        header=decode_header(str(asked.get("header")).encode()),
        roles=frozenset(str(role) for role in roles),
        fragments=fragments,
        self_approved=is_same_person(approver, officer),
        decided=_decided(_objects(decisions)),
        fragment_count=len(decisions),
    )


def _objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _decided(decisions: list[dict[str, Json]]) -> Answered:
    verdicts = [str(one.get("decision")) for one in decisions]
    gravest = next((one for one in ("REFUSED", "HELD", "NARROWED") if one in verdicts), "ALLOWED")
    return Answered(
        verdict=gravest,
        clauses=_texts(decisions, "clauses"),
        narrowed=_texts(decisions, "narrowed"),
        withheld=_texts(decisions, "withheld"),
        reasons=tuple(dict.fromkeys(str(one["reason"]) for one in decisions if one.get("reason"))),
    )


def _texts(decisions: list[dict[str, Json]], name: str) -> tuple[str, ...]:
    lists = [one.get(name) for one in decisions]
    return tuple(
        dict.fromkeys(str(text) for found in lists if isinstance(found, list) for text in found)
    )


def replay(
    pasts: Iterable[Past],
    policy: Policy,
    catalog: Catalog,
    requesters: Mapping[MemberName, Requester],
) -> Replayed:
    """Which requests the policy would have decided otherwise.

    It is taken to have been in force all the time; terms of its agreements stand as they are.
    """
    standing = replace(policy, effective=date.min)
    count, changed, unreadable = 0, [], []
    for past in pasts:
        count += 1
        after = _again(past, standing, catalog, requesters)
        # With a ticket the ruling decided, which stands whatever the policy says.
        was_ruled = past.header.ticket is not None and not past.decided.releases
        if after is None or (was_ruled and after.releases):
            unreadable.append(past.request)
        elif _differs(past.decided, after):
            header = past.header
            day = day_of(header, catalog.zone)
            changed.append(
                Redecided(past.request, header.agency, header.purpose, day, past.decided, after)
            )
    return Replayed(count, tuple(changed), tuple(unreadable))


def day_of(header: Header, zone: str) -> date:
    """The day on which a request was signed, in the federation's zone."""
    return header.issued_at.astimezone(ZoneInfo(zone)).date()


def _again(
    past: Past, policy: Policy, catalog: Catalog, requesters: Mapping[MemberName, Requester]
) -> Answered | None:
    requester = requesters.get(past.header.agency)
    if requester is None or len(past.fragments) < past.fragment_count:
        return None
    try:
        fragments = [decode_fragment(found, catalog) for found in past.fragments.values()]
    except MalformedRequest:
        return None
    circumstances = circumstances_of(past, requester, catalog.zone)
    judged = decide_together(policy, catalog, fragments, circumstances)
    return together(decision for decision, _ in judged)


def circumstances_of(past: Past, requester: Requester, zone: str) -> Circumstances:
    """Under which circumstances the request was made."""
    header = past.header
    given = {name for name, digest in header.commitments.optional.items() if digest is not None}
    return Circumstances(
        requester=requester,
        purpose=header.purpose,
        form=header.form,
        day=day_of(header, zone),
        given=frozenset(given | ({"authority"} if header.authority else set())),
        signed_by=past.roles,
        self_approved=past.self_approved,
        emergency=header.emergency,
        has_ticket=header.ticket is not None,
        merge_at=None if header.merge_at in (AT_GATEWAY, AT_REQUESTER) else Holder(header.merge_at),
    )


def _differs(before: Answered, after: Answered) -> bool:
    """Whether another answer would have been given; who cites what is none of it."""
    if before.verdict != after.verdict:
        return True
    return before.releases and (set(before.narrowed), set(before.withheld)) != (
        set(after.narrowed),
        set(after.withheld),
    )
