"""The readable text of a bound fragment shows its masks and filters, and no literal."""

from datetime import date

from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Like,
    Missing,
    Opposite,
)
from narrows.core.policy.bound import (
    Anchor,
    BoundFragment,
    BoundOutput,
    BoundScan,
    BoundTest,
    Cap,
    KeepUnless,
    ReleasedColumn,
)
from narrows.core.policy.model import AS_IS, Mask, MaskKind
from narrows.core.policy.views import describe
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    TypedValue,
)

ID, NAME, BORN, HELD = (
    ColumnOf("t1", ColumnName(name)) for name in ("thing_id", "name", "born", HOLDER_COLUMN)
)
MASKS = {ID: Mask(MaskKind.NULL), NAME: AS_IS, BORN: Mask(MaskKind.YEAR), HELD: AS_IS}
SECRET = TypedValue(ColumnType.TEXT, "ZZ123456")
IS_SECRET = Comparison("=", NAME, SECRET)
OLD = BoundTest(BORN.column, "before", (TypedValue(ColumnType.DATE, date(2000, 1, 1)),))
UNNAMED = BoundTest(NAME.column, "null")
BOUND = BoundFragment(
    holder=Holder("nsor"),
    fragment=Digest(bytes(32)),
    policy_version=1,
    agreement="a",
    scans=(
        BoundScan(
            "t1",
            RelationName("thing"),
            (KeepUnless((OLD,)), KeepUnless((UNNAMED,)), KeepUnless((OLD, UNNAMED))),
        ),
    ),
    links=(),
    anchors=(Anchor(NAME, (SECRET, SECRET)),),
    columns=tuple(
        ReleasedColumn(column, ColumnType.TEXT, mask, is_id=False) for column, mask in MASKS.items()
    ),
    filters=(
        Every((IS_SECRET, Missing(BORN))),
        AnyOf((Comparison("=", HELD, SECRET), Among(ID, (SECRET, SECRET)))),
        Opposite(IS_SECRET),
        Like(NAME, SECRET),
        Comparison("is distinct from", NAME, SECRET),
    ),
    outputs=tuple(
        BoundOutput(column.column, column, ColumnType.TEXT, withheld=column == NAME)
        for column in MASKS
    ),
    guard=Cap(5),
)


def test_everything_is_in_plain_sight_but_for_literals() -> None:
    assert describe(BOUND).splitlines() == [
        "SELECT NULL AS thing_id, NULL AS name, DATE_TRUNC('year', t1.born) AS born, "
        "'nsor' AS holder",
        "FROM thing AS t1",
        "WHERE t1.name IN ($1, $2)",
        "  AND t1.born >= DATE '2000-01-01'",
        "  AND t1.name IS NOT NULL",
        "  AND NOT (t1.born < DATE '2000-01-01' AND t1.name IS NULL)",
        "  AND (t1.name = $3 AND DATE_TRUNC('year', t1.born) IS NULL)",
        "  AND ('nsor' = $4 OR NULL IN ($5, $6))",
        "  AND NOT (t1.name = $7)",
        "  AND t1.name LIKE $8",
        "  AND t1.name IS DISTINCT FROM $9",
        "at most 5 rows, or refused",
    ]
