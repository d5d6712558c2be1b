"""The values of the policy language: what a policy says, who asks, and what was decided.

`language` reads a `Policy` from YAML, `decide` makes a `Decision` of it for one request and
fragment, `bind` makes a `BoundFragment`. Layout and meaning: `docs/policy.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from narrows.core.terms import (
    ColumnName,
    Digest,
    Holder,
    MemberName,
    Purpose,
    RelationName,
    TypedValue,
)


class Verdict(StrEnum):
    """What a holder decided about one fragment of one request."""

    ALLOWED = "ALLOWED"
    NARROWED = "NARROWED"
    REFUSED = "REFUSED"
    HELD = "HELD"


# --- masks ---------------------------------------------------------------------------------


class MaskKind(StrEnum):
    """How a shown column is coarsened; the type stays."""

    AS_IS = "as is"
    YEAR = "year"
    FIRST = "first"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Mask:
    """A coarsening: `first` keeps the first `length` characters, `year` the first of January."""

    kind: MaskKind
    length: int = 0

    def __str__(self) -> str:
        """The mask as the policy spells it."""
        return f"{self.kind} {self.length}" if self.length else self.kind.value


AS_IS = Mask(MaskKind.AS_IS)


# --- tests of rows -------------------------------------------------------------------------


class Day(StrEnum):
    """A day that is known only when a request comes."""

    TODAY = "today"


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """One test of one column; unknown where the column is NULL, but for `null`.

    `op` is `in` (one value or more), `before` (one date, or today), or `null` (no value).
    """

    column: ColumnName
    op: str
    values: tuple[TypedValue | Day, ...] = ()


@dataclass(frozen=True, slots=True)
class RowTest:
    """All of the tests, over one row of one relation."""

    tests: tuple[ColumnTest, ...]


@dataclass(frozen=True, slots=True)
class NeverRows:
    """Rows that no agreement releases, and what hangs on them by the catalog's references.

    A row for which the test is unknown is hidden too. `stays` are the relations that the cascade
    leaves alone.
    """

    clause: str
    line: int
    relation: RelationName
    test: RowTest
    because: str
    stays: frozenset[RelationName] = frozenset()


# --- agreements ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom an agreement is with; an empty set leaves that side open, all given sides must fit."""

    classes: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    members: frozenset[MemberName] = frozenset()


class KeyKind(StrEnum):
    """How a key column may be matched."""

    EQUAL = "equal"
    OPTIONAL_EQUAL = "optional equal"
    IN = "in"


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of a key set; `at_most` is the number of literals that `in` takes."""

    relation: RelationName
    column: ColumnName
    kind: KeyKind
    at_most: int = 1


KeySet: TypeAlias = tuple[KeyColumn, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the form `lookup` gives: which anchors, how much, over which links, what is shown."""

    by: tuple[KeySet, ...]
    row_cap: int
    literal_cap: int
    link: frozenset[RelationName]
    show: Mapping[RelationName, Mapping[ColumnName, Mask]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one holder grants to whom, for what purposes, until when. `id` is its clause id."""

    id: str
    line: int
    authority: str
    parties: Parties
    purposes: frozenset[Purpose]
    requires: frozenset[str]
    valid_from: date
    valid_to: date | None
    lookup: Lookup
    caveats: tuple[str, ...] = ()
    keep_days: int | None = None

    def covers(self, day: date) -> bool:
        """Whether the day lies in the term of validity, both ends included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Policy:
    """One agency's policy, one version. `digest` is SHA-256 of the file's bytes as signed."""

    agency: Holder
    version: int
    effective: date
    never: tuple[NeverRows, ...]
    agreements: tuple[Agreement, ...]
    digest: Digest


# --- a request, as policy sees it ----------------------------------------------------------


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
    `authority`; `day` is the signed issue time's day in the federation's zone.
    """

    requester: Requester
    purpose: Purpose
    form: str
    day: date
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy says to one fragment of one request.

    `clauses` cite ids (`sexual-crime-investigation`, `never[1]`); `reasons` are full sentences of
    a refusal; `narrowed` says `person.residence_postal: first 3`; `withheld` lists columns that
    only a star brought (`person.sex_code`).
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
