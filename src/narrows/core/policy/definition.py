"""What a policy says of a cube: how its relations join, whether it is sound, and its digests.

An edition is shown only while the policy in force says of its cube what it said when it was built:
the `definition`. Figures are frozen against the edition before where both are of one `shape`: other
dimensions, units or rows cannot be compared cell by cell, while `k`, rounding and measures can.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Fragment, Link, encode_operand
from narrows.core.policy.cascade import reaches
from narrows.core.policy.cubes import column_at
from narrows.core.policy.model import (
    ColumnPath,
    Cube,
    DaysFromToday,
    MaskKind,
    OnlyRows,
    Policy,
    RowTest,
    Said,
    TestValue,
)
from narrows.core.terms import ColumnType, Digest, RelationName, TypedValue, digest_of

_SHAPE, _DEFINITION = b"narrows/cube-shape/v1/", b"narrows/cube-definition/v1/"
_WIDEST = 1_000_000_000
_UNITS = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BIGINT)
Tie = tuple[ColumnPath, ColumnPath]


def ties_of(cube: Cube, catalog: Catalog) -> tuple[Tie, ...] | None:
    """The equalities that join the relations of a cube, in order; None where one is tied to none.

    Each relation is tied to the first before it, by a reference between the two, or else by the
    one column in each that takes its values from the same key.
    """
    found: list[Tie] = []
    for place, relation in enumerate(cube.relations[1:], 1):
        ways = (_between(other, relation, catalog) for other in cube.relations[:place])
        tie = next((way for way in ways if way), None)
        if tie is None:
            return None
        found += tie
    return tuple(found)


def joins_as(cube: Cube, catalog: Catalog, fragment: Fragment) -> bool:
    """Whether the fragment is of the cube's relations, each once, joined as the cube joins them."""
    if sorted(scan.relation for scan in fragment.scans) != sorted(cube.relations):
        return False
    relation_of = {scan.alias: scan.relation for scan in fragment.scans}
    asked = [
        tuple((relation_of[end.alias], end.column) for end in (link.left, link.right))
        for link in fragment.links
    ]
    ties = ties_of(cube, catalog)
    return ties is not None and _classes(asked) == _classes(ties)


def links_of(cube: Cube, catalog: Catalog) -> tuple[Link, ...]:
    """The joins as links between the aliases `t1`, `t2`, … of the cube's relations, in order."""
    alias = {relation: f"t{n}" for n, relation in enumerate(cube.relations, 1)}
    ends = (
        sorted(ColumnOf(alias[relation], column) for relation, column in tie)
        for tie in ties_of(cube, catalog) or ()
    )
    return tuple(sorted(Link(left, right) for left, right in ends))


def why_unsound(policy: Policy, catalog: Catalog, cube: Cube) -> Iterator[tuple[str, str]]:
    """Why no edition of the cube may be built, each reason with how to mend it."""
    name = f"the cube `{cube.id}`"
    repeated = [one for one, count in Counter(cube.relations).items() if count > 1]
    if repeated:
        yield f"{name} is of `{repeated[0]}` twice", "name each relation once"
    elif ties_of(cube, catalog) is None:
        yield (
            f"{name} is of relations that nothing ties together",
            "name what leads from one to all",
        )
    for path, mask in _masks(cube):
        if mask is MaskKind.PSEUDONYM:
            yield f"{name} groups by a pseudonym", f"coarsen `{_spell(path)}` in another way"
    measured = [(one.relation, one.column) for one in cube.measures]
    grouped = [path for path, _ in _masks(cube)]
    for path, count in Counter((cube.unit, *grouped, *measured)).items():
        if count > 1:
            yield f"{name} uses `{_spell(path)}` for two things", "group by, measure or count it"
    if column_at(catalog, cube.unit).type not in _UNITS:
        yield f"{name} counts `{_spell(cube.unit)}`, which is no key", "count text or whole numbers"
    for measure in cube.measures:
        if max(abs(measure.low or 0), abs(measure.high or 0)) > _WIDEST:
            yield f"{name} has bounds beyond {_WIDEST}", "give narrower ones"
    yield from _forbidden(policy, catalog, cube)


def shape_of(cube: Cube) -> Digest:
    """The digest of what must be equal for two editions to be compared cell by cell."""
    return digest_of(_SHAPE, canonical_bytes(_shape(cube)))


