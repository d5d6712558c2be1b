"""A node reads fragments back and trusts nobody: each refusal beside what is taken."""

from collections.abc import Callable
from typing import cast

import pytest

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.catalog import Catalog
from narrows.core.plan.codec import (
    MAX_CONSTANTS,
    MAX_FILTER_DEPTH,
    MAX_FILTERS,
    MAX_SCANS,
    decode_fragment,
)
from narrows.core.plan.fragment import encode_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.shape import MAX_TOP
from narrows.errors import MalformedRequest

SQL = """SELECT p.*, d.number FROM person p JOIN paper d USING (holder, pid)
WHERE d.kind IN ('A', 'B') AND p.age = 3 AND (p.born IS NULL OR p.born > DATE '1980-01-01')
AND NOT (p.name = 'a' AND d.kind <> d.number) AND p.height < 1.5"""

Document = dict[str, list[Json]]
FIRST: dict[str, Json] = {"op": "first in", "length": 2}
ALIKE: dict[str, Json] = {"op": "similar", "at_least": "0.9"}
NAME: Json = {"column": ["t1", "name"]}
A: Json = {"type": "text", "value": "a"}
IS_A: Json = {"op": "=", "left": NAME, "right": A}
LIKE: dict[str, Json] = {"op": "like", "term": NAME, "pattern": A}


def document(catalog: Catalog) -> Document:
    (part,) = plan(SQL, {}, catalog).parts
    return cast("Document", parse_canonical(encode_fragment(part.fragment)))


def test_what_the_planner_makes_is_taken(catalog: Catalog) -> None:
    (part,) = plan(SQL, {}, catalog).parts
    data = encode_fragment(part.fragment)
    assert decode_fragment(data, catalog) == part.fragment


def nested(depth: int) -> Json:
    return IS_A if depth == 0 else {"op": "not", "term": nested(depth - 1)}


