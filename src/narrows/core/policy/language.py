"""The policy language: one agency's YAML file to a `Policy`, checked against the catalog.

An unknown key, relation, column or purpose is an error with file and line: a privacy officer's
slip of the pen must never pass as a permission or drop a restriction. The language and its
meaning are taught in `docs/policy.md`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from narrows.core.catalog import Catalog, Column, Relation
from narrows.core.document import Lines, Path, read_document
from narrows.core.policy.model import (
    AS_IS,
    Agreement,
    ColumnTest,
    Day,
    KeyColumn,
    KeyKind,
    KeySet,
    Lookup,
    Mask,
    MaskKind,
    NeverRows,
    Parties,
    Policy,
    RowTest,
)
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    Purpose,
    TypedValue,
    digest_of,
    parse_value,
)
from narrows.errors import BadFederation, MalformedRequest

REQUIRABLE = (*OPTIONAL_FIELDS, "authority")
_Scalar = str | bool | int | float | date
_ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
_Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Member = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _NeverFile(_Strict):
    rows: dict[str, dict[str, dict[str, _Scalar | list[_Scalar]]]] = Field(
        min_length=1, max_length=1
    )
    because: str = Field(min_length=1)
    stays: list[str] = []


class _WithFile(_Strict):
    classes: list[_ClassName] = []
    country: _Country | list[_Country] = []
    members: list[_Member] = []


class _ValidFile(_Strict):
    from_day: date = Field(alias="from")
    to: date | None = None


class _InFile(_Strict):
    at_most: Annotated[int, Field(ge=1, le=1000)] = Field(alias="in")


class _CapFile(_Strict):
    rows: Annotated[int, Field(ge=1, le=100_000)]
    literals: Annotated[int, Field(ge=1, le=1000)]


class _LookupFile(_Strict):
    by: list[dict[str, Literal["equal", "optional equal"] | _InFile] | list[str]] = Field(
        min_length=1
    )
    at_most: _CapFile
    link: list[str] = []
    show: dict[str, dict[str, str | None]] = {}


class _AgreementFile(_Strict):
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    authority: str = Field(min_length=1)
    parties: _WithFile = Field(alias="with")
    purposes: list[str] = Field(min_length=1)
    requires: list[str] = []
    valid: _ValidFile
    lookup: _LookupFile
    caveats: list[str] = []
    keep_days: Annotated[int, Field(ge=1)] | None = None


class PolicyFile(_Strict):
    """The layout of `policy.yaml`."""

    agency: _Member
    version: Annotated[int, Field(ge=1)]
    effective: date
    never: list[_NeverFile] = []
    agreements: list[_AgreementFile] = []


def parse_policy(text: str, catalog: Catalog, file: str) -> Policy:
    """The policy that the text spells; its digest is SHA-256 of the text's bytes.

    Raises: BadFederation with file and line.
    """
    found, lines = read_document(text, PolicyFile, file)
    reader = _Reader(catalog, file, lines)
    agreements = tuple(reader.agreement(n, one) for n, one in enumerate(found.agreements))
    reader.refuse_repeats([agreement.id for agreement in agreements])
    return Policy(
        agency=Holder(found.agency),
        version=found.version,
        effective=found.effective,
        never=tuple(reader.never(n, one) for n, one in enumerate(found.never)),
        agreements=agreements,
        digest=digest_of(text.encode()),
    )


class _Reader:
    """Turns the parts of one file into values, each checked against the catalog."""

    def __init__(self, catalog: Catalog, file: str, lines: Lines) -> None:
        self._catalog = catalog
        self._file = file
        self._lines = lines

    def never(self, number: int, found: _NeverFile) -> NeverRows:
        path: Path = ("never", number)
        ((name, tests),) = found.rows.items()
        relation = self._relation(name, (*path, "rows", name))
        if not tests:
            raise self._wrong("a row test without a column", (*path, "rows", name), "name one")
        return NeverRows(
            clause=f"never[{number + 1}]",
            line=self._lines.of(path),
            relation=relation.name,
            test=RowTest(
                tuple(
                    self._test(relation, column, test, (*path, "rows", name, column))
                    for column, test in tests.items()
                )
            ),
            because=found.because,
            stays=frozenset(
                self._relation(stay, (*path, "stays", n)).name for n, stay in enumerate(found.stays)
            ),
        )

    def agreement(self, number: int, found: _AgreementFile) -> Agreement:
        path: Path = ("agreements", number)
        for n, purpose in enumerate(found.purposes):
            if purpose not in self._catalog.purposes:
                allowed = f"one of {', '.join(sorted(self._catalog.purposes))}"
                raise self._wrong(f"no purpose `{purpose}`", (*path, "purposes", n), allowed)
        for n, name in enumerate(found.requires):
            if name not in REQUIRABLE:
                allowed = f"one of {', '.join(REQUIRABLE)}"
                raise self._wrong(f"no field `{name}`", (*path, "requires", n), allowed)
        if found.valid.to is not None and found.valid.to < found.valid.from_day:
            raise self._wrong("the term ends before it begins", (*path, "valid"), "swap the days")
        country = found.parties.country
        return Agreement(
            id=found.id,
            line=self._lines.of(path),
            authority=found.authority,
            parties=Parties(
                classes=frozenset(found.parties.classes),
                countries=frozenset([country] if isinstance(country, str) else country),
                members=frozenset(MemberName(name) for name in found.parties.members),
            ),
            purposes=frozenset(Purpose(purpose) for purpose in found.purposes),
            requires=frozenset(found.requires),
            valid_from=found.valid.from_day,
            valid_to=found.valid.to,
            lookup=self._lookup(found.lookup, (*path, "lookup")),
            caveats=tuple(found.caveats),
            keep_days=found.keep_days,
        )

    def refuse_repeats(self, ids: list[str]) -> None:
        for number, name in enumerate(ids):
            if name in ids[:number]:
                path: Path = ("agreements", number)
                raise self._wrong(f"the id `{name}` stands twice", path, "every clause has its own")

    def _lookup(self, found: _LookupFile, path: Path) -> Lookup:
        return Lookup(
            by=tuple(self._key_set(one, (*path, "by", n)) for n, one in enumerate(found.by)),
            row_cap=found.at_most.rows,
            literal_cap=found.at_most.literals,
            link=frozenset(
                self._relation(name, (*path, "link", n)).name for n, name in enumerate(found.link)
            ),
            show={
                self._relation(name, (*path, "show", name)).name: self._masks(
                    name, masks, (*path, "show", name)
                )
                for name, masks in found.show.items()
            },
        )

    def _key_set(self, found: Mapping[str, str | _InFile] | list[str], path: Path) -> KeySet:
        kinds = dict.fromkeys(found, "equal") if isinstance(found, list) else found
        keys = tuple(self._key(name, kind, (*path, name)) for name, kind in kinds.items())
        if all(key.kind is KeyKind.OPTIONAL_EQUAL for key in keys):
            raise self._wrong("a key set of optional columns only", path, "require at least one")
        return keys

    def _key(self, name: str, kind: str | _InFile, path: Path) -> KeyColumn:
        relation_name, _, column_name = name.partition(".")
        relation = self._relation(relation_name, path)
        column = self._column(relation, column_name, path)
        if isinstance(kind, _InFile):
            return KeyColumn(relation.name, column.name, KeyKind.IN, kind.at_most)
        return KeyColumn(relation.name, column.name, KeyKind(kind))

    def _masks(
        self, name: str, masks: Mapping[str, str | None], path: Path
    ) -> dict[ColumnName, Mask]:
        relation = self._relation(name, path)
        return {
            column.name: self._mask(column, text or "null", (*path, column.name))
            for column, text in (
                (self._column(relation, column, (*path, column)), text)
                for column, text in masks.items()
            )
        }

    def _mask(self, column: Column, text: str, path: Path) -> Mask:
        head, _, tail = text.partition(" ")
        if text == "as is":
            return AS_IS
        if text == "null":
            return Mask(MaskKind.NULL)
        if text == "year" and column.type in (ColumnType.DATE, ColumnType.TIMESTAMP):
            return Mask(MaskKind.YEAR)
        counts = head == "first" and tail.isascii() and tail.isdigit() and len(tail) < 4
        if counts and int(tail) and column.type is ColumnType.TEXT and not column.is_id:
            return Mask(MaskKind.FIRST, int(tail))
        raise self._wrong(
            f"`{column.name}` cannot be shown so",
            path,
            "as is, null, year (of days and times), first N (of text that is no id)",
        )

    def _test(
        self,
        relation: Relation,
        name: str,
        test: Mapping[str, _Scalar | list[_Scalar]],
        path: Path,
    ) -> ColumnTest:
        column = self._column(relation, name, path)
        if len(test) != 1:
            raise self._wrong("a column takes one test", path, "in, equal, before or null")
        ((op, value),) = test.items()
        match op, value:
            case "in", [_, *_]:
                values = tuple(self._value(column, one, path) for one in value)
                return ColumnTest(column.name, "in", values)
            case "equal", str() | bool() | int() | float() | date():
                return ColumnTest(column.name, "in", (self._value(column, value, path),))
            case "before", "today" if column.type is ColumnType.DATE:
                return ColumnTest(column.name, "before", (Day.TODAY,))
            case "before", date() if column.type is ColumnType.DATE:
                return ColumnTest(column.name, "before", (self._value(column, value, path),))
            case "null", True:
                return ColumnTest(column.name, "null")
        raise self._wrong(
            f"`{op}` cannot test `{column.name}` so",
            path,
            "in: [values], equal: value, before: day or today (of days), null: true",
        )

    def _value(self, column: Column, value: object, path: Path) -> TypedValue:
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        if not _fits(column.type, value):
            # YAML reads an unquoted 01 as 1: a restriction that would quietly match nothing.
            message = f"the value does not fit `{column.name}`, which is of type `{column.type}`"
            raise self._wrong(message, path, "quote text, write days as 2026-03-26")
        try:
            found = parse_value(column.type, text)
        except MalformedRequest as cause:
            message = f"the value does not fit `{column.name}`, which is of type `{column.type}`"
            raise self._wrong(message, path, "quote text, write days as 2026-03-26") from cause
        if column.codes and text not in column.codes:
            raise self._wrong(
                f"`{column.name}` has no such code", path, f"one of {', '.join(column.codes)}"
            )
        return found

    def _relation(self, name: str, path: Path) -> Relation:
        found = self._catalog.relation(name)
        if found is None:
            allowed = ", ".join(sorted(self._catalog.relations))
            raise self._wrong(f"no relation `{name}`", path, f"one of {allowed}")
        return found

    def _column(self, relation: Relation, name: str, path: Path) -> Column:
        found = relation.column(name)
        if found is None or name == HOLDER_COLUMN:
            # `holder` is always released and the same for every row: matching it is browsing.
            allowed = ", ".join(one.name for one in relation.columns[1:])
            raise self._wrong(
                f"`{relation.name}` has no column `{name}`", path, f"one of {allowed}"
            )
        return found

    def _wrong(self, message: str, path: Path, hint: str) -> BadFederation:
        return BadFederation(message, hint=hint, file=self._file, line=self._lines.of(path))


def _fits(kind: ColumnType, value: object) -> bool:
    """Whether YAML read the value as what the column's type is written as."""
    match kind:
        case ColumnType.BOOLEAN:
            return isinstance(value, bool)
        case ColumnType.INTEGER | ColumnType.BIGINT:
            return isinstance(value, int) and not isinstance(value, bool)
        case ColumnType.DOUBLE:
            return isinstance(value, float)
        case ColumnType.DATE:
            return isinstance(value, date)
        case _:
            return isinstance(value, str)
