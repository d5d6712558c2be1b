"""Refusals at the door, entered: whoever brings what is refused is known, and so is what failed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from narrows.core.admission import Authentic
from narrows.core.entries import asked, true_fields
from narrows.core.ledger.parts import Refusal, draft
from narrows.core.terms import MemberName, RequestId
from narrows.errors import CheckFailed, LedgerUnavailable, NarrowsError
from narrows.store.ledger import Ledger

MOST_CHECK = 500


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
            await enter_refusal(ledger, Refusal(caller, error.reason, error.message))
        else:
            refusal = Refusal(caller, error.reason, error.message, asked(found))
            await enter_refusal(ledger, refusal, found.request.id, true_fields(found))
        raise


async def enter_refusal(
    ledger: Ledger,
    refusal: Refusal,
    request: RequestId | None = None,
    sealed: Mapping[str, bytes] | None = None,
) -> None:
    """Nothing, when it is durable; without what was asked, where that is too long for an entry.

    Raises: LedgerUnavailable.
    """
    try:
        await ledger.append(draft(refusal, request, sealed))
    except CheckFailed:
        short = Refusal(refusal.caller, refusal.reason, refusal.check[:MOST_CHECK])
        await ledger.append(draft(short, request))
