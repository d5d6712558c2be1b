"""Questions that a policy's own grants suggest, and the circumstances around them.

With these the diff finds a question that two versions decide differently, and its test tries that
there is none where it says so. What is matched is made up.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice

from narrows.core.catalog import Catalog, Column
from narrows.core.policy.decide import covers_party
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.model import (
    Agreement,
    Form,
    Grant,
    KeyColumn,
    KeyKind,
    KeySet,
    Normal,
    Policy,
)
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, MemberName, RelationName

MOST_COLUMNS = 40
_LITERALS = {
    ColumnType.BOOLEAN: "TRUE",
    ColumnType.INTEGER: "1",
    ColumnType.BIGINT: "1",
    ColumnType.DOUBLE: "1.5",
    ColumnType.DATE: "DATE '2026-01-01'",
    ColumnType.TIMESTAMP: "TIMESTAMP '2026-01-01 00:00:00'",
}
Columns = Mapping[RelationName, Collection[ColumnName]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, who asks it when and how, and the agreement that suggested it."""

    sql: str
    circumstances: Circumstances
    agreement: str

    def __str__(self) -> str:
        """The question with its circumstances, on one line."""
        return f"{self.manner}: {self.sql}"

    @property
    def manner(self) -> str:
        """The circumstances in words."""
        found = self.circumstances
        parts = [f"{found.requester.member} ({found.requester.member_class}, "]
        parts[0] += f"{found.requester.country}) for {found.purpose} on {found.day}"
        parts += [f"as a {found.form}"]
        parts += [f"with {', '.join(sorted(found.given))}"] if found.given else ["with no field"]
        parts += ["signed by the approver"] if "approver" in found.signed_by else []
        parts += ["in an emergency"] if found.emergency else []
        parts += [f"merged at {found.merge_at}"] if found.merge_at else []
        return ", ".join(parts)


def questions(
    policy: Policy, catalog: Catalog, requesters: Collection[Requester] | None
) -> Iterator[Question]:
    """For each grant its questions under plain circumstances, and one under many others."""
    for agreement in policy.agreements:
        around = tuple(circumstances_of(policy, agreement, requesters))
        for grant in agreement.grants:
            asked = tuple(_texts(policy, catalog, grant))
            if not around or not asked:
                continue
            place = min(grant.to, default=None)
            for number, (plain, *varied) in enumerate(around):
                base = replace(plain, form=grant.form.value, merge_at=place)
                for sql in asked if number == 0 else asked[:1]:
                    yield Question(sql, base, agreement.id)
                for other in varied:
                    manner = replace(other, form=grant.form.value, merge_at=place)
                    yield Question(asked[0], manner, agreement.id)
            plain = around[0][0]
            for place in (None, *sorted(grant.to), policy.agency):
                manner = replace(plain, form=grant.form.value, merge_at=place)
                yield Question(asked[0], manner, agreement.id)


def circumstances_of(
    policy: Policy, agreement: Agreement, requesters: Collection[Requester] | None
) -> Iterator[tuple[Circumstances, ...]]:
    """For each requester and purpose, first what satisfies the agreement, then what lacks a thing."""
    day = max(agreement.valid_from, policy.effective)
    days = {
        day,
        _shifted(day, -1),
        *(
            ()
            if agreement.valid_to is None
            else (agreement.valid_to, _shifted(agreement.valid_to, 1))
        ),
    }
    for requester in _requesters(agreement, requesters):
        for purpose in sorted(agreement.purposes):
            plain = Circumstances(
                requester,
                purpose,
                Form.LOOKUP.value,
                day,
                agreement.requires,
                signed_by=frozenset({"agency"}) | agreement.signed_by,
            )
            urgent = frozenset() if agreement.emergency is None else agreement.emergency.requires
            yield (
                plain,
                *(replace(plain, day=other) for other in sorted(days - {day})),
                *(replace(plain, given=plain.given - {name}) for name in sorted(plain.given)),
                replace(plain, signed_by=frozenset({"agency"})),
                replace(plain, signed_by=frozenset({"agency", "approver"})),
                replace(plain, given=urgent, emergency=True),
                *(replace(plain, given=urgent - {name}, emergency=True) for name in sorted(urgent)),
                replace(plain, self_approved=True),
                replace(plain, has_ticket=True),
            )


def _shifted(day: date, days: int) -> date:
    ordinal = min(max(day.toordinal() + days, 1), date.max.toordinal())
    return date.fromordinal(ordinal)


def _requesters(
    agreement: Agreement, requesters: Collection[Requester] | None
) -> Iterator[Requester]:
    """The members that it is with; without members, one made up for each side."""
    if requesters is not None:
        yield from (one for one in requesters if covers_party(agreement, one))
        return
    parties = agreement.parties
    for member in sorted(parties.members) or [MemberName("somebody")]:
        for kind in sorted(parties.classes) or ["agency"]:
            for country in sorted(parties.countries) or ["CAN"]:
                yield Requester(member, kind, country)


# --- SQL -----------------------------------------------------------------------------------


