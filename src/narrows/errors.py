"""Every error of Narrows, once: its class, its reason, and what the caller can do.

A class exists for each thing that a caller can *do* about it, not for each place that raises it.
Messages are lower case, without a full stop, with names in backticks; they never hold a value of
a row or a literal of a query. What a message names is also in `metadata`, for programs.

>>> raise_me = MalformedQuery("no relation `persn`", hint="did you mean `person`?", position=14)
>>> str(raise_me)
'no relation `persn`: did you mean `person`?'
>>> raise_me.reason, raise_me.metadata
('QUERY_MALFORMED', {'position': '14'})
"""

from collections.abc import Mapping
from typing import ClassVar


class NarrowsError(Exception):
    """The base of every error that Narrows raises on purpose.

    `reason` is stable and for programs; `message` says what happened and what it concerns; `hint`
    says what to do. `metadata` has lowerCamelCase keys, with units in the key.
    """

    reason: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{message}: {hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.metadata: dict[str, str] = dict(metadata or {})


class _PlacedError(NarrowsError):
    """An error that can point into the text of a query; `position` counts characters from 0."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        position: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, metadata=metadata)
        self.position = position
        if position is not None:
            self.metadata["position"] = str(position)


class MalformedQuery(_PlacedError):
    """The text is not a query of this catalog: correct the text."""

    reason = "QUERY_MALFORMED"


class UnsupportedQuery(_PlacedError):
    """The text is SQL that Narrows does not accept: ask in another way."""

    reason = "QUERY_UNSUPPORTED"


class MalformedRequest(NarrowsError):
    """The signed request is not in the published format: correct the client."""

    reason = "REQUEST_MALFORMED"


class UnknownCaller(NarrowsError):
    """Who asks is not a member, or a signature or certificate does not verify: check the keys."""

    reason = "CALLER_UNKNOWN"


class DisclosureDenied(NarrowsError):
    """This caller may not do this: read the clause, ask under another authority."""

    reason = "DISCLOSURE_DENIED"


class ObligationUnenforceable(NarrowsError):
    """Policy demands what this node cannot enforce: the operator must change engine or policy."""

    reason = "OBLIGATION_UNENFORCEABLE"


class CatalogChanged(NarrowsError):
    """The request was made for another catalog: fetch the current one and sign again."""

    reason = "CATALOG_CHANGED"


class PolicyChanged(NarrowsError):
    """The gateway bound under another policy version: it fetches the current one and repeats."""

    reason = "POLICY_CHANGED"


class PlannerDiffers(NarrowsError):
    """Client and gateway split the query differently: bring both to one version."""

    reason = "PLANNER_DIFFERS"


class BudgetSpent(NarrowsError):
    """An agreement's budget is used up: wait for the next period."""

    reason = "BUDGET_SPENT"


class NodeUnavailable(NarrowsError):
    """A node cannot be reached: try again, or ask the other holders alone."""

    reason = "NODE_UNAVAILABLE"


class LedgerUnavailable(NarrowsError):
    """The ledger cannot take entries, so nothing is answered: the operator must mend the disk."""

    reason = "LEDGER_UNAVAILABLE"


class RequestReplayed(NarrowsError):
    """This very request was answered before: sign a new one."""

    reason = "REQUEST_REPLAYED"


class RequestExpired(NarrowsError):
    """The request is too old, too long-lived, or from the future: set the clock, sign a new one."""

    reason = "REQUEST_EXPIRED"


class Overloaded(NarrowsError):
    """Too much at once: try again after the time named in the metadata."""

    reason = "OVERLOADED"


class AnswerIncomplete(NarrowsError):
    """A holder is missing, and the answer without it could be false: ask of the others alone."""

    reason = "ANSWER_INCOMPLETE"


class AnswerTooLarge(NarrowsError):
    """The answer is over a limit: ask a narrower question."""

    reason = "ANSWER_TOO_LARGE"


class BadFederation(NarrowsError):
    """A file of the federation is wrong: nothing starts until the named line is mended."""

    reason = "FEDERATION_INVALID"

    def __init__(self, message: str, *, hint: str = "", file: str = "", line: int = 0) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(
            f"{place}: {message}" if place else message,
            hint=hint,
            metadata={k: v for k, v in (("file", file), ("line", str(line or ""))) if v},
        )
        self.file = file
        self.line = line


class DeadlinePassed(NarrowsError):
    """There was not enough time: allow more, or ask for less."""

    reason = "DEADLINE_PASSED"


class CheckFailed(NarrowsError):
    """A check of Narrows on itself or on a peer failed; no rows are given: report it."""

    reason = "CHECK_FAILED"


class ProofInvalid(NarrowsError):
    """A proof, receipt or ledger does not verify: keep the evidence, call the auditor."""

    reason = "PROOF_INVALID"
