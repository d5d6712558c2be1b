"""How a held request stands: of what was ruled on it, by whom and when, and of nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from narrows.core.ledger.parts import HoldTerms
from narrows.core.ruling import Says
from narrows.core.terms import RequestId
from narrows.node.tickets import Status, Ticket, Told
from tests.unit.core.policy.test_replay import header

HELD_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATE = 25
"""Hours after which nothing can be decided any more."""


def ticket(*rulings: tuple[Says, str, int], second: bool = False) -> Ticket:
    """A request held at noon, to be decided in 24 hours, and what was ruled after so many hours."""
    return Ticket(
        request=RequestId("00" * 16),
        header=header(),
        terms=HoldTerms("duty_officer", second, decide_hours=24, collect_hours=48),
        agreement="aid",
        held_at=HELD_AT,
        opened={},
        rulings=tuple(Told(says, by, HELD_AT + timedelta(hours=at)) for says, by, at in rulings),
    )


def status(found: Ticket, hours: int) -> Status:
    """How it stands so many hours after it was held."""
    return found.status(HELD_AT + timedelta(hours=hours), found.needed)


def test_it_is_open_until_it_lapses() -> None:
    assert status(ticket(), 24) is Status.OPEN
    assert status(ticket(), LATE) is Status.LAPSED


def test_an_approval_is_good_for_the_hours_of_collection() -> None:
    found = ticket((Says.APPROVE, "ann", 1))
    assert status(found, 1) is Status.APPROVED
    assert status(found, 49) is Status.APPROVED
    assert status(found, 50) is Status.LAPSED


def test_one_person_is_no_second_one() -> None:
    twice = ticket((Says.APPROVE, "ann", 1), (Says.APPROVE, "ann", 2), second=True)
    assert twice.approvals == ("ann",)
    assert status(twice, 3) is Status.OPEN
    both = ticket((Says.APPROVE, "ann", 1), (Says.APPROVE, "ben", 2), second=True)
    assert status(both, 3) is Status.APPROVED
    assert both.collect_by(2) == HELD_AT + timedelta(hours=2 + 48)


@pytest.mark.parametrize("second", [False, True])
def test_an_approval_that_comes_too_late_counts_for_nothing(second: bool) -> None:
    timely = [(Says.APPROVE, "ann", 1)] * second
    found = ticket(*timely, (Says.APPROVE, "ben", LATE), second=second)
    assert status(found, LATE) is Status.LAPSED


@pytest.mark.parametrize("at", [0, 2])
def test_a_denial_is_final(at: int) -> None:
    assert status(ticket((Says.DENY, "ben", at), (Says.APPROVE, "ann", 1)), 3) is Status.DENIED
