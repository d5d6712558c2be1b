"""Exactly what one anchored question reveals: what is shown of the rows that it selects.

As `views`, apart from the code under test, and for one set of literals instead of all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from random import Random

from narrows.core.normal import name_sim, normal_document, normal_name, normal_phone
from narrows.core.terms import ColumnName, RelationName, Scalar
from tests.proof.asking import pseudonym
from tests.proof.pairs import Mutable
from tests.proof.schema import HOLDERS
from tests.proof.spec import Granted, Key
from tests.proof.values import OTHERS, TRIED, literal, other_tail
from tests.proof.views import Row, Tables, Views, masked_value

Joined = Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Anchored:
    """A question under a grant: its aliases, its links, and the literals of each key."""

    grant: Granted
    aliases: Mapping[str, RelationName]
    links: tuple[tuple[str, str, str, str], ...]
    literals: tuple[tuple[Key, tuple[Scalar, ...]], ...]

    @property
    def clause(self) -> str:
        """`FROM ... WHERE ...`."""
        sources = ", ".join(f"{name} {alias}" for alias, name in self.aliases.items())
        tests = [self._spelled(key, values) for key, values in self.literals]
        for one, left, two, right in self.links:
            tests.append(f"{one}.holder = {two}.holder AND {one}.{left} = {two}.{right}")
        return f"FROM {sources} WHERE {' AND '.join(tests)}"

    def _spelled(self, key: Key, values: Sequence[Scalar]) -> str:
        alias = next(one for one, name in self.aliases.items() if name == key.relation)
        name, said = f"{alias}.{key.columns[0]}", key.said
        texts = [literal(value) for value in values]
        if "similar" in said:
            names = " || ' ' || ".join(f"{alias}.{one}" for one in key.columns)
            return f"name_sim({names}, {texts[0]}) >= {said['at_least']}"
        if "within_days" in said:
            return f"{name} BETWEEN {texts[0]} AND {texts[1]}"
        first = f"substr({name}, 1, {said['first']})" if "first" in said else name
        return f"{first} = {texts[0]}" if len(texts) == 1 else f"{first} IN ({', '.join(texts)})"


def draw_anchored(rng: Random, views: Views, grant: Granted, tables: Tables) -> Anchored:
    """One key set with literals, mostly of one row, and perhaps a relation that hangs on it."""
    key_set = rng.choice(grant.by)
    names = list(dict.fromkeys(key.relation for key in key_set))
    links: list[tuple[str, str, str, str]] = []
    domains = views.catalog.key_domains
    for name in rng.sample(grant.link, len(grant.link)):
        ties = [
            (f"t{names.index(other)}", theirs, f"t{len(names)}", own)
            for (other, theirs), domain in domains.items()
            for (mine, own), same in domains.items()
            if other in names and mine == name and same == domain and name not in names
        ]
        if ties and rng.random() < 0.6:
            links.append(rng.choice(ties))
            names.append(name)
    rows = {name: rng.choice(found) if found else {} for name, found in tables.items()}
    literals = tuple(
        (key, draw_literals(rng, views, key, rows.get(key.relation, {}))) for key in key_set
    )
    aliases = {f"t{n}": name for n, name in enumerate(names)}
    return Anchored(grant, aliases, tuple(links), literals)


def draw_literals(rng: Random, views: Views, key: Key, row: Row) -> tuple[Scalar, ...]:
    """Literals for a key."""
    column = views.catalog.relations[key.relation].column(key.columns[0])
    assert column is not None
    value, said = row.get(column.name), key.said
    if value is None or rng.random() < 0.1:
        value = rng.choice(column.codes or TRIED[column.type])
    if "within_days" in said:
        return rng.choice(
            ((date(1981, 3, 7), date(1981, 3, 9)), (date(2026, 5, 31), date(2026, 6, 1)))
        )
    many = int(str(said.get("in", 1)))
    more = rng.sample(TRIED[column.type], min(many - 1, rng.choice((0, many - 1))))
    if column.is_id:
        return tuple(f"{rng.choice(HOLDERS)}:{one}" for one in (value, *more[:1]))
    if "first" in said:
        return tuple(str(one)[: int(str(said["first"]))] for one in (value, *more))
    return (value, *more)


def revealed(views: Views, holder: str, asked: Anchored, tables: Tables) -> object:
    """What the form reveals: the bag of what is shown of the selected rows, or of the first."""
    selected = [row for row in _joined(views, asked, tables) if _is_matched(asked, row, holder)]
    if asked.grant.form == "pointer":
        selected = sorted(selected, key=lambda row: _order(views, asked, row))[:1]
    return Counter(
        tuple(
            repr(masked_value(mask, row[alias][column]))
            for alias, name in asked.aliases.items()
            for column, mask in sorted(views.shown(asked.grant, name).items())
        )
        for row in selected
    )


def _joined(views: Views, asked: Anchored, tables: Tables) -> Iterator[Joined]:
    kept = [views.kept(asked.grant, name, tables) for name in asked.aliases.values()]
    for rows in product(*kept):
        row = dict(zip(asked.aliases, rows, strict=True))
        if all(
            row[one][left] is not None and row[one][left] == row[two][right]
            for one, left, two, right in asked.links
        ):
            yield row


def _is_matched(asked: Anchored, row: Joined, holder: str) -> bool:
    aliases = {name: alias for alias, name in asked.aliases.items()}
    return all(
        is_match(key, row[aliases[key.relation]], values, holder) for key, values in asked.literals
    )


def is_match(key: Key, row: Row, literals: Sequence[Scalar], holder: str) -> bool:
    """The one bit that a match gives of a row."""
    values = [row[column] for column in key.columns]
    if None in values:
        return False
    value, said = values[0], key.said
    if "within_days" in said:
        low, high = literals
        return isinstance(value, date) and low <= value <= high  # type: ignore[operator]
    if not isinstance(value, str):
        return value in literals
    texts = [str(one) for one in literals]
    if "similar" in said:
        return name_sim(" ".join(map(str, values)), texts[0]) >= float(str(said["at_least"]))
    if "first" in said:
        return value[: int(str(said["first"]))] in texts
    match str(said.get("normal", "")).split():
        case ["name"]:
            return normal_name(value) in map(normal_name, texts)
        case ["document"]:
            return normal_document(value) in map(normal_document, texts)
        case ["phone", region]:
            return value in [normal_phone(one, region) for one in texts]
    return value in texts or f"{holder}:{value}" in texts


def match_otherwise(
    rng: Random, views: Views, asked: Anchored, tables: Mutable, holder: str
) -> None:
    """Nothing; what is matched has another value that the same literals match, if there is one."""
    for key, literals in asked.literals:
        column = views.catalog.relations[key.relation].column(key.columns[0])
        if column is None or column.is_id:
            continue
        for row in tables.get(key.relation, []):
            value = row[column.name]
            tried = [*literals, *TRIED[column.type], *OTHERS[column.type]]
            tried += [other_tail(rng, column.type, value) for _ in range(3)]
            if is_match(key, row, literals, holder):
                others = [{**row, column.name: one} for one in tried]
                alike = [one for one in others if is_match(key, one, literals, holder)]
                row.update(rng.choice([row, *alike]))


def _order(views: Views, asked: Anchored, row: Joined) -> list[tuple[bool, object]]:
    aliases = {name: alias for alias, name in asked.aliases.items()}
    paths = [path.partition(".")[::2] for path in asked.grant.first_by]
    wanted = [(RelationName(name), column) for name, column in paths if name in aliases]
    wanted += [(name, key) for name in sorted(aliases) for key in views.catalog.relations[name].key]
    values = [row[aliases[name]][column] for name, column in wanted]
    first = [(value is None, 0 if value is None else value) for value in values]
    # Where keys repeat: by what is shown, NULL first, each relation's columns as the catalog has them.
    shown = [
        _as_shown(views, name, column.name, mask, row[aliases[name]])
        for name in sorted(aliases)
        for column in views.catalog.relations[name].columns
        if (mask := views.shown(asked.grant, name).get(column.name)) is not None
    ]
    return [*first, *((value is not None, 0 if value is None else value) for value in shown)]


def _as_shown(views: Views, name: RelationName, column: ColumnName, mask: str, row: Row) -> object:
    """The value as it is shown, by the order of what is shown."""
    value = row[column]
    head, _, period = mask.partition(" ")
    if head == "pseudonym" and value is not None:
        relation, key = views.catalog.key_domains.get((name, column), (name, column))
        day = views.asker.day.isoformat()[: {"year": 4, "month": 7}.get(period, 10)]
        who = f"{views.asker.member}/{views.asker.purpose}/{day}/{relation}.{key}"
        return pseudonym(who, str(value))
    found = masked_value(mask, value)
    if head == "round" and isinstance(found, tuple):
        below, size = found
        return (-size if below else size, not below)
    return found


def everything(asked: Anchored, views: Views) -> str:
    """The question for all that is revealed."""
    shown = [
        f"{alias}.{column}"
        for alias, name in asked.aliases.items()
        for column in sorted(views.shown(asked.grant, name))
    ]
    listed = ", ".join(f"{one} AS c{n}" for n, one in enumerate(["t0.holder", *shown]))
    return f"SELECT {listed} {asked.clause}"


def _matched(asked: Anchored) -> Iterator[tuple[str, str]]:
    aliases = {name: alias for alias, name in asked.aliases.items()}
    for key, _ in asked.literals:
        for column in key.columns:
            yield aliases[key.relation], column


def others(asked: Anchored, views: Views, rng: Random) -> Iterator[str]:
    """Other questions with the same anchors: they may tell less, and never more."""
    shown = [
        f"{alias}.{column}"
        for alias, name in asked.aliases.items()
        for column in sorted(views.shown(asked.grant, name))
    ] or ["t0.holder"]
    one, two = rng.choice(shown), rng.choice(shown)
    yield f"SELECT count(*) AS n {asked.clause}"
    yield f"SELECT {one} AS c, count(*) AS n {asked.clause} GROUP BY {one}"
    yield f"SELECT DISTINCT {one} AS c {asked.clause} ORDER BY c LIMIT 1"
    yield f"SELECT max({one}) AS c, min({two}) AS d {asked.clause}"
    for key in dict.fromkeys(f"{alias}.{column}" for alias, column in _matched(asked)):
        # Refused, where it is not shown too: a match tells whether, and never what.
        if key not in shown:
            yield f"SELECT {key} AS c {asked.clause}"
            yield f"SELECT {one} AS c {asked.clause} AND {key} IS NOT NULL"
