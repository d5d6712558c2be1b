"""Refusals at the door, entered: whoever brings what is refused is known, and so is what failed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from narrows.core.admission import Authentic
from narrows.core.entries import asked, true_fields
from narrows.core.ledger.parts import Refusal, draft
from narrows.core.terms import MemberName
from narrows.errors import LedgerUnavailable, NarrowsError
from narrows.store.ledger import Ledger


@asynccontextmanager
async def entering_refusals(
    ledger: Ledger, caller: MemberName, found: Authentic | None = None
) -> AsyncIterator[None]:
    """Around the checks of what `caller` brings: an error is entered, and goes on up.

    `found` is the request, once its signature is known to be true: then the entry says who asked
    what, for which case. Raises: LedgerUnavailable instead, where it cannot be entered.
    """
    try:
        yield
    except LedgerUnavailable:
        raise
    except NarrowsError as error:
        if found is None:
            part = draft(Refusal(caller, error.reason, error.message))
        else:
            refusal = Refusal(caller, error.reason, error.message, asked(found))
            part = draft(refusal, found.request.id, true_fields(found))
        await ledger.append(part)
        raise