def _texts(policy: Policy, catalog: Catalog, grant: Grant) -> Iterator[str]:
    """First what asks for all that is shown, then for each column alone, then for more values."""
    cube = policy.cube(grant.cube)
    if cube is not None:
        unit, column = cube.unit
        text = _Text(catalog, {name: tuple(shown) for name, shown in cube.group.items()})
        measures = [f"avg({one.relation}.{one.column})" for one in cube.measures]
        figures = [f"count(DISTINCT {unit}.{column})", *measures]
        yield from text.counted(cube.relations, figures)
        return
    text = _Text(catalog, {name: tuple(shown) for name, shown in grant.show.items()})
    sets: tuple[KeySet, ...] = grant.by or ((),)
    for key_set in sets:
        keyed = {key.relation for key in key_set}
        yield from text.selected(keyed | (grant.show.keys() & grant.link), key_set, 1)
    for key_set in sets:
        keyed = {key.relation for key in key_set}
        for name, shown in grant.show.items():
            yield from text.selected(keyed | {name}, key_set, 1)
            for column in islice(shown, MOST_COLUMNS):
                alone = _Text(catalog, {name: (column,)})
                yield from alone.selected(keyed | {name}, key_set, 1)
        for name in sorted(grant.link - keyed):
            yield from text.selected(keyed | {name}, key_set, 1)
        if any(key.at_most > 1 for key in key_set):
            most = max(key.at_most for key in key_set)
            for count in {2, most, grant.literal_cap}:
                yield from text.selected(keyed | grant.show.keys(), key_set, count)
    yield from _of_rows(grant, text)


def _of_rows(grant: Grant, text: "_Text") -> Iterator[str]:
    """What a grant about some rows gives together with the relation that says which."""
    for only in grant.only:
        key_set: KeySet = grant.by[0] if grant.by else ()
        relations = {key.relation for key in key_set} | grant.show.keys() | {only.relation}
        yield from text.selected(relations, key_set, 1)


class _Text:
    """Writes the SQL of questions over these columns; a relation is its own alias."""

    def __init__(self, catalog: Catalog, columns: Columns) -> None:
        self._catalog = catalog
        self._columns = columns

    def selected(
        self, relations: Collection[RelationName], key_set: KeySet, count: int
    ) -> Iterator[str]:
        """One look-up or list; nothing where no key ties the relations."""
        source = self._source(relations)
        outputs = [
            f"{name}.{column}"
            for name in sorted(relations)
            for column in self._columns.get(name, ())
        ]
        if source is not None:
            tests = [self._match(key, count) for key in key_set if not key.optional]
            where = f" WHERE {' AND '.join(tests)}" if tests else ""
            first = min(relations)
            yield f"SELECT {', '.join(outputs or [f'{first}.{HOLDER_COLUMN}'])} FROM {source}{where}"

    def counted(self, relations: Collection[RelationName], figures: list[str]) -> Iterator[str]:
        """One question for figures of all dimensions."""
        source = self._source(relations)
        named = [f"{name}.{column}" for name, found in self._columns.items() for column in found]
        if source is not None:
            group = f" GROUP BY {', '.join(named)}" if named else ""
            yield f"SELECT {', '.join([*named, *figures])} FROM {source}{group}"

    def _source(self, relations: Collection[RelationName]) -> str | None:
        """The relations joined by their keys, in an order in which each finds one before it."""
        left = sorted(relations)
        if not left:
            return None
        text, joined = str(left[0]), [left.pop(0)]
        while left:
            found = next(
                ((name, on) for name in left if (on := self._link(joined, name)) is not None), None
            )
            if found is None:
                return None
            name, on = found
            text += f" JOIN {name} ON {on}"
            left.remove(name)
            joined.append(name)
        return text

    def _link(self, joined: list[RelationName], name: RelationName) -> str | None:
        domains = self._catalog.key_domains
        mine = {column: where for (relation, column), where in domains.items() if relation == name}
        for other in joined:
            for column, where in mine.items():
                for (relation, key), domain in domains.items():
                    if relation == other and domain == where:
                        holders = f"{other}.{HOLDER_COLUMN} = {name}.{HOLDER_COLUMN}"
                        return f"{holders} AND {other}.{key} = {name}.{column}"
        return None

    def _match(self, key: KeyColumn, count: int) -> str:
        columns = [f"{key.relation}.{column}" for column in key.columns]
        match key.kind:
            case KeyKind.SIMILAR:
                name = " || ' ' || ".join(columns)
                return f"name_sim({name}, 'Somebody') >= {key.at_least}"
            case KeyKind.WITHIN_DAYS:
                last = date(2026, 1, 1) + timedelta(days=2 * key.days)
                return f"{columns[0]} BETWEEN DATE '2026-01-01' AND DATE '{last}'"
            case KeyKind.FIRST:
                values = self._values(key, count if key.at_most > 1 else 1)
                return f"substr({columns[0]}, 1, {key.length}) IN ({', '.join(values)})"
        values = self._values(key, count if key.kind is KeyKind.IN else 1)
        return (
            f"{columns[0]} IN ({', '.join(values)})"
            if len(values) > 1
            else f"{columns[0]} = {values[0]}"
        )

    def _values(self, key: KeyColumn, count: int) -> list[str]:
        column = self._catalog.relations[key.relation].column(key.columns[0])
        assert column is not None  # INVARIANT: the language checks it
        return list(dict.fromkeys(_literal(column, key, number) for number in range(count)))


def _literal(column: Column, key: KeyColumn, number: int) -> str:
    """One made-up value that fits the column and the key."""
    if column.codes:
        return f"'{column.codes[number % len(column.codes)]}'"
    if column.type is not ColumnType.TEXT:
        return _LITERALS[column.type] if number == 0 else _more(column.type, number)
    if key.normal is Normal.PHONE:
        return f"'+1416555{100 + number % 100:04d}'"
    text = f"ZZ{number + 1}".ljust(key.min_length, "Z")
    return f"'{text[: key.length] if key.length else text}'"


def _more(kind: ColumnType, number: int) -> str:
    match kind:
        case ColumnType.BOOLEAN:
            return "FALSE"
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            day = date(2026, 1, 1) + timedelta(days=number)
            return f"DATE '{day}'" if kind is ColumnType.DATE else f"TIMESTAMP '{day} 00:00:00'"
    return f"{number + 1}.5" if kind is ColumnType.DOUBLE else f"{number + 1}"
