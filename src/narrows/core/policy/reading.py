"""The parts of a policy that name things of the catalog: tests of rows, masks, keys.

A name that the catalog lacks, a mask that a type does not take, a value that a column cannot hold:
each is an error with file and line. A slip of the pen must never pass as a permission or drop a
restriction.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime

from narrows.core.catalog import Catalog, Column, Relation
from narrows.core.document import Lines, Path
from narrows.core.policy.layout import KeyFile, KeySetFile, PlainScalar, Tests
from narrows.core.policy.model import (
    AS_IS,
    PERIODS,
    ColumnPath,
    ColumnTest,
    DaysFromToday,
    KeyColumn,
    KeyKind,
    KeySet,
    Mask,
    MaskKind,
    Normal,
    OnlyRows,
    RowTest,
    Said,
    TestValue,
)
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    RelationName,
    TypedValue,
    parse_value,
)
from narrows.errors import BadFederation, MalformedRequest

_DAYS = (ColumnType.DATE, ColumnType.TIMESTAMP)
_WHOLE = (ColumnType.INTEGER, ColumnType.BIGINT)
_FROM_TODAY = re.compile(r"today (?P<sign>[+-]) (?P<days>\d{1,4})")
_MOST_FIRST = 1000
_DATED_OPS = ("before", "from", "to")
_OPS_HINT = (
    "in: [values], equal: value, equal_to: requester country or requester, "
    "before, from or to: a day, today, today + 30 (of days), null: true"
)
_MASKS_HINT = (
    "as is, null, year, month (of days and times), day (of times), first N (of text that is no "
    "id), bucket N (of whole numbers), round N (of numbers), pseudonym day, month or year (of text)"
)
_KEY_HINT = (
    "equal, optional equal, {in: N}, {within_days: N} (of days), {first: N} (of text), "
    "{normal: name, document or phone CA} (of text), {similar: name_sim, at_least: 0.9} (of text)"
)


class Reading:
    """Reads the parts of one file, each checked against the catalog."""

    def __init__(self, catalog: Catalog, file: str, lines: Lines) -> None:
        self.catalog = catalog
        self._file = file
        self._lines = lines

    def line(self, path: Path) -> int:
        """The line of the part at that path."""
        return self._lines.of(path)

    def wrong(self, message: str, path: Path, hint: str) -> BadFederation:
        """The error at that path."""
        return BadFederation(message, hint=hint, file=self._file, line=self._lines.of(path))

    def relation(self, name: str, path: Path) -> Relation:
        """The relation of that name."""
        found = self.catalog.relation(name)
        if found is None:
            allowed = ", ".join(sorted(self.catalog.relations))
            raise self.wrong(f"no relation `{name}`", path, f"one of {allowed}")
        return found

    def column(self, relation: Relation, name: str, path: Path) -> Column:
        """The column of that name."""
        found = relation.column(name)
        if found is None or name == HOLDER_COLUMN:
            # `holder` is always released and the same for every row: matching it is browsing.
            allowed = ", ".join(one.name for one in relation.columns[1:])
            raise self.wrong(f"`{relation.name}` has no column `{name}`", path, f"one of {allowed}")
        return found

    def column_path(self, text: str, path: Path) -> ColumnPath:
        """What `relation.column` names."""
        relation_name, _, column_name = text.partition(".")
        relation = self.relation(relation_name, path)
        return relation.name, self.column(relation, column_name, path).name

    def relations(self, names: list[str], path: Path) -> frozenset[RelationName]:
        """The relations of a list."""
        return frozenset(self.relation(name, (*path, n)).name for n, name in enumerate(names))

    # --- tests of rows ---------------------------------------------------------------------

    def only(self, found: Tests, path: Path) -> tuple[OnlyRows, ...]:
        """The rows that a grant is about, relation by relation."""
        return tuple(
            OnlyRows(self.relation(name, (*path, name)).name, self.row_test(name, tests, path))
            for name, tests in found.items()
        )

    def row_test(
        self,
        name: str,
        tests: Mapping[str, Mapping[str, PlainScalar | list[PlainScalar]]],
        at: Path,
    ) -> RowTest:
        """The tests of one relation's rows."""
        path = (*at, name)
        relation = self.relation(name, path)
        found = [
            self._test(self.column(relation, column, (*path, column)), op, value, (*path, column))
            for column, operators in tests.items()
            for op, value in operators.items()
        ]
        # Two tests of one column are a span of days; anything else would contradict itself.
        alone = all(len(ops) == 1 or set(ops) <= set(_DATED_OPS) for ops in tests.values())
        if not found or not all(tests.values()) or not alone:
            message = "a row test without a column, or a column with no test or two"
            raise self.wrong(message, path, _OPS_HINT)
        return RowTest(tuple(found))

    def _test(
        self, column: Column, op: str, value: PlainScalar | list[PlainScalar], path: Path
    ) -> ColumnTest:
        match op, value:
            case "in", [_, *_]:
                return ColumnTest(
                    column.name, "in", tuple(self._value(column, one, path) for one in value)
                )
            case "equal", str() | bool() | int() | float() | date():
                return ColumnTest(column.name, "in", (self._value(column, value, path),))
            case "equal_to", ("requester country" | "requester") as said if _is_text(column):
                return ColumnTest(column.name, "in", (Said(str(said)),))
            case _, str() | date() if op in _DATED_OPS and column.type in _DAYS:
                return ColumnTest(column.name, op, (self._day(column, value, path),))
            case "null", True:
                return ColumnTest(column.name, "null")
        raise self.wrong(f"`{op}` cannot test `{column.name}` so", path, _OPS_HINT)

    def _day(self, column: Column, value: PlainScalar, path: Path) -> TestValue:
        if value == "today":
            return Said.TODAY
        if isinstance(value, str) and (found := _FROM_TODAY.fullmatch(value)):
            days = int(found["days"])
            return DaysFromToday(days if found["sign"] == "+" else -days)
        if isinstance(value, date) and column.type is ColumnType.TIMESTAMP:
            midnight = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - canonical
            return TypedValue(ColumnType.TIMESTAMP, midnight)
        return self._value(column, value, path)

    def _value(self, column: Column, value: object, path: Path) -> TypedValue:
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        message = f"the value does not fit `{column.name}`, which is of type `{column.type}`"
        if not _fits(column.type, value):
            # YAML reads an unquoted 01 as 1: a restriction that would quietly match nothing.
            raise self.wrong(message, path, "quote text, write days as 2026-03-26")
        try:
            found = parse_value(column.type, text)
        except MalformedRequest as cause:
            raise self.wrong(message, path, "quote text, write days as 2026-03-26") from cause
        if column.codes and text not in column.codes:
            raise self.wrong(
                f"`{column.name}` has no such code", path, f"one of {', '.join(column.codes)}"
            )
        return found

    # --- masks -----------------------------------------------------------------------------

    def shown(
        self, found: Mapping[str, Mapping[str, str | None]], path: Path
    ) -> dict[RelationName, dict[ColumnName, Mask]]:
        """The masks of the columns that are shown, relation by relation."""
        return {
            self.relation(name, (*path, name)).name: self._masks(name, masks, (*path, name))
            for name, masks in found.items()
        }

    def _masks(
        self, name: str, masks: Mapping[str, str | None], path: Path
    ) -> dict[ColumnName, Mask]:
        relation = self.relation(name, path)
        columns = ((self.column(relation, one, (*path, one)), text) for one, text in masks.items())
        return {
            column.name: self._mask(column, text or "null", (*path, column.name))
            for column, text in columns
        }

    def _mask(self, column: Column, text: str, path: Path) -> Mask:
        head, _, tail = text.partition(" ")
        if text == "as is":
            return AS_IS
        if text == "null":
            return Mask(MaskKind.NULL)
        if (text in ("year", "month") and column.type in _DAYS) or (
            text == "day" and column.type is ColumnType.TIMESTAMP
        ):
            return Mask(MaskKind(text))
        if head == "pseudonym" and tail in PERIODS and column.type is ColumnType.TEXT:
            return Mask(MaskKind.PSEUDONYM, period=tail)
        amount = int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 7 else 0
        if amount and _takes_amount(head, amount, column):
            return Mask(MaskKind(head), amount)
        raise self.wrong(f"`{column.name}` cannot be shown so", path, _MASKS_HINT)

    # --- keys ------------------------------------------------------------------------------

    def key_set(self, found: KeySetFile, path: Path) -> KeySet:
        """One key set: all of it must be matched, but for what is optional."""
        keys: Mapping[str, str | KeyFile] = (
            dict.fromkeys(found, "equal") if isinstance(found, list) else found
        )
        read = tuple(self._key(name, kind, (*path, name)) for name, kind in keys.items())
        if all(key.optional for key in read):
            raise self.wrong("a key set of optional columns only", path, "require at least one")
        return read

    def _key(self, name: str, how: str | KeyFile, path: Path) -> KeyColumn:
        parts = [self.column_path(part.strip(), path) for part in name.split("+")]
        relation, columns = parts[0][0], tuple(column for _, column in parts)
        if any(other != relation for other, _ in parts):
            raise self.wrong("columns of two relations are matched as one", path, _KEY_HINT)
        matched = [self._column_of(part) for part in parts]
        if isinstance(how, str):
            optional = how.startswith("optional")
            found = KeyColumn(relation, columns, KeyKind.EQUAL, optional=optional)
        else:
            found = self._special(how, relation, columns, path)
        if not _suits(found, matched):
            raise self.wrong(f"`{name}` cannot be matched so", path, _KEY_HINT)
        return found

    def _special(
        self, how: KeyFile, relation: RelationName, columns: tuple[ColumnName, ...], path: Path
    ) -> KeyColumn:
        kinds = [
            kind
            for kind, said in (
                (KeyKind.WITHIN_DAYS, how.within_days),
                (KeyKind.FIRST, how.first),
                (KeyKind.SIMILAR, how.similar),
            )
            if said is not None
        ]
        by_value = how.at_most is not None or how.normal is not None or how.min_length is not None
        takes_value = not kinds or kinds == [KeyKind.FIRST]
        is_one = len(kinds) == 1 or (not kinds and by_value)
        if not is_one or (by_value and not takes_value) or (how.first and how.normal):
            message = "a key says nothing of how it is matched, or two things"
            raise self.wrong(message, path, _KEY_HINT)
        if (how.similar is None) != (how.at_least is None):
            raise self.wrong("`similar` and `at_least` go together", path, _KEY_HINT)
        normal, _, region = (how.normal or "").partition(" ")
        plain = KeyKind.EQUAL if how.at_most is None else KeyKind.IN
        kind = kinds[0] if kinds else plain
        return KeyColumn(
            relation,
            columns,
            kind,
            optional=how.optional,
            at_most=how.at_most or (2 if kind is KeyKind.WITHIN_DAYS else 1),
            days=how.within_days or 0,
            length=how.first or 0,
            at_least=how.at_least or 0.0,
            normal=Normal(normal),
            region=region,
            min_length=how.min_length or 0,
        )

    def _column_of(self, place: ColumnPath) -> Column:
        found = self.catalog.relations[place[0]].column(place[1])
        assert found is not None  # INVARIANT: `column_path` found it
        return found


def _is_text(column: Column) -> bool:
    return column.type is ColumnType.TEXT


def _takes_amount(head: str, amount: int, column: Column) -> bool:
    match head:
        case "first":
            return _is_text(column) and not column.is_id and amount < _MOST_FIRST
        case "bucket":
            return column.type in _WHOLE
        case "round":
            return column.type in (*_WHOLE, ColumnType.DOUBLE)
    return False


def _suits(key: KeyColumn, columns: list[Column]) -> bool:
    """Whether these columns may be matched so. An id is `holder:raw`, and matched whole."""
    kinds = {column.type for column in columns}
    if len(columns) > 1 and key.kind is not KeyKind.SIMILAR:
        return False
    if key.kind is KeyKind.WITHIN_DAYS:
        return kinds == {ColumnType.DATE}
    of_text = key.kind in (KeyKind.SIMILAR, KeyKind.FIRST)
    if of_text or key.normal is not Normal.NONE or key.min_length:
        return kinds == {ColumnType.TEXT} and not any(column.is_id for column in columns)
    return True


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
