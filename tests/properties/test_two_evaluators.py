"""Two evaluators: what SQL and Python make of every anchor, keep, mask and guard is the same.

`test_compiled_equals_reference` with all that the language can say since: rows that are kept only
where a test holds, keys that only the node can compare, masks that only the node can draw, and a
pointer's one row.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from narrows.core.normal import normal_document, normal_name
from narrows.core.plan.fragment import ColumnOf, Comparison, Filter, FirstAmong, Like, Similar
from narrows.core.policy.bound import (
    Anchor,
    AnyAnchor,
    BoundFragment,
    BoundOutput,
    BoundScan,
    BoundTest,
    Cap,
    First,
    FirstAnchor,
    Guard,
    Keep,
    KeepOnly,
    KeepUnless,
    KeepWithParent,
    NormalAnchor,
    RangeAnchor,
    ReleasedColumn,
    SimilarAnchor,
)
from narrows.core.policy.finish import coarsen
from narrows.core.policy.model import AS_IS, Mask, MaskKind, Normal
from narrows.core.policy.rows import release_rows
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    Scalar,
    TypedValue,
)
from narrows.engines.protocol import Engine
from narrows.errors import AnswerTooLarge
from narrows.node import compile as compiling
from narrows.node.compile import compile_bound
from narrows.node.release import released_rows
from narrows.node.terms import TRUE, Terms
from tests.proof.asking import pseudonym
from tests.proof.worlds import EXAMPLES, PHASES, SEED
from tests.properties.test_compiled_equals_reference import (
    ALERT,
    ALL,
    COLUMNS,
    DISTINCT,
    FILTERS,
    MAPPING,
    MASKS,
    PATTERNS,
    PERSON,
    TEXTS,
    TYPES,
    VALUES,
    Tables,
    bounds,
    engines,
    filled,
    tables,
    typed,
    value,
)

__all__ = ["filled"]
_KEY = ColumnName("person_id")
_DATED = (ColumnType.DATE, ColumnType.TIMESTAMP)
_TEXT_COLUMNS = [
    column for column, kind in ALL if kind is ColumnType.TEXT and column.column != _KEY
]
_MORE_MASKS: Mapping[ColumnType, list[Mask]] = {
    **MASKS,
    ColumnType.TEXT: [*MASKS[ColumnType.TEXT], Mask(MaskKind.PSEUDONYM, period="day")],
    ColumnType.INTEGER: [Mask(MaskKind.BUCKET, 5), Mask(MaskKind.ROUND, 10)],
    ColumnType.DOUBLE: [Mask(MaskKind.ROUND, 2)],
    ColumnType.DATE: [*MASKS[ColumnType.DATE], Mask(MaskKind.MONTH)],
    ColumnType.TIMESTAMP: [
        *MASKS[ColumnType.TIMESTAMP],
        Mask(MaskKind.MONTH),
        Mask(MaskKind.DAY),
    ],
}


@st.composite
def column_tests(draw: st.DrawFn, relation: RelationName) -> BoundTest:
    name, kind = draw(st.sampled_from(list(COLUMNS[relation].items())))
    ops = ["in", "null", *(["before", "from", "to"] if kind in _DATED else [])]
    op = draw(st.sampled_from(ops))
    most = {"null": 0, "in": 3}.get(op, 1)
    values = draw(st.lists(typed(kind), min_size=min(1, most), max_size=most))
    return BoundTest(ColumnName(name), op, tuple(values))


@st.composite
def keeps(draw: st.DrawFn, relation: RelationName) -> Keep:
    found = tuple(draw(st.lists(column_tests(relation), min_size=1, max_size=2)))
    return KeepUnless(found) if draw(st.booleans()) else KeepOnly(found)


@st.composite
def cascades(draw: st.DrawFn) -> Keep:
    """A semi-join, at times to a parent that hangs on another one."""
    inner = tuple(draw(st.lists(keeps(PERSON), max_size=2)))
    parent = KeepWithParent((_KEY,), PERSON, (_KEY,), inner)
    if draw(st.booleans()):
        return parent
    above = (*draw(st.lists(keeps(ALERT), max_size=1)), parent)
    return KeepWithParent((_KEY,), ALERT, (_KEY,), tuple(above))


@st.composite
def anchors(draw: st.DrawFn) -> AnyAnchor:
    column = draw(st.sampled_from(_TEXT_COLUMNS))
    match draw(st.sampled_from(["equal", "range", "first", "normal", "similar"])):
        case "equal":
            anchored, kind = draw(st.sampled_from(ALL))
            values = tuple(draw(st.lists(typed(kind), min_size=1, max_size=3)))
            return Anchor(anchored, values, anchored.column == _KEY)
        case "range":
            dated = draw(st.sampled_from([one for one, kind in ALL if kind is ColumnType.DATE]))
            days = [TypedValue(ColumnType.DATE, draw(value(ColumnType.DATE))) for _ in range(2)]
            return RangeAnchor(dated, *days)
        case "first":
            length = draw(st.integers(1, 3))
            return FirstAnchor(column, length, _texts(draw, lambda text: text[:length]))
        case "normal":
            normal = draw(st.sampled_from([Normal.NAME, Normal.DOCUMENT]))
            reduced = normal_name if normal is Normal.NAME else normal_document
            return NormalAnchor(column, normal, _texts(draw, reduced))
    columns = (column, ColumnOf(column.alias, _KEY)) if draw(st.booleans()) else (column,)
    at_least = draw(st.sampled_from([0.5, 0.8, 1.0]))
    return SimilarAnchor(columns, draw(typed(ColumnType.TEXT)), at_least)


def _texts(draw: st.DrawFn, reduced: Callable[[str], str]) -> tuple[TypedValue, ...]:
    found = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3))
    return tuple(TypedValue(ColumnType.TEXT, reduced(text)) for text in found)


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    column = draw(st.sampled_from(_TEXT_COLUMNS))
    first = FirstAmong(column, 2, tuple(draw(st.lists(typed(ColumnType.TEXT), max_size=2))))
    similar = Similar((column,), draw(typed(ColumnType.TEXT)), 0.7)
    return draw(st.sampled_from([draw(FILTERS), draw(FILTERS), first, similar]))


@st.composite
def richer(draw: st.DrawFn) -> BoundFragment:
    """Fragments with all that a policy can say: half of them such that the engine finishes them."""
    found, is_plain = draw(bounds()), draw(st.booleans())
    person = tuple(draw(st.lists(keeps(PERSON), max_size=1)))
    alert = tuple(draw(st.lists(st.one_of(keeps(ALERT), cascades()), max_size=2)))
    masked = tuple(
        replace(one, mask=draw(st.sampled_from(_masks_for(one, is_plain=is_plain))), scope="who")
        for one in found.columns
    )
    guard: Guard = Cap(draw(st.sampled_from([1, 3, 50])))
    if draw(st.integers(0, 3)) == 0:
        # Mostly not by every column, so that what is shown decides; what still ties gives the same.
        by = draw(st.permutations([column for column, _ in ALL]))
        guard = First(tuple(by[: draw(st.integers(0, len(by)))]), masked)
    few = 0 if draw(st.booleans()) else 1
    return replace(
        found,
        scans=(
            BoundScan("t1", PERSON, person[:few]),
            BoundScan("t2", ALERT, alert if few else ()),
        ),
        anchors=tuple(draw(st.lists(anchors(), max_size=2))) if few and not is_plain else (),
        columns=masked,
        filters=tuple(draw(st.lists(FILTERS if is_plain else filters(), max_size=2))),
        guard=guard,
    )


def _masks_for(found: ReleasedColumn, *, is_plain: bool) -> list[Mask]:
    """The masks that a column may have; the plain ones are the engine's own."""
    if found.column.column == "holder":
        return [found.mask]
    masks = [found.mask, *_MORE_MASKS.get(found.type, [])]
    kinds = (MaskKind.BUCKET, MaskKind.ROUND, MaskKind.PSEUDONYM)
    return [one for one in masks if not is_plain or one.kind not in kinds]


