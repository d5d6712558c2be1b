"""Past requests of a ledger decided again: what would change, and what cannot be told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from narrows.core.canonical import Json
from narrows.core.entries import decided
from narrows.core.ledger.entry import Entry, Kind, Opening
from narrows.core.ledger.parts import spell
from narrows.core.plan.fragment import encode_fragment
from narrows.core.plan.plan import plan
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances
from narrows.core.policy.model import Policy
from narrows.core.policy.replay import Past, circumstances_of, past_of, replay
from narrows.core.request import Audience, Commitments, Header, encode_header, request_id
from narrows.core.terms import Digest, MemberName, Purpose
from narrows.errors import MalformedRequest
from tests.unit.core.policy.rich import CATALOG, CITY, DAY, POLICY, REQUESTERS, changed

SQL = "SELECT p.postal FROM person p WHERE substr(p.surname, 1, 1) = 'T'"
WHEN = datetime(2026, 6, 1, 12, tzinfo=UTC)
KNOWN = {one.member: one for one in REQUESTERS}
ZERO = Digest(bytes(32))


def header(number: int = 0, **more: object) -> Header:
    found = Header(
        nonce=number.to_bytes(16, "big"),
        issued_at=WHEN,
        expires_at=WHEN + timedelta(seconds=30),
        agency=MemberName("city"),
        unit="",
        purpose=Purpose("aid"),
        form="lookup",
        authority=None,
        ticket=None,
        emergency=False,
        audience=Audience("test", "gateway", CATALOG.digest, "1"),
        merge_at="gateway",
        partial=False,
        deadline_ms=1000,
        commitments=Commitments(ZERO, ZERO, (ZERO,), {"officer": ZERO, "case_number": ZERO}),
    )
    return replace(found, **more)  # type: ignore[arg-type]


def entry(
    policy: Policy = POLICY, sql: str = SQL, signed: Header | None = None, **more: object
) -> tuple[Entry, tuple[Opening, ...]]:
    """The entry of a node that decided on this question, with its openings."""
    signed = signed or header()
    fragments = [part.fragment for part in plan(sql, {}, CATALOG).parts]
    who = Circumstances(CITY, Purpose("aid"), "lookup", DAY, frozenset({"officer", "case_number"}))
    decisions = [decide(policy, CATALOG, one, who) for one in fragments]
    opened: Mapping[str, Json] = {
        "asked": {
            "header": encode_header(signed).decode(),
            "signatures": [{"role": "agency"}, {"role": "approver"}],
        },
        "decisions": [spell(decided(policy.agency, n, one)) for n, one in enumerate(decisions)],
    }
    made = Entry(
        "registry.test/ledger", Kind.DISCLOSURE, WHEN, request_id(encode_header(signed)), opened, {}
    )
    openings = [
        Opening(f"fragments/{n}", bytes(32), encode_fragment(one))
        for n, one in enumerate(fragments)
    ]
    return replace(made, **more), (*openings, Opening("officer", bytes(32), b"12"))  # type: ignore[arg-type]


def past(*given: object, **more: object) -> Past:
    found = past_of(*entry(*given, **more))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_past_request_is_read_from_its_entry() -> None:
    found = past()
    assert (found.decided.verdict, found.decided.narrowed) == (
        "NARROWED", ("person.postal: first 1",),
    )  # fmt: skip
    assert found.roles == {"agency", "approver"}
    who = circumstances_of(found, CITY, "UTC")
    assert (who.day, who.given, who.merge_at) == (DAY, frozenset({"officer", "case_number"}), None)
    other = past(
        signed=header(authority="s.1", ticket="0" * 32, emergency=True, merge_at="archive")
    )
    who = circumstances_of(other, CITY, "UTC")
    assert (who.has_ticket, who.emergency, who.merge_at) == (True, True, "archive")
    assert "authority" in who.given


def test_under_the_same_policy_nothing_changes() -> None:
    found = replay([past(), past(sql="SELECT box FROM vault")], POLICY, CATALOG, KNOWN)
    assert (found.count, found.changed, found.unreadable) == (2, (), ())


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (("day, postal: first 1", "day, postal: as is"), "ALLOWED"),
        (("day, postal: first 1", "day, postal: null"), "NARROWED"),
        (("{first: 1}", "{first: 2}"), "REFUSED"),
        (("authority: Registry Act s.16", "authority: another"), None),
        # It is tried as if it had been in force.
        (("effective: 2026-01-01", "effective: 2027-01-01"), None),
    ],
)
def test_what_a_proposed_policy_would_have_changed(
    edit: tuple[str, str], after: str | None
) -> None:
    found = replay([past()], changed(edit), CATALOG, KNOWN)
    assert [one.after.verdict for one in found.changed] == ([] if after is None else [after])
    if after is not None:
        assert dict(found.table) == {("city", "aid", "NARROWED", after): 1}
        (one,) = found.changed
        assert (one.member, one.day, one.request) == ("city", DAY, past().request)


def test_a_refusal_of_the_past_may_become_an_answer() -> None:
    refused = past(sql="SELECT p.surname FROM person p WHERE substr(p.surname, 1, 1) = 'T'")
    assert refused.decided.verdict == "REFUSED"
    assert "nothing is matched" in refused.decided.reasons[0]
    wider = changed(("show: {person: {seen: day,", "show: {person: {surname: as is, seen: day,"))
    (one,) = replay([refused], wider, CATALOG, KNOWN).changed
    assert (one.before.verdict, one.after.verdict) == ("REFUSED", "ALLOWED")


def test_what_cannot_be_decided_again_is_counted() -> None:
    made, openings = entry()
    erased = past_of(made, openings[1:])
    strange = past_of(made, (Opening("fragments/0", bytes(32), b"{}"), *openings[1:]))
    gone = past(signed=header(agency=MemberName("gone")))
    assert erased is not None
    assert strange is not None
    found = replay([erased, strange, gone], POLICY, CATALOG, KNOWN)
    assert (found.count, len(found.unreadable), found.changed) == (3, 3, ())


def test_what_was_held_is_decided_again_and_what_was_ruled_is_not() -> None:
    held = {"decision": "HELD", "clauses": [], "narrowed": [], "withheld": [], "reason": "held"}

    def waiting(ticket: str | None = None) -> Past:
        made, openings = entry(signed=header(ticket=ticket))
        opened: Mapping[str, Json] = {**made.open, "decisions": [held]}
        found = past_of(replace(made, kind=Kind.HELD, open=opened), openings)
        assert found is not None
        return found

    (one,) = replay([waiting()], POLICY, CATALOG, KNOWN).changed
    assert (one.before.verdict, one.after.verdict) == ("HELD", "NARROWED")
    assert len(replay([waiting(ticket="0" * 32)], POLICY, CATALOG, KNOWN).unreadable) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"kind": Kind.ACCESS},
        {"request": None},
        {"open": {}},
        {"open": {"asked": {}, "decisions": []}},
        {"open": {"asked": {}, "decisions": "none"}},
    ],
)
def test_an_entry_that_decides_nothing_is_no_past(more: dict[str, object]) -> None:
    made, openings = entry()
    assert past_of(replace(made, **more), openings) is None  # type: ignore[arg-type]


def test_an_entry_whose_header_is_none_is_refused() -> None:
    made, openings = entry()
    spoiled = {"asked": {"header": "{}", "signatures": "none"}, "decisions": [{"clauses": "none"}]}
    with pytest.raises(MalformedRequest):
        past_of(replace(made, open=spoiled), openings)  # type: ignore[arg-type]


def test_an_officer_who_approves_is_seen() -> None:
    made, openings = entry()
    approver = Opening("approver", bytes(32), b" 12 ")
    both = past_of(made, (*openings, approver))
    assert both is not None
    assert both.self_approved
    assert not past().self_approved
