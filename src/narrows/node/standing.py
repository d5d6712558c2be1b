"""Between deciding and reading: what this node remembers may turn a decision into less.

A policy decides on a request alone. What came before it (a ticket that a person has, or has not,
approved; a budget that is spent) is known to the node only, from its own ledger. `STEPS` are asked
in their order; the first that turns the decision does so for every fragment, and nothing is read.
No step widens anything, and none looks at a row, so that what it says is alike for every subject.
None waits either: what one of them takes cannot be taken twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from narrows.core.admission import Admitted
from narrows.core.policy.budget import Charge, counter_of, encode_charge, spent_reason
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.policy.model import Agreement
from narrows.core.policy.tokens import Sought
from narrows.node.budgets import CHARGE, Budgets
from narrows.node.tickets import Status, find_ticket, is_same_question, needed_for
from narrows.node.tokens import Sealing
from narrows.store.ledger import Ledger

UNKNOWN = "no request of that id is held here for this agency"
ANOTHER = "the ticket is of another question: ask exactly what was held"
NOT_YET = "held: the request of that ticket is not decided yet"
DENIED = "the held request was denied"
LAPSED = "the held request has lapsed: it was not decided, or not collected, in time"


@dataclass(frozen=True, slots=True)
class Standing:
    """A request that its policy releases or holds, and what this node remembers.

    `sought` is what the released fragments match, nothing where all is held; what a step takes is
    sealed by way of `sealing`.
    """

    admitted: Admitted
    agreement: Agreement
    ledger: Ledger
    now: datetime
    budgets: Budgets
    sought: Sought
    sealing: Sealing


@dataclass(frozen=True, slots=True)
class Turn:
    """What the release is turned into: `HELD` or `REFUSED`, and why, in fixed words."""

    verdict: Verdict
    reason: str


Step: TypeAlias = Callable[[Standing], Turn | None]


def turn_of(standing: Standing) -> Turn | None:
    """What the first step says that turns the decision; None where it stands."""
    return next((turn for step in STEPS if (turn := step(standing)) is not None), None)


def turned(decision: Decision, turn: Turn) -> Decision:
    """The decision as it stands: what is released or held is turned, what is refused stays."""
    if decision.verdict is Verdict.REFUSED:
        return decision
    return replace(
        decision,
        verdict=turn.verdict,
        reasons=(turn.reason,),
        narrowed=(),
        withheld=(),
        caveats=(),
        keep_days=None,
    )


def by_ticket(standing: Standing) -> Turn | None:
    """What is held is released to whoever collects it in time, once enough persons approved it."""
    header = standing.admitted.header
    if standing.agreement.hold is None or header.ticket is None:
        return None
    ticket = find_ticket(standing.ledger, header.ticket)
    # Another agency's ticket is unknown, in the same words: else it could be sounded out.
    if ticket is None or ticket.header.agency != header.agency:
        return Turn(Verdict.REFUSED, UNKNOWN)
    if not is_same_question(ticket, standing.admitted):
        return Turn(Verdict.REFUSED, ANOTHER)
    match ticket.status(standing.now, needed_for(ticket, standing.agreement)):
        case Status.APPROVED:
            return None
        case Status.OPEN:
            return Turn(Verdict.HELD, NOT_YET)
        case Status.DENIED:
            return Turn(Verdict.REFUSED, DENIED)
        case Status.LAPSED:
            return Turn(Verdict.REFUSED, LAPSED)


def by_budget(standing: Standing) -> Turn | None:
    """What is still within the budget is charged, before anything is read; else it is refused.

    What is held for the first time is one request: it costs its holder's people their time. What
    it matches is charged when it is collected.
    """
    budget, id_ = standing.agreement.budget, standing.agreement.id
    if budget is None:
        return None
    header, token = standing.admitted.header, standing.sealing.token
    officer = standing.admitted.request.text("officer") or ""
    charge = Charge(
        counter_of(id_, budget, (header.agency, officer, header.purpose), standing.admitted.day),
        # What has no limit is not counted: a tally shall not grow without one.
        frozenset(token(*one) for one in standing.sought.literals if budget.literals is not None),
        frozenset(token(*one) for one in standing.sought.persons if budget.same_person is not None),
    )
    if not standing.budgets.take(budget, charge):
        return Turn(Verdict.REFUSED, spent_reason(id_))
    standing.sealing.fields[CHARGE] = encode_charge(charge)
    return None


STEPS: tuple[Step, ...] = (by_ticket, by_budget)
"""What takes something comes last, so that nothing is taken for what another step refuses."""