def by_reference(bound: BoundFragment, found: Tables) -> list[tuple[Scalar, ...]] | None:
    try:
        return release_rows(bound, found, pseudonym)
    except AnswerTooLarge:
        return None


def by_engine(bound: BoundFragment, engine: Engine) -> list[tuple[Scalar, ...]] | None:
    statement = compile_bound(bound, MAPPING, engine.dialect, TYPES.__getitem__)
    reading = asyncio.run(engine.run([statement], 10))
    try:
        return released_rows(bound, reading.rows[0], pseudonym)
    except AnswerTooLarge:
        return None


@pytest.mark.timeout(0)
@seed(SEED)
@settings(
    max_examples=max(10, EXAMPLES // 50),
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(found=tables(), fragments=st.lists(richer(), min_size=8, max_size=8))
def test_engines_and_reference_agree(
    filled: tuple[Engine, Callable[[Tables], None]],
    found: Tables,
    fragments: list[BoundFragment],
) -> None:
    postgresql, fill = filled
    fill(found)
    agree(found, fragments, postgresql)


def agree(found: Tables, fragments: Sequence[BoundFragment], *more: Engine) -> None:
    """Nothing, where the embedded engines, and these, give what the reference gives."""
    with embedded(found) as both:
        for bound in fragments:
            expected = by_reference(bound, found)
            for engine in (*both, *more):
                assert by_engine(bound, engine) == expected, (engine.dialect.name, bound)


@contextmanager
def embedded(found: Tables) -> Iterator[tuple[Engine, Engine]]:
    """Both embedded engines over the same tables, closed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        both = engines(found, Path(folder))
        try:
            yield both
        finally:
            for engine in both:
                engine.close()


# --- negative controls: a fault in what is compiled must be seen ------------------------------


def _or_for_and(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compiling, "every", lambda terms: f"({' OR '.join(terms) or TRUE})")


def _mask_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Terms, "released", Terms.raw)


def _keys_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compiling._Compiling, "same", lambda *_: TRUE)


@pytest.mark.timeout(0)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("fault", [_or_for_and, _mask_skipped, _keys_not_compared])
def test_a_fault_of_the_compiler_is_caught(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    @seed(3)  # one that finds them, whatever seed the proofs have
    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(found=tables(), fragments=st.lists(richer(), min_size=8, max_size=8))
    def compared(found: Tables, fragments: list[BoundFragment]) -> None:
        agree(found, fragments)

    fault(monkeypatch)
    with pytest.raises(AssertionError):
        compared()


def test_every_mask_of_an_engine_is_drawn_and_filtered_by(tmp_path: Path) -> None:
    """Each value through each mask, and a filter that passes by the masked value alone."""
    rows = {
        relation: [
            {ColumnName(n): VALUES[k][i % len(VALUES[k])] for n, k in columns.items()}
            for i in range(12)
        ]
        for relation, columns in COLUMNS.items()
    }
    both = engines(rows, tmp_path)
    masked = 0
    for column, kind in ALL:
        relation = PERSON if column.alias == "t1" else ALERT
        for mask in MASKS.get(kind, []):
            if column.column == _KEY or mask.kind is MaskKind.AS_IS:
                continue
            for row in rows[relation]:
                coarse = TypedValue(kind, coarsen(mask, row[column.column]))
                bound = _one_column(BoundScan(column.alias, relation, ()), column, mask, coarse)
                expected = by_reference(bound, rows)
                assert expected
                masked += coarse.value != row[column.column]
                assert [by_engine(bound, engine) for engine in both] == [expected] * 2, (mask, row)
    for engine in both:
        engine.close()
    assert masked > 10


def test_patterns_and_distinctness_agree_value_by_value(tmp_path: Path) -> None:
    rows = {
        relation: [
            {ColumnName(n): [*VALUES[k], None][i % (len(VALUES[k]) + 1)] for n, k in named.items()}
            for i in range(13)
        ]
        for relation, named in COLUMNS.items()
    }
    both = engines(rows, tmp_path)
    for column, kind in ALL:
        values = [TypedValue(kind, found) for found in [*VALUES[kind], None]]
        found: list[Filter] = [Comparison(op, column, one) for op in DISTINCT for one in values]
        found += [Like(column, one) for one in PATTERNS if kind is ColumnType.TEXT]
        scan = BoundScan(column.alias, PERSON if column.alias == "t1" else ALERT, ())
        plain = _one_column(scan, column, AS_IS, TypedValue(kind, None))
        for one in found:
            bound = replace(plain, filters=(one,))
            expected = by_reference(bound, rows)
            assert [by_engine(bound, engine) for engine in both] == [expected] * 2, one
    for engine in both:
        engine.close()


def _one_column(scan: BoundScan, column: ColumnOf, mask: Mask, wanted: TypedValue) -> BoundFragment:
    kind = TYPES[column]
    return BoundFragment(
        holder=Holder("nsor"),
        fragment=Digest(b"0" * 32),
        policy_version=1,
        agreement="a",
        scans=(scan,),
        links=(),
        anchors=(),
        columns=(ReleasedColumn(column, kind, mask, is_id=False),),
        filters=(Comparison("=", column, wanted),),
        outputs=(BoundOutput(ColumnName("shown"), column, kind),),
        guard=Cap(50),
    )
