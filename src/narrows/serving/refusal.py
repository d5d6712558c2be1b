"""Refusals at the door, entered: whoever brings what is refused is known, and so is what failed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from narrows.core.ledger.parts import Refusal, draft
from narrows.core.terms import MemberName
from narrows.errors import LedgerUnavailable, NarrowsError
from narrows.store.ledger import Ledger


@asynccontextmanager
async def entering_refusals(ledger: Ledger, caller: MemberName) -> AsyncIterator[None]:
    """Around the checks of what `caller` brings: an error is entered, and goes on up.

    Raises: LedgerUnavailable instead, where it cannot be entered.
    """
    try:
        yield
    except LedgerUnavailable:
        raise
    except NarrowsError as error:
        await ledger.append(draft(Refusal(caller, error.reason, error.message)))
        raise