@pytest.mark.parametrize(
    "given",
    [
        IS_A,
        nested(MAX_FILTER_DEPTH),
        {"op": "is null", "term": NAME},
        {"op": "in", "term": NAME, "items": [A]},
        {"op": "and", "terms": [IS_A, IS_A]},
        {"op": "=", "left": {"type": "bigint", "value": "3"}, "right": {"column": ["t1", "age"]}},
        {"op": "=", "left": NAME, "right": {"type": "text", "value": None}},
        {**FIRST, "term": NAME, "items": [A]},
        {**ALIKE, "terms": [NAME], "value": A},
        LIKE,
        {**LIKE, "pattern": {"type": "text", "value": "%" * 4 + "a" * 96}},
        {"op": "is distinct from", "left": NAME, "right": A},
        {"op": "is not distinct from", "left": NAME, "right": {"type": "text", "value": None}},
        {**ALIKE, "terms": [NAME, NAME], "value": A, "at_least": "1.0"},
    ],
)
def test_a_sound_filter_is_taken(given: Json, catalog: Catalog) -> None:
    changed = document(catalog) | {"filters": [given]}
    assert encode_fragment(decode_fragment(canonical_bytes(changed), catalog))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (nested(MAX_FILTER_DEPTH + 1), "nested too deeply"),
        ("x", "or none"),
        ({"op": "ilike", "left": NAME, "right": A}, "unknown kind"),
        ({"op": ["="], "left": NAME, "right": A}, "unknown kind"),
        ({"left": NAME, "right": A}, "unknown kind"),
        ({"op": "=", "left": A, "right": A}, "without a column"),
        ({"op": "=", "left": NAME, "right": A, "more": A}, "other fields"),
        ({"op": "=", "left": NAME, "right": {"slot": "x", "type": "text"}}, "other fields"),
        ({"op": "=", "left": NAME, "right": {"type": "blob", "value": "a"}}, "canonical type"),
        ({"op": "=", "left": NAME, "right": {"type": "text", "value": 3}}, "canonical type"),
        ({"op": "=", "left": NAME, "right": {"type": "bigint", "value": "3"}}, "across types"),
        ({"op": "=", "left": NAME, "right": {"type": "bigint", "value": "03"}}, "spell"),
        ({"op": "=", "left": NAME, "right": {"column": ["t2", "nothing"]}}, "catalog lacks"),
        ({"op": "=", "left": NAME, "right": {"column": ["t9", "name"]}}, "catalog lacks"),
        ({"op": "=", "left": NAME, "right": {"column": ["t1"]}}, "pair of names"),
        ({"op": "in", "term": NAME, "items": []}, "without items"),
        ({"op": "in", "term": A, "items": [A]}, "other fields"),
        ({"op": "in", "term": NAME, "items": [{"type": "bigint", "value": "3"}]}, "across types"),
        ({"op": "is null", "term": {"column": ["t1", "nothing"]}}, "catalog lacks"),
        ({**FIRST, "term": NAME, "items": []}, "without items"),
        ({**FIRST, "term": NAME, "items": [A], "length": 0}, "first characters"),
        ({**FIRST, "term": NAME, "items": [A], "length": 101}, "first characters"),
        ({**FIRST, "term": NAME, "items": [A], "length": True}, "first characters"),
        ({**FIRST, "term": {"column": ["t1", "age"]}, "items": [A]}, "across types"),
        ({**ALIKE, "terms": [], "value": A}, "no column"),
        ({**ALIKE, "terms": [NAME, {"column": ["t2", "kind"]}], "value": A}, "two scans"),
        ({**ALIKE, "terms": [NAME], "value": A, "at_least": "0.90"}, "fraction from 0 to 1"),
        ({**ALIKE, "terms": [NAME], "value": A, "at_least": "2.0"}, "fraction from 0 to 1"),
        ({**ALIKE, "terms": [NAME], "value": A, "at_least": "nan"}, "fraction from 0 to 1"),
        ({**ALIKE, "terms": [NAME], "value": A, "at_least": "x"}, "fraction from 0 to 1"),
        ({**ALIKE, "terms": [NAME], "value": A, "at_least": 1}, "fraction from 0 to 1"),
        ({**ALIKE, "terms": [{"column": ["t1", "age"]}], "value": A}, "across types"),
        ({**LIKE, "pattern": {"type": "text", "value": None}}, "no pattern"),
        ({**LIKE, "pattern": {"type": "text", "value": "%" * 5}}, "too long a one"),
        ({**LIKE, "pattern": {"type": "text", "value": "a" * 101}}, "too long a one"),
        ({**LIKE, "pattern": {"type": "bigint", "value": "3"}}, "no pattern"),
        ({**LIKE, "pattern": NAME}, "other fields"),
        ({**LIKE, "term": {"column": ["t1", "age"]}}, "across types"),
        ({**LIKE, "term": {"column": ["t1", "nothing"]}}, "catalog lacks"),
        ({"op": "is distinct from", "left": A, "right": A}, "without a column"),
        ({"op": "IS DISTINCT FROM", "left": NAME, "right": A}, "unknown kind"),
        ({"op": "is distinct from", "left": {"column": ["t1", "age"]}, "right": A}, "across types"),
        ({"op": "and", "terms": [IS_A]}, "fewer than two"),
        ({"op": "or", "terms": []}, "fewer than two"),
        ({"op": "and", "terms": IS_A}, "a list belongs"),
    ],
)
def test_another_filter_is_refused(given: Json, message: str, catalog: Catalog) -> None:
    changed = document(catalog) | {"filters": [given]}
    with pytest.raises(MalformedRequest, match=message):
        decode_fragment(canonical_bytes(changed), catalog)


Change = Callable[[Document], object]
OUTPUTS: Document = {
    "outputs": [{"column": ["t1", name], "star": False} for name in ("age", "name")],
}
HEIGHT: Document = {"outputs": [{"column": ["t1", "height"], "star": False}]}
COUNT: list[Json] = ["count", ""]
AGE: list[Json] = ["t1_age", True, False]
BY_NAME: list[Json] = ["t1_name", False, True]


def gather(group: list[Json], *measures: Json) -> Json:
    return {"group": group, "measures": list(measures)}


def top(rows: Json, *keys: Json) -> Json:
    return {"keys": list(keys), "rows": rows}


