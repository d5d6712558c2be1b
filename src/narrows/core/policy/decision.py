"""Who asks under which circumstances, and what one holder's policy decided about it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from narrows.core.terms import Digest, Holder, MemberName, Purpose


class Verdict(StrEnum):
    """What a holder decided about one fragment of one request."""

    ALLOWED = "ALLOWED"
    NARROWED = "NARROWED"
    REFUSED = "REFUSED"
    HELD = "HELD"


@dataclass(frozen=True, slots=True)
class Requester:
    """The member that signed, as the directory knows it."""

    member: MemberName
    member_class: str
    country: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides, apart from the fragment: all of it from the request alone.

    `given` names the optional fields that the request holds, of `request.OPTIONAL_FIELDS` and
    `authority`; `day` is the signed issue time's day in the federation's zone. `signed_by` are the
    roles whose signatures verify; `self_approved` says that officer and approver are one name.
    `has_ticket` says that the request collects what was held; the node knows whether it may.
    `merge_at` is the holder at which a merge is placed, or None.
    """

    requester: Requester
    purpose: Purpose
    form: str
    day: date
    given: frozenset[str]
    signed_by: frozenset[str] = frozenset(("agency",))
    self_approved: bool = False
    emergency: bool = False
    has_ticket: bool = False
    merge_at: Holder | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy says to one fragment of one request.

    `clauses` cite ids (`sexual-crime-investigation`, `never[1]`); `reasons` are full sentences of
    a refusal, or of why it is held; `narrowed` says `person.residence_postal: first 3`; `withheld`
    lists columns that only a star brought (`person.sex_code`).
    """

    verdict: Verdict
    policy_version: int
    policy_digest: Digest
    agreement: str | None = None
    clauses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    keep_days: int | None = None

    @property
    def releases(self) -> bool:
        """Whether anything may leave under this decision."""
        return self.verdict in (Verdict.ALLOWED, Verdict.NARROWED)
