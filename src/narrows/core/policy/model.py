"""The values of the policy language: what a policy says.

`language` reads a `Policy` from YAML, `decide` makes a `Decision` of it for one request and
fragment, `bind` makes a `BoundFragment`. Layout and meaning: `docs/policy.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


class Form(StrEnum):
    """In which way a question is asked, and what an agreement offers for it."""

    LOOKUP = "lookup"
    LIST = "list"
    COUNT = "count"
    POINTER = "pointer"


# --- masks ---------------------------------------------------------------------------------


class MaskKind(StrEnum):
    """How a shown column is coarsened; the type stays."""

    AS_IS = "as is"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    FIRST = "first"
    BUCKET = "bucket"
    ROUND = "round"
    PSEUDONYM = "pseudonym"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Mask:
    """A coarsening.

    `year`, `month` and `day` give the first instant of the period; `first` the first `amount`
    characters; `bucket` the lower end of the bucket of `amount` whole numbers; `round` the nearest
    multiple of `amount`, half away from zero; `pseudonym` a word that stands for the value for one
    requester, one purpose, and one `period`.
    """

    kind: MaskKind
    amount: int = 0
    period: str = ""

    def __str__(self) -> str:
        """The mask as the policy spells it."""
        tail = self.period or (str(self.amount) if self.amount else "")
        return f"{self.kind} {tail}" if tail else self.kind.value


AS_IS = Mask(MaskKind.AS_IS)
PERIODS = ("day", "month", "year")


# --- tests of rows -------------------------------------------------------------------------


class Said(StrEnum):
    """A value that is known only when a request comes."""

    TODAY = "today"
    COUNTRY = "requester country"
    MEMBER = "requester"


@dataclass(frozen=True, slots=True)
class DaysFromToday:
    """The request's day, so many days later (or earlier, where negative)."""

    days: int


TestValue: TypeAlias = TypedValue | Said | DaysFromToday


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """One test of one column; unknown where the column is NULL, but for `null`.

    `op` is `in` (one value or more), `before` or `from` (one date: earlier than it; on it or
    later), `to` (on it or earlier), or `null` (no value).
    """

    column: ColumnName
    op: str
    values: tuple[TestValue, ...] = ()


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


@dataclass(frozen=True, slots=True)
class NeverColumns:
    """Columns that no agreement shows, matches or links; without columns the whole relation."""

    clause: str
    line: int
    relation: RelationName
    columns: frozenset[ColumnName]
    because: str

    def covers(self, relation: str, column: str) -> bool:
        """Whether the column is never used."""
        return relation == self.relation and (not self.columns or column in self.columns)


@dataclass(frozen=True, slots=True)
class OnlyRows:
    """The rows of one relation that a grant is about, and of what refers to it; unknown hides."""

    relation: RelationName
    test: RowTest


# --- grants --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom an agreement is with; an empty set leaves that side open, all given sides must fit."""

    classes: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    members: frozenset[MemberName] = frozenset()


class KeyKind(StrEnum):
    """How a key may be matched."""

    EQUAL = "equal"
    IN = "in"
    WITHIN_DAYS = "within_days"
    FIRST = "first"
    SIMILAR = "similar"