@pytest.mark.parametrize(
    "shape",
    [
        {"gather": gather(["t1_age", "t1_name"])},
        {"gather": gather([], COUNT, ["count", "t1_name"], ["max", "t1_age"], ["sum", "t1_age"])},
        {"top": top(MAX_TOP, BY_NAME, AGE)},
        {
            "gather": gather(["t1_name"], ["min", "t1_name"]),
            "top": top(1, ["min(t1_name)", False, False], BY_NAME),
        },
    ],
)
def test_a_sound_shape_is_taken(shape: dict[str, Json], catalog: Catalog) -> None:
    changed = canonical_bytes({**document(catalog), **OUTPUTS, **shape})
    assert encode_fragment(decode_fragment(changed, catalog)) == changed


PERSONS: list[Json] = [[f"t{number}", "person"] for number in range(1, MAX_SCANS + 2)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(v=[]), "format"),
        (lambda d: d.update(more=[]), "other fields"),
        (lambda d: d.pop("links"), "other fields"),
        (lambda d: d.update(scans=[]), "scans"),
        (lambda d: d.update(scans=PERSONS), "scans"),
        (lambda d: d["scans"].append(["t1", "person"]), "scans"),
        (lambda d: d["scans"].append(["t3", "person"]), "no link ties"),
        (lambda d: d["scans"].append(["t3", "nothing"]), "catalog lacks"),
        (lambda d: d["scans"].append(['t3"', "person"]), "plain name"),
        (lambda d: d["scans"].append(["t3", "person", "x"]), "pair of names"),
        (lambda d: d.update(links=[]), "no link ties"),
        (lambda d: d["links"].append(d["links"][0]), "in order"),
        (lambda d: d.update(links=[[["t2", "pid"], ["t1", "pid"]]]), "one key"),
        (lambda d: d.update(links=[[["t1", "name"], ["t2", "number"]]]), "one key"),
        (lambda d: d.update(links=[[["t1", "pid"], ["t2", "other_pid"]]]), "one key"),
        (lambda d: d.update(links=[[["t1", "pid"], ["t2", "nothing"]]]), "catalog lacks"),
        (lambda d: d.update(links=[[["t1", "pid"]]]), "two sides"),
        (lambda d: d["links"].append([["t1", "pid"], ["t1", "pid"]]), "one key"),
        (lambda d: d.update(outputs=[]), "no column"),
        (lambda d: d["outputs"].append(d["outputs"][0]), "twice"),
        (lambda d: d["outputs"].reverse(), "in order"),
        (lambda d: d.update(outputs=[{"column": ["t1", "nothing"], "star": False}]), "lacks"),
        (lambda d: d.update(outputs=[{"column": ["t1", "name"], "star": 1}]), "by star nor not"),
        (lambda d: d.update(outputs=[{"column": ["t1", "name"]}]), "other fields"),
        (lambda d: d.update(OUTPUTS, gather={"group": []}), "other fields"),
        (lambda d: d.update(OUTPUTS, gather={"group": [3], "measures": []}), "a name belongs"),
        (lambda d: d.update(OUTPUTS, gather={"group": [], "measures": [["count"]]}), "pair of"),
        (lambda d: d.update(OUTPUTS, gather=gather([])), "measures that it cannot take"),
        (lambda d: d.update(OUTPUTS, gather=gather(["t1_pid"])), "columns that it does not give"),
        (lambda d: d.update(OUTPUTS, gather=gather(["t1_name", "t1_age"])), "does not give"),
        (lambda d: d.update(OUTPUTS, gather=gather(["t1_age", "t1_age"])), "does not give"),
        (lambda d: d.update(OUTPUTS, gather=gather([], ["min", "t1_pid"])), "cannot take"),
        (lambda d: d.update(OUTPUTS, gather=gather([], ["sum", "t1_name"])), "cannot take"),
        (lambda d: d.update(OUTPUTS, gather=gather([], ["avg", "t1_age"])), "cannot take"),
        (lambda d: d.update(OUTPUTS, gather=gather([], ["max", ""])), "cannot take"),
        (lambda d: d.update(OUTPUTS, gather=gather([], ["min", "t1_age"], COUNT)), "cannot take"),
        (lambda d: d.update(OUTPUTS, gather=gather([], COUNT, COUNT)), "cannot take"),
        (lambda d: d.update(HEIGHT, gather=gather([], COUNT)), "type `double`"),
        (lambda d: d.update(HEIGHT, top=top(3, ["t1_height", False, False])), "type `double`"),
        (lambda d: d.update(OUTPUTS, top={"keys": []}), "other fields"),
        (lambda d: d.update(OUTPUTS, top=top(3, ["t1_age", False])), "a key that is none"),
        (lambda d: d.update(OUTPUTS, top=top(3, ["t1_age", 0, False])), "a key that is none"),
        (lambda d: d.update(OUTPUTS, top=top(3, AGE)), "every one of their columns"),
        (lambda d: d.update(OUTPUTS, top=top(3, AGE, BY_NAME, AGE)), "every one of their columns"),
        (lambda d: d.update(OUTPUTS, top=top(0, AGE, BY_NAME)), "not between 1 and"),
        (lambda d: d.update(OUTPUTS, top=top(MAX_TOP + 1, AGE, BY_NAME)), "not between 1 and"),
        (lambda d: d.update(OUTPUTS, top=top(True, AGE, BY_NAME)), "number of rows that is none"),
        (lambda d: d.update(OUTPUTS, gather=gather([], COUNT), top=top(3, AGE)), "every one"),
    ],
)
def test_another_document_is_refused(change: Change, message: str, catalog: Catalog) -> None:
    changed = document(catalog)
    change(changed)
    with pytest.raises(MalformedRequest, match=message):
        decode_fragment(canonical_bytes(changed), catalog)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"v": 1}', b"\xff", b"[" * 100_000])
