"""What a policy releases of a database, computed from the generator's own description of it.

Slow, plain, and apart from the code under test: nothing here goes through `decide`, `bind`,
`cascade`, `truth` or `finish`. Only `normal.py` is shared, which says what likeness is.

The release view of a relation, for everything that a grant could ever be asked, is the bag of its
kept rows, each as: the keys by which rows hang together, the columns that are shown as their masks
show them, and for each column that may be matched which of the literals that are ever tried match.
Two databases whose views are equal may differ in everything else.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from narrows.core.catalog import Catalog, Reference
from narrows.core.normal import name_sim, normal_document, normal_name, normal_phone
from narrows.core.terms import ColumnType, RelationName, Scalar
from tests.proof.spec import Granted, Key, Never, Spec, Tests
from tests.proof.values import TRIED

Row: TypeAlias = Mapping[str, Scalar]
Tables: TypeAlias = Mapping[RelationName, Sequence[Row]]
View: TypeAlias = Mapping[tuple[int, RelationName], Counter[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks in a proof, and on which day."""

    member: str = "vpd"
    member_class: str = "municipal"
    country: str = "CAN"
    day: date = date(2026, 6, 1)
    purpose: str = "inquiry"


@dataclass(frozen=True, slots=True)
class Views:
    """The release views of one policy for one asker and form."""

    catalog: Catalog
    spec: Spec
    form: str
    asker: Asker

    @property
    def grants(self) -> tuple[Granted, ...]:
        """Every grant that could give something. At most one agreement covers an asker."""
        found = [one for one in self.spec.agreements if self._covers(one.parties, one.purposes)]
        current = [
            one
            for one in found
            if one.valid["from"] <= self.asker.day <= one.valid.get("to", date.max)
        ]
        if len(current) != 1:
            return ()
        return tuple(grant for grant in current[0].grants if grant.form == self.form)

    def of(self, tables: Tables) -> View:
        """The views, by number of the grant and relation."""
        return {
            (n, name): Counter(
                self._read(grant, name, row, tables) for row in self.kept(grant, name, tables)
            )
            for n, grant in enumerate(self.grants)
            for name in sorted(grant.relations)
        }

    def kept(self, grant: Granted, name: RelationName, tables: Tables) -> list[Row]:
        """The rows of a relation that exist under a grant."""
        if any(one.relation == name and not one.tests and not one.columns for one in self.never):
            return []
        only = [grant.rows[name]] if name in grant.rows else []
        return [
            row
            for row in tables.get(name, ())
            if not any(self.hides(one, name, row, tables, ()) for one in self.never if one.tests)
            and all(self.truth(tests, row) is True for tests in only)
        ]

    @property
    def never(self) -> tuple[Never, ...]:
        """What is never seen."""
        return self.spec.never

    def hides(
        self, never: Never, name: RelationName, row: Row, tables: Tables, above: tuple[str, ...]
    ) -> bool:
        """Whether a never hides the row: by itself, or because of what it refers to."""
        if never.relation == name and self.truth(never.tests, row) is not False:
            return True
        if name in never.stays or name in above:
            return False
        below = (*above, name)
        return any(
            self._reaches(never, one.relation, below)
            and not any(
                self._refers(one, row, parent)
                and not self.hides(never, one.relation, parent, tables, below)
                for parent in tables.get(one.relation, ())
            )
            for one in self.catalog.relations[name].references
        )

    def truth(self, tests: Tests, row: Row) -> bool | None:
        """Whether all tests hold; None where that is unknown."""
        found = [
            self._test(op, said, row[column])
            for column, ops in tests.items()
            for op, said in ops.items()
        ]
        if False in found:
            return False
        return None if None in found else True

    def shown(self, grant: Granted, name: RelationName) -> dict[str, str]:
        """The masks of a relation's columns that are not never shown."""
        hidden = {column for one in self.never if one.relation == name for column in one.columns}
        shown = grant.show.get(name, {})
        return {column: mask for column, mask in shown.items() if column not in hidden}

    def _is_of(
        self, rows: tuple[RelationName, Tests], name: RelationName, row: Row, tables: Tables,
        above: tuple[str, ...],
    ) -> bool:  # fmt: skip
        """Whether a row is one of those that a grant is about, or refers to such by every way.

        Where a question leaves the relation out that says which rows, this decides.
        """
        relation, tests = rows
        if name == relation:
            return self.truth(tests, row) is True
        below = (*above, name)
        return all(
            any(
                self._refers(one, row, parent)
                and not any(
                    self.hides(never, one.relation, parent, tables, ())
                    for never in self.never
                    if never.tests
                )
                and self._is_of(rows, one.relation, parent, tables, below)
                for parent in tables.get(one.relation, ())
            )
            for one in self.catalog.relations[name].references
            if self._leads(one.relation, relation, below)
        )

    def _leads(self, name: RelationName, wanted: RelationName, above: tuple[str, ...]) -> bool:
        """Whether references lead from a relation to another, without going round."""
        if name == wanted or name in above:
            return name == wanted
        references = self.catalog.relations[name].references
        return any(self._leads(one.relation, wanted, (*above, name)) for one in references)

    def _read(
        self, grant: Granted, name: RelationName, row: Row, tables: Tables
    ) -> tuple[object, ...]:
        relation = self.catalog.relations[name]
        keys = {*relation.key, *(column for one in relation.references for column in one.columns)}
        masked = [masked_value(mask, row[c]) for c, mask in self.shown(grant, name).items()]
        ordered = [
            row[path.partition(".")[2]] for path in grant.first_by if path.startswith(f"{name}.")
        ]
        return (
            *(repr(row[column]) for column in sorted(keys)),
            *map(repr, masked),
            *map(repr, ordered),
            *(
                self._is_of(one, name, row, tables, ())
                for one in sorted(grant.rows.items(), key=lambda pair: pair[0])
            ),
            *(matches(key, row) for key_set in grant.by for key in key_set if key.relation == name),
        )

    def _covers(self, parties: Mapping[str, object], purposes: Iterable[str]) -> bool:
        country = parties.get("country", self.asker.country)
        classes = parties.get("classes", [self.asker.member_class])
        members = parties.get("members", [self.asker.member])
        assert isinstance(classes, list)
        assert isinstance(members, list)
        return (
            self.asker.purpose in purposes
            and self.asker.country in (country if isinstance(country, list) else [country])
            and self.asker.member_class in classes
            and self.asker.member in members
        )

    def _reaches(self, never: Never, name: RelationName, above: tuple[str, ...]) -> bool:
        if never.relation == name:
            return True
        if name in never.stays or name in above:
            return False
        references = self.catalog.relations[name].references
        return any(self._reaches(never, one.relation, (*above, name)) for one in references)

    def _refers(self, reference: Reference, row: Row, parent: Row) -> bool:
        keys = self.catalog.relations[reference.relation].key
        pairs = zip(reference.columns, keys, strict=True)
        return all(row[own] is not None and row[own] == parent[key] for own, key in pairs)

    def _test(self, op: str, said: object, value: Scalar) -> bool | None:
        if op == "null":
            return value is None
        if value is None:
            return None
        match op, said:
            case "equal_to", "requester":
                return value == self.asker.member
            case "equal_to", _:
                return value == self.asker.country
            case "equal", _:
                return value == said
            case "in", list():
                return value in said
        limit = self._day(said, value)
        assert isinstance(value, date)
        match op:
            case "before":
                return value < limit
            case "from":
                return value >= limit
        return value <= limit

    def _day(self, said: object, value: Scalar) -> date:
        found = self.asker.day
        match said:
            case date():
                found = said
            case str() if said != "today":
                _, sign, days = said.split()
                found += timedelta(int(days) * (1 if sign == "+" else -1))
        if isinstance(value, datetime):
            return datetime(found.year, found.month, found.day)  # noqa: DTZ001 - canonical
        return found


