"""The canonical bytes of a bound fragment: what gateway and node compare."""

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.plan.fragment import encode_filter, encode_operand
from narrows.core.plan.shape import encode_shape
from narrows.core.policy.bound import (
    Anchor,
    AnyAnchor,
    BoundFragment,
    BoundTest,
    Cap,
    Edition,
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
from narrows.core.terms import TypedValue

BOUND_FORMAT = "narrows/bound/v1"


def encode_bound(bound: BoundFragment) -> bytes:
    """The canonical bytes of the rewriting, which gateway and node must agree on."""
    return canonical_bytes(
        encode_shape(bound.gather, bound.top)
        | {
            "v": BOUND_FORMAT,
            "holder": bound.holder,
            "fragment": bound.fragment.hex(),
            "policy_version": bound.policy_version,
            "agreement": bound.agreement,
            "scans": [
                [scan.alias, scan.relation, [_keep(keep) for keep in scan.keep]]
                for scan in bound.scans
            ],
            "links": [
                [encode_operand(link.left), encode_operand(link.right)] for link in bound.links
            ],
            "anchors": [_anchor(anchor) for anchor in bound.anchors],
            "columns": [_released(found) for found in bound.columns],
            "filters": [encode_filter(found) for found in bound.filters],
            "outputs": [
                [output.name, encode_operand(output.column), output.type.value, output.withheld]
                for output in bound.outputs
            ],
            "guard": _guard(bound.guard),
        }
    )


def _released(found: ReleasedColumn) -> Json:
    return [
        encode_operand(found.column),
        found.type.value,
        str(found.mask),
        found.is_id,
        found.scope,
    ]


def _keep(keep: Keep) -> Json:
    match keep:
        case KeepUnless():
            return {"unless": [_test(test) for test in keep.tests]}
        case KeepOnly():
            return {"only": [_test(test) for test in keep.tests]}
        case KeepWithParent():  # pragma: no branch - INVARIANT: closed union
            return {
                "columns": list(keep.columns),
                "parent": keep.parent,
                "keys": list(keep.keys),
                "keep": [_keep(inner) for inner in keep.keep],
            }


def _test(test: BoundTest) -> Json:
    return [test.column, test.op, _values(test.values)]


def _anchor(anchor: AnyAnchor) -> Json:
    match anchor:
        case Anchor():
            return [encode_operand(anchor.column), _values(anchor.values), anchor.is_id]
        case RangeAnchor():
            return [
                encode_operand(anchor.column),
                {"from": encode_operand(anchor.low), "to": encode_operand(anchor.high)},
            ]
        case FirstAnchor():
            first = {"first": anchor.length, "in": _values(anchor.values)}
            return [encode_operand(anchor.column), first]
        case NormalAnchor():
            normal = {"normal": anchor.normal.value, "in": _values(anchor.values)}
            return [encode_operand(anchor.column), normal]
        case SimilarAnchor():  # pragma: no branch - INVARIANT: closed union
            columns = [encode_operand(column) for column in anchor.columns]
            value = encode_operand(anchor.value)
            return [columns, {"similar": value, "at_least": repr(anchor.at_least)}]


def _guard(guard: Guard) -> Json:
    match guard:
        case Cap():
            return {"cap": guard.rows}
        case First():
            then = [_released(found) for found in guard.then]
            return {"first_by": [encode_operand(column) for column in guard.by], "then": then}
        case Edition():  # pragma: no branch - INVARIANT: closed union
            return {"cube": guard.cube}


def _values(values: tuple[TypedValue, ...]) -> Json:
    return [encode_operand(value) for value in values]
