"""Expressions and conditions of drawn questions: accepted, and such that none of them can raise.

A term knows its type, and whether sums of it are exact in any order. What divides is never zero,
days are never shifted past their ends, and texts are never read as anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from narrows.core.catalog import Column
from narrows.core.terms import ColumnType, Holder, RelationName, Scalar, TypedValue
from tests.oracle.world import VALUES
from tests.proof.values import literal

TEXT, BOOLEAN = ColumnType.TEXT, ColumnType.BOOLEAN
INTEGER, BIGINT, DOUBLE = ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DOUBLE
DATE, TIMESTAMP = ColumnType.DATE, ColumnType.TIMESTAMP
WHOLE = (INTEGER, BIGINT)
OPS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Term:
    """An expression: its text and type. `adds` says that its sums are exact in any order."""

    text: str
    kind: ColumnType
    adds: bool = True


@dataclass(frozen=True, slots=True)
class Cell(Term):
    """A column in sight. `column` is that of the catalog where it is a relation's own.

    `domain` is the same for columns that lead to one key, and empty for others.
    """

    alias: str = ""
    name: str = ""
    column: Column | None = None
    relation: RelationName | None = None
    domain: object = None


@dataclass(slots=True)
class Terms:
    """Draws terms; keeps the parameters that they read."""

    rng: Random
    holders: Sequence[Holder]
    values: dict[str, TypedValue] = field(default_factory=dict[str, TypedValue])

    def maybe(self, chance: float, text: str) -> str:
        """The text, or nothing."""
        return text if self.rng.random() < chance else ""

    def constant(self, term: Term) -> str:
        """A constant that compares with the term: a literal, a parameter, or the day itself."""
        column = term.column if isinstance(term, Cell) else None
        if term.kind is DATE and self.rng.random() < 0.1:
            return "CURRENT_DATE"
        value = self._value(term.kind, column)
        if self.rng.random() < 0.15:
            name = f"p{len(self.values) + 1}"
            self.values[name] = TypedValue(term.kind, value)
            return f":{name}"
        return literal(value)

    def _value(self, kind: ColumnType, column: Column | None) -> Scalar:
        if column is not None:
            if column.name == "holder":
                return self.rng.choice(self.holders)
            if column.name.endswith("_id") or column.name == "part":
                number = self.rng.choice((1, 1, 2, 3, 4))
                if column.is_id:
                    return f"{self.rng.choice(self.holders)}:{number}"
                return str(number) if kind is TEXT else number
            if column.codes:
                return self.rng.choice(column.codes)
        value = self.rng.choice(VALUES[kind])
        return 0.0 if value == 0 and kind is DOUBLE else value

    def test(self, cells: Sequence[Cell], depth: int = 1) -> str:
        """A condition over cells in sight."""
        if depth and self.rng.random() < 0.2:
            one, two = self.test(cells, depth - 1), self.test(cells, depth - 1)
            return self.rng.choice((f"({one} OR {two})", f"NOT ({one} AND {two})", f"NOT ({one})"))
        cell = self.rng.choice(cells)
        alike = [one for one in cells if one.kind is cell.kind and one.text != cell.text]
        if alike and self.rng.random() < 0.15:
            return f"{cell.text} {self.rng.choice(OPS)} {self.rng.choice(alike).text}"
        if self.rng.random() < 0.2:
            term = self.expression(cells)
            return f"{term.text} {self.rng.choice(OPS)} {self.constant(term)}"
        return self._plain_test(cell)

    def _plain_test(self, cell: Cell) -> str:
        name, value = cell.text, self.constant(cell)
        found = [
            *(f"{name} {op} {value}" for op in self.rng.sample(OPS, 3)),
            f"{name} IN ({value}, {self.constant(cell)})",
            f"{name} NOT IN ({value}, {self.constant(cell)})",
            *[f"{name} IS NULL", f"({name} = {value} OR {name} IS NULL)"] * 2,
            f"{name} IS NOT NULL",
            f"{name} BETWEEN {value} AND {self.constant(cell)}",
            f"{name} IS DISTINCT FROM {value}",
            f"coalesce({name}, {value}) = {value}",
        ]
        if cell.kind is TEXT:
            found += [
                f"{name} LIKE 'a%'",
                f"upper({name}) = 'ROY'",
                f"substr({name}, 1, 1) = 'R'",
                f"substr({name}, 1, 2) IN ('ab', 'ea')",
                f"length({name}) > 2",
            ]
            if cell.column is not None and cell.column.name == "nam":
                found.append(f"name_sim({name}, 'Roy') >= 0.9")
        if cell.kind is BOOLEAN:
            found += [name, f"NOT {name}"]
        return self.rng.choice(found)

    def expression(self, cells: Sequence[Cell], kind: ColumnType | None = None) -> Term:
        """An expression, of that type where one is wanted."""
        for _ in range(30):
            found = self._expression(self.rng.choice(cells), cells)
            if kind in (None, found.kind):
                return found
        assert kind is not None
        return Term(literal(self._value(kind, None)), kind)

    def _expression(self, cell: Cell, cells: Sequence[Cell]) -> Term:
        name, kind, adds = cell.text, cell.kind, cell.adds
        value = self.constant(cell)
        found = [
            Term(f"CASE WHEN {self.test(cells, 0)} THEN {name} ELSE {value} END", kind, adds),
            Term(f"CASE WHEN {self.test(cells, 0)} THEN 'y' ELSE 'n' END", TEXT),
            Term(f"CASE {name} WHEN {value} THEN 1 ELSE 2 END", INTEGER),
            Term(f"coalesce({name}, {value})", kind, adds),
            Term(f"nullif({name}, {value})", kind, adds),
            Term(f"{name} IS NULL", BOOLEAN),
        ]
        match kind:
            case ColumnType.TEXT:
                found += [
                    Term(f"upper({name})", TEXT),
                    Term(f"{name} || '-x'", TEXT),
                    Term(f"concat({name}, 'x')", TEXT),
                    Term(f"substr({name}, 1, 2)", TEXT),
                    Term(f"length({name})", BIGINT),
                    Term(f"strpos({name}, 'a')", BIGINT),
                    Term(f"trim({name})", TEXT),
                ]
            case ColumnType.INTEGER | ColumnType.BIGINT:
                found += [
                    Term(f"{name} + 1", kind),
                    Term(f"abs({name})", kind),
                    Term(f"{name} - 2", kind),
                    Term(f"{name} // 2", kind),
                    Term(f"{name} % 3", kind),
                    Term(f"{name} / 3", DOUBLE, adds=False),
                    Term(f"- {name}", kind),
                    Term(f"greatest({name}, {value})", kind),
                ]
            case ColumnType.DOUBLE:
                found += [Term(f"{name} * 2.5e0", DOUBLE), Term(f"floor({name})", DOUBLE)]
            case ColumnType.DATE | ColumnType.TIMESTAMP:
                found += [
                    Term(f"year({name})", BIGINT),
                    Term(f"extract(month FROM {name})", BIGINT),
                    Term(f"date_diff('day', {name}, {value})", BIGINT),
                    Term(f"CAST({name} AS DATE)", DATE),
                ]
            case ColumnType.BOOLEAN:
                found.append(Term(f"NOT {name}", BOOLEAN))
        if kind is DATE:
            found.append(Term(f"{name} - {value}", BIGINT))
        if kind is INTEGER:
            found.append(Term(f"CAST({name} AS VARCHAR)", TEXT))
        return self.rng.choice(found)