class Normal(StrEnum):
    """What two texts are reduced to before they are compared (`core/normal.py`)."""

    NONE = ""
    NAME = "name"
    DOCUMENT = "document"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One member of a key set: one column, or for `similar` the columns joined by blanks.

    `at_most` is the number of literals that are taken, `days` the half width of `within_days`,
    `length` the characters of `first`, `at_least` the threshold of `similar`, `region` where phones
    without a country code are from, `min_length` the fewest characters of a literal.
    """

    relation: RelationName
    columns: tuple[ColumnName, ...]
    kind: KeyKind
    optional: bool = False
    at_most: int = 1
    days: int = 0
    length: int = 0
    at_least: float = 0.0
    normal: Normal = Normal.NONE
    region: str = ""
    min_length: int = 0


KeySet: TypeAlias = tuple[KeyColumn, ...]
ColumnPath: TypeAlias = tuple[RelationName, ColumnName]


@dataclass(frozen=True, slots=True)
class Grant:
    """What an agreement gives in one form.

    All forms: which relations may be linked, what is shown of them, which rows it is about, and to
    whom it goes (`to`: holders at which a merge is placed; empty: whoever asks). `lookup` and
    `pointer` have key sets and a cap of literals; `lookup` and `list` a cap of rows; `pointer` the
    columns by which its one row is chosen, and whether both units are told; `list` the column each
    of whose values has an entry of its own (by batches, without); `count` a cube.
    """

    form: Form
    line: int
    link: frozenset[RelationName] = frozenset()
    show: Mapping[RelationName, Mapping[ColumnName, Mask]] = field(
        default_factory=dict[RelationName, Mapping[ColumnName, Mask]]
    )
    only: tuple[OnlyRows, ...] = ()
    to: frozenset[Holder] = frozenset()
    by: tuple[KeySet, ...] = ()
    row_cap: int = 1
    literal_cap: int = 0
    first_by: tuple[ColumnPath, ...] = ()
    notify: bool = False
    entry_for: ColumnPath | None = None
    cube: str | None = None


@dataclass(frozen=True, slots=True)
class HoldRule:
    """Who at the holder decides each request before anything is matched, and how long it may take.

    `second` asks for a second named person. A request that claims emergency has `urgent_hours`,
    any other `routine_hours`; what is approved can be collected for `collect_hours`.
    """

    role: str
    second: bool
    urgent_hours: int
    routine_hours: int
    collect_hours: int


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    """What a request that claims emergency needs instead, and when its use must be reviewed."""

    requires: frozenset[str]
    review_hours: int


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is given a day to each member, and to each of `per` (`officer`, `purpose`) of it.

    None is no limit. `same_person` counts questions that match the same literals.
    """

    per: frozenset[str]
    requests: int | None = None
    literals: int | None = None
    same_person: int | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one holder grants to whom, for what purposes, until when. `id` is its clause id.

    `signed_by` are the roles whose own signature a request needs beside the agency's;
    `named_columns_only` says that no star is answered.
    """

    id: str
    line: int
    authority: str
    parties: Parties
    purposes: frozenset[Purpose]
    requires: frozenset[str]
    valid_from: date
    valid_to: date | None
    grants: tuple[Grant, ...]
    signed_by: frozenset[str] = frozenset()
    named_columns_only: bool = False
    hold: HoldRule | None = None
    emergency: EmergencyRule | None = None
    budget: Budget | None = None
    answer_ticks_ms: int | None = None
    caveats: tuple[str, ...] = ()
    keep_days: int | None = None

    def covers(self, day: date) -> bool:
        """Whether the day lies in the term of validity, both ends included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def of_form(self, form: str) -> tuple[Grant, ...]:
        """The grants of one form, in the order of the policy."""
        return tuple(grant for grant in self.grants if grant.form == form)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a cube gives as the mean of each cell; noise needs its bounds."""

    relation: RelationName
    column: ColumnName
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Cube:
    """A published cube: finest cells of at least `k` distinct units each (`docs/cubes.md`).

    `unit` is what is counted. `rounding` rounds counts to a multiple; `epsilon` draws noise once an
    edition instead, and `epsilon_a_year` is what all editions of a year may spend.
    """

    id: str
    line: int
    relations: tuple[RelationName, ...]
    unit: ColumnPath
    unit_name: str
    k: int
    group: Mapping[RelationName, Mapping[ColumnName, Mask]]
    measures: tuple[Measure, ...] = ()
    only: tuple[OnlyRows, ...] = ()
    rounding: int | None = None
    epsilon: float | None = None
    epsilon_a_year: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One agency's policy, one version. `digest` is SHA-256 of the file's bytes as signed."""

    agency: Holder
    version: int
    effective: date
    never: tuple[NeverRows, ...]
    agreements: tuple[Agreement, ...]
    digest: Digest
    never_columns: tuple[NeverColumns, ...] = ()
    cubes: tuple[Cube, ...] = ()

    def cube(self, name: str | None) -> Cube | None:
        """The cube of that id."""
        return next((cube for cube in self.cubes if cube.id == name), None)
