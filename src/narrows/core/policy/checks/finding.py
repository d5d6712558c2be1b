"""What a rule is given, and what it finds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from narrows.core.catalog import Catalog
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Agreement, Grant, Policy


class Severity(StrEnum):
    """How much a finding weighs; with an error nothing starts."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, its line in the file, and how to mend it."""

    line: int
    message: str
    hint: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy, and what is known around it; None is unknown.

    `approvers` is how many named persons of the holder may decide what is held.
    """

    policy: Policy
    catalog: Catalog
    requesters: Collection[Requester] | None = None
    day: date | None = None
    approvers: int | None = None


def warn(agreement: Agreement, message: str, hint: str, grant: Grant | None = None) -> Finding:
    """A warning about an agreement, or one grant of it."""
    line = agreement.line if grant is None else grant.line
    return Finding(line, f"`{agreement.id}` {message}", hint, Severity.WARNING)