def masked_value(mask: str, value: Scalar) -> object:
    """The value as a mask shows it; a pseudonym stands for it one to one."""
    head, _, tail = mask.partition(" ")
    if value is None or head == "null":
        return None
    match head, value:
        case "first", str():
            return value[: int(tail)]
        case "year", date():
            return value.year
        case "month", date():
            return (value.year, value.month)
        case "day", date():
            return (value.year, value.month, value.day)
        case "bucket", int():
            return value // int(tail)
        case "round", int() | float():
            whole = abs(value) // int(tail)
            near = whole + (2 * (abs(value) - whole * int(tail)) >= int(tail))
            # A real number rounds to a zero with its sign, a whole one to the one zero.
            return (value < 0 and (near > 0 or isinstance(value, float)), near)
    return value


def matches(key: Key, row: Row) -> tuple[bool, ...]:
    """Which of the literals that are ever tried match the key on this row."""
    values = [row[column] for column in key.columns]
    if None in values:
        return ()
    value, said = values[0], key.said
    match value:
        case datetime():
            return tuple(value == one for one in TRIED[ColumnType.TIMESTAMP])
        case date():
            # A span begins and ends at days that are tried.
            tried = [one for one in TRIED[ColumnType.DATE] if isinstance(one, date)]
            return tuple(bit for one in tried for bit in (value >= one, value <= one))
        case str():
            return tuple(_text_matches(said, values, str(one)) for one in texts_tried(value))
    return (*(value == one for kind in ColumnType for one in TRIED[kind]), isinstance(value, bool))


def texts_tried(value: str) -> tuple[Scalar, ...]:
    """The texts that are tried as literals; of an id, its own spelling may be one."""
    return (*TRIED[ColumnType.TEXT], "SEALED", "B", *map(str, range(1, 9)))


def _text_matches(said: Mapping[str, object], values: Sequence[Scalar], tried: str) -> bool:
    value = str(values[0])
    if "similar" in said:
        return name_sim(" ".join(map(str, values)), tried) >= float(str(said["at_least"]))
    if "first" in said:
        length = int(str(said["first"]))
        return value[:length] == tried[:length]
    match str(said.get("normal", "")).split():
        case ["name"]:
            return normal_name(value) == normal_name(tried)
        case ["document"]:
            return normal_document(value) == normal_document(tried)
        case ["phone", region]:
            return value == normal_phone(tried, region)
    return value == tried