def definition_of(policy: Policy, catalog: Catalog, cube: Cube) -> Digest:
    """The digest of all that the policy says of the cube, the `never` that reach it included."""
    clauses: list[Json] = [
        [one.relation, _row_test(one.test), sorted(one.stays)]
        for one in policy.never
        if any(reaches(one, catalog, relation) for relation in cube.relations)
    ]
    hidden: list[Json] = [
        [one.relation, sorted(one.columns)]
        for one in policy.never_columns
        if one.relation in cube.relations
    ]
    figures: Json = {
        "k": cube.k,
        "measures": [[one.relation, one.column, one.low, one.high] for one in cube.measures],
        "rounding": cube.rounding,
        "epsilon": None if cube.epsilon is None else repr(cube.epsilon),
    }
    document: Json = [_shape(cube), figures, cube.unit_name, clauses, hidden]
    return digest_of(_DEFINITION, canonical_bytes(document))


def _between(one: RelationName, other: RelationName, catalog: Catalog) -> list[Tie]:
    for source, target in ((other, one), (one, other)):
        for reference in catalog.relations[source].references:
            if reference.relation == target:
                keys = catalog.relations[target].key
                return [
                    ((source, column), (target, key))
                    for column, key in zip(reference.columns, keys, strict=True)
                ]
    domains = catalog.key_domains
    shared = [
        (left, right)
        for left, of_left in domains.items()
        for right, of_right in domains.items()
        if left[0] == one and right[0] == other and of_left == of_right
    ]
    return shared if len(shared) == 1 else []


def _classes(ties: Iterable[tuple[ColumnPath, ...]]) -> set[frozenset[ColumnPath]]:
    """The columns that the equalities make one."""
    classes: list[frozenset[ColumnPath]] = []
    for tie in ties:
        met = [one for one in classes if one & set(tie)]
        classes = [one for one in classes if one not in met]
        classes.append(frozenset(tie).union(*met))
    return set(classes)


def _forbidden(policy: Policy, catalog: Catalog, cube: Cube) -> Iterator[tuple[str, str]]:
    """A reason for each column that is never used, and each test that depends on who asks."""
    name = f"the cube `{cube.id}`"
    used = {
        cube.unit,
        *(path for path, _ in _masks(cube)),
        *((one.relation, one.column) for one in cube.measures),
        *(path for tie in ties_of(cube, catalog) or () for path in tie),
    }
    for never in policy.never_columns:
        if never.relation in cube.relations and not never.columns:
            yield f"{name} is of `{never.relation}`, which is never used", "take it out"
        for path in sorted(used):
            if never.columns and never.covers(*path):
                yield f"{name} uses `{_spell(path)}`, which is never used", "take it out"
    for clause in policy.never:
        met = any(reaches(clause, catalog, relation) for relation in cube.relations)
        if met and _asks_who(clause.test):
            yield (
                f"{name} is for everybody, and `{clause.clause}` depends on who asks",
                "publish no cube of what it reaches",
            )
    if any(_asks_who(only.test) for only in cube.only):
        yield f"{name} is for everybody, and its rows depend on who asks", "test something else"


def _asks_who(test: RowTest) -> bool:
    values = [value for one in test.tests for value in one.values]
    return any(value in (Said.COUNTRY, Said.MEMBER) for value in values)


def _masks(cube: Cube) -> list[tuple[ColumnPath, MaskKind]]:
    return [
        ((relation, column), mask.kind)
        for relation, masks in sorted(cube.group.items())
        for column, mask in sorted(masks.items())
    ]


def _shape(cube: Cube) -> Json:
    return {
        "relations": list(cube.relations),
        "unit": list(cube.unit),
        "group": [
            [relation, column, str(mask)]
            for relation, masks in sorted(cube.group.items())
            for column, mask in sorted(masks.items())
        ],
        "only": [_only(one) for one in cube.only],
        # What is drawn is not frozen, hence nothing can be compared with it.
        "is_drawn": cube.epsilon is not None,
    }


def _only(only: OnlyRows) -> Json:
    return [only.relation, _row_test(only.test)]


def _row_test(test: RowTest) -> Json:
    return [
        [one.column, one.op, [_test_value(value) for value in one.values]] for one in test.tests
    ]


def _test_value(value: TestValue) -> Json:
    match value:
        case TypedValue():
            return encode_operand(value)
        case Said():
            return {"said": value.value}
        case DaysFromToday():  # pragma: no branch - INVARIANT: closed union
            return {"days": value.days}


def _spell(path: ColumnPath) -> str:
    return f"{path[0]}.{path[1]}"