def test_other_bytes_are_refused(data: bytes, catalog: Catalog) -> None:
    with pytest.raises(MalformedRequest):
        decode_fragment(data, catalog)


def test_a_refusal_repeats_no_literal(catalog: Catalog) -> None:
    right: Json = {"type": "date", "value": "ZZ-secret"}
    changed = document(catalog) | {"filters": [{"op": "=", "left": NAME, "right": right}]}
    with pytest.raises(MalformedRequest) as caught:
        decode_fragment(canonical_bytes(changed), catalog)
    assert "secret" not in str(caught.value)


def _spelled(filters: list[Json], catalog: Catalog) -> bytes:
    return canonical_bytes(document(catalog) | {"filters": filters})


@pytest.mark.parametrize(
    ("count", "filters"),
    [
        (MAX_FILTERS, lambda count: [IS_A] * count),
        (MAX_CONSTANTS, lambda count: [{"op": "in", "term": NAME, "items": [A] * count}]),
    ],
)
def test_filters_and_constants_are_counted_before_they_are_read(
    count: int, filters: Callable[[int], list[Json]], catalog: Catalog
) -> None:
    assert decode_fragment(_spelled(filters(count), catalog), catalog).filters
    with pytest.raises(MalformedRequest, match="over 1000 filters"):
        decode_fragment(_spelled(filters(count + 1), catalog), catalog)


def test_a_literal_that_looks_like_a_filter_is_not_counted(catalog: Catalog) -> None:
    literal: Json = {"type": "text", "value": '"op":"type":' * (MAX_CONSTANTS + 1)}
    found: Json = {"op": "=", "left": NAME, "right": literal}
    assert decode_fragment(_spelled([found], catalog), catalog).filters


@pytest.mark.parametrize("part", ["scans", "links", "outputs"])
def test_a_list_that_is_too_long_is_not_read(part: str, catalog: Catalog) -> None:
    found = document(catalog)
    found[part] = found[part] * 3_000
    with pytest.raises(MalformedRequest, match="too long a list"):
        decode_fragment(canonical_bytes(found), catalog)


def test_the_longest_accepted_sql_is_read_by_a_node(catalog: Catalog) -> None:
    lists = " AND ".join("p.name IN (" + "'a', " * 479 + "'a')" for _ in range(3))
    tests = " AND ".join(["p.age BETWEEN 1 AND 2"] * 120)
    for condition in (lists, tests):
        (part,) = plan(f"SELECT p.name FROM person p WHERE {condition}", {}, catalog).parts
        assert decode_fragment(encode_fragment(part.fragment), catalog) == part.fragment
