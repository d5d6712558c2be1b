"""Which of a holder's versions is in force on a day."""

from collections.abc import Iterable
from datetime import date

from narrows.core.policy.model import Policy


def in_force(policies: Iterable[Policy], day: date) -> Policy | None:
    """The highest version that has come into force by that day; None where none has."""
    effective = (policy for policy in policies if policy.effective <= day)
    return max(effective, key=lambda policy: policy.version, default=None)


def in_force_or_first(policies: Iterable[Policy], day: date) -> Policy:
    """As `in_force`; before every version the first to come, which releases nothing yet.

    Needs: at least one policy.
    """
    every = tuple(policies)
    found = in_force(every, day)
    if found is None:
        found = min(every, key=lambda policy: (policy.effective, policy.version))
    return found
