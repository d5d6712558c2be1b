"""What members have asked of this holder today, kept in memory and rebuilt from the ledger.

A charge is sealed in the entry of the request that it is for, so a restart counts what was counted
before. Everything runs on one event loop: there is no moment between asking and taking.
"""

from datetime import date, datetime, timedelta

from narrows.core.ledger.entry import Kind
from narrows.core.policy.budget import Charge, Counter, Spent, decode_charge
from narrows.core.policy.model import Budget
from narrows.store.ledger import Ledger

CHARGE = "charge"
"""The sealed field of an entry that holds its charge."""
_KEPT = timedelta(days=2)
"""A request's day is at most the day before that of its entry."""
_CHARGED_KINDS = (Kind.DISCLOSURE, Kind.REFUSAL, Kind.HELD)


class Budgets:
    """The tally of one holder."""

    def __init__(self) -> None:
        self._spent: dict[Counter, Spent] = {}
        self._day = date.min

    def take(self, budget: Budget, charge: Charge) -> bool:
        """Whether the request was charged; it is not where that would pass a limit."""
        spent = self._spent.get(charge.counter, Spent())
        if not spent.leaves(budget, charge):
            return False
        self._count(charge)
        return True

    def rebuild(self, ledger: Ledger, now: datetime) -> None:
        """Nothing; what the ledger says was charged of late is counted.

        Raises: ProofInvalid, LedgerUnavailable: a node that cannot count does not start.
        """
        since = now - _KEPT
        for kind in _CHARGED_KINDS:
            for index in reversed(ledger.entries_of_kind(kind)):
                entry = ledger.entry(index)
                if entry.time < since:
                    break
                if CHARGE not in entry.sealed:
                    continue
                for opening in ledger.openings(index):
                    if opening.field == CHARGE:
                        self._count(decode_charge(opening.value))

    def _count(self, charge: Charge) -> None:
        self._spent.setdefault(charge.counter, Spent()).take(charge)
        if charge.counter.day > self._day:
            self._day = charge.counter.day
            last = self._day - _KEPT if self._day > date.min + _KEPT else date.min
            self._spent = {one: kept for one, kept in self._spent.items() if one.day >= last}
