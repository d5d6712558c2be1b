"""The layout of `policy.yaml`: which keys there are, and of what kind their values.

Only layout stands here; names are checked against the catalog by `language`. Where one thing or a
list of them may stand (`lookup`, `list`, `pointer`, `count`), a list is read.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

PlainScalar = str | bool | int | float | date
Tests = dict[str, dict[str, dict[str, PlainScalar | list[PlainScalar]]]]
"""Relation -> column -> operator -> value."""
Masks = dict[str, dict[str, str | None]]
T = TypeVar("T")
_ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
_Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Member = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
_Text = Annotated[str, Field(min_length=1)]
_Hours = Annotated[int, Field(ge=1, le=24 * 365)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


OneOrMore = Annotated[list[T], BeforeValidator(_listed), Field(min_length=1)]


class Strict(BaseModel):
    """A part of the file: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NeverFile(Strict):
    """One `never`: of rows, of columns, or of whole relations."""

    rows: Annotated[Tests, Field(min_length=1, max_length=1)] | None = None
    columns: Annotated[dict[str, list[str]], Field(min_length=1, max_length=1)] | None = None
    relation: str | None = None
    because: _Text
    stays: list[str] = []


class WithFile(Strict):
    """Whom an agreement is with."""

    classes: list[_ClassName] = []
    country: _Country | list[_Country] = []
    members: list[_Member] = []


class ValidFile(Strict):
    """From when until when."""

    from_day: date = Field(alias="from")
    to: date | None = None


class KeyFile(Strict):
    """How one key is matched, where a word does not say it."""

    at_most: Annotated[int, Field(ge=1, le=1000)] | None = Field(alias="in", default=None)
    within_days: Annotated[int, Field(ge=0, le=3660)] | None = None
    first: Annotated[int, Field(ge=1, le=100)] | None = None
    similar: Literal["name_sim"] | None = None
    at_least: Annotated[float, Field(ge=0.5, le=1.0)] | None = None
    normal: Annotated[str, Field(pattern=r"^(name|document|phone [A-Z]{2})$")] | None = None
    min_length: Annotated[int, Field(ge=1, le=100)] | None = None
    optional: bool = False


KeySetFile = dict[str, Literal["equal", "optional equal"] | KeyFile] | list[str]


class ReleaseFile(Strict):
    """What every form but `count` says: links, what is shown, of which rows, and to whom."""

    link: list[str] = []
    show: Masks = {}
    rows: Tests = {}
    to: list[_Member] = []


class LookupCapFile(Strict):
    """The most rows that anchors select, and the most literals of one question."""

    rows: Annotated[int, Field(ge=1, le=100_000)]
    literals: Annotated[int, Field(ge=1, le=1000)]


class LookupFile(ReleaseFile):
    """The form `lookup`."""

    by: list[KeySetFile] = Field(min_length=1)
    at_most: LookupCapFile


class ListCapFile(Strict):
    """The most rows that a list has."""

    rows: Annotated[int, Field(ge=1, le=1_000_000)]


class ListFile(ReleaseFile):
    """The form `list`."""

    rows: Annotated[Tests, Field(min_length=1)]
    at_most: ListCapFile
    one_entry_for: str | None = None


class PointerCapFile(Strict):
    """The most literals of one question."""

    literals: Annotated[int, Field(ge=1, le=1000)]


class PointerFile(ReleaseFile):
    """The form `pointer`."""

    by: list[KeySetFile] = Field(min_length=1)
    at_most: PointerCapFile
    first_by: list[str] = Field(min_length=1)
    duty: Literal["notify"] | None = None


class HoldFile(Strict):
    """Who decides each request, and how long it may take."""

    by: _Text
    second: bool = False
    urgent_hours: _Hours
    routine_hours: _Hours
    collect_hours: _Hours = 24


class EmergencyFile(Strict):
    """What a request that claims emergency needs instead of `requires`."""

    requires: list[str] = Field(min_length=1)
    review_hours: _Hours = 24


class ADayFile(Strict):
    """The limits of one day."""

    requests: _Count | None = None
    literals: _Count | None = None
    same_person: _Count | None = None


class BudgetFile(Strict):
    """How much is given a day, to each member and to each of these of it."""

    per: list[Literal["officer", "purpose"]] = []
    a_day: ADayFile


class AgreementFile(Strict):
    """One agreement."""

    id: _Id
    authority: _Text
    parties: WithFile = Field(alias="with")
    purposes: list[str] = Field(min_length=1)
    requires: list[str] = []
    signed_by: list[Literal["approver"]] = []
    named_columns_only: bool = False
    valid: ValidFile
    emergency: EmergencyFile | None = None
    held: HoldFile | None = None
    lookup: OneOrMore[LookupFile] | None = None
    listed: OneOrMore[ListFile] | None = Field(alias="list", default=None)
    count: OneOrMore[str] | None = None
    pointer: OneOrMore[PointerFile] | None = None
    budget: BudgetFile | None = None
    answer_ticks_ms: Annotated[int, Field(ge=10, le=10_000)] | None = None
    caveats: list[str] = []
    keep_days: Annotated[int, Field(ge=1)] | None = None


class MeasureFile(Strict):
    """The bounds of a measure: values beyond them count as the bound."""

    between: Annotated[list[int], Field(min_length=2, max_length=2)] | None = None


class NoiseFile(Strict):
    """What one edition of a cube spends, and all editions of a year."""

    epsilon: Annotated[float, Field(gt=0, le=10)]
    a_year: Annotated[float, Field(gt=0, le=1000)]


class CubeFile(Strict):
    """One published cube."""

    id: _Id
    of: list[str] = Field(min_length=1)
    unit: str
    units: _Text
    at_least: Annotated[int, Field(ge=2, le=100_000)]
    group: Masks
    measure: dict[str, dict[str, MeasureFile | None]] = {}
    rows: Tests = {}
    round: Annotated[int, Field(ge=2, le=1000)] | None = None
    noise: NoiseFile | None = None


class PolicyFile(Strict):
    """The layout of `policy.yaml`."""

    agency: _Member
    version: Annotated[int, Field(ge=1)]
    effective: date
    never: list[NeverFile] = []
    cubes: list[CubeFile] = []
    agreements: list[AgreementFile] = []


def given(found: Sequence[T] | None) -> Sequence[T]:
    """The items, none where the key is not there."""
    return () if found is None else found
