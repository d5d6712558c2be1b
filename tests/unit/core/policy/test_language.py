"""Tests, key sets and masks as the language reads them; each mistake with its line."""

import pytest

from narrows.core.catalog import HOLDER, Catalog, Column, Relation
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.terms import ColumnName, ColumnType, Purpose, RelationName
from narrows.errors import BadFederation

THING = RelationName("thing")
KINDS = tuple(ColumnType)
CATALOG = Catalog(
    "test",
    1,
    "UTC",
    ("licensing",),
    {THING: Relation(THING, (HOLDER, *(Column(ColumnName(f"a_{k}"), k) for k in KINDS)))},
    {},
)
AGREEMENT = """\
  - id: {id}
    authority: the Act
    with: {{country: [CAN, USA]}}
    purposes: [licensing]
    valid: {{from: 2026-01-01}}
    lookup:
      by: [{by}]
      at_most: {{rows: 1, literals: 1}}
      show: {{thing: {{{show}}}}}
"""


def read(
    rows: str = "a_text: {equal: A}", by: str = "[thing.a_text]", show: str = "a_text: as is"
) -> Policy:
    return parse_policy(
        "agency: nsor\nversion: 1\neffective: 2026-01-01\n"
        f"never:\n  - rows: {{thing: {{{rows}}}}}\n    because: the Act\n"
        f"agreements:\n{AGREEMENT.format(id='one', by=by, show=show)}",
        CATALOG,
        "policy.yaml",
    )


@pytest.mark.parametrize(
    ("rows", "values"),
    [
        ("a_text: {equal: A}", ["A"]),
        ("a_text: {in: ['01', B]}", ["01", "B"]),
        ("a_boolean: {equal: true}", ["true"]),
        ("a_integer: {equal: 7}", ["7"]),
        ("a_bigint: {in: [-1, 4294967296]}", ["-1", "4294967296"]),
        ("a_double: {equal: 0.5}", ["0.5"]),
        ("a_date: {equal: 2026-01-02}", ["2026-01-02"]),
        ("a_date: {before: 2026-01-02}", ["2026-01-02"]),
    ],
)
def test_a_value_is_of_its_columns_type(rows: str, values: list[str]) -> None:
    (test,) = read(rows).never[0].test.tests
    assert [str(getattr(value, "text", value)) for value in test.values] == values


@pytest.mark.parametrize(
    "rows",
    [
        "",
        "a_text: {}",
        "a_text: {equal: A, in: [B]}",
        "a_text: {equal: 1}",
        "a_text: {in: []}",
        "a_text: {in: A}",
        "a_text: {equal: [A]}",
        "a_text: {before: today}",
        "a_text: {null: false}",
        "a_text: {like: A}",
        "a_boolean: {equal: 'true'}",
        "a_integer: {equal: true}",
        "a_integer: {equal: 4294967296}",
        "a_bigint: {equal: '1'}",
        "a_double: {equal: 1}",
        "a_date: {equal: '2026-01-02'}",
        "a_date: {before: tomorrow}",
        "a_timestamp: {equal: 2026-01-02}",
        "holder: {equal: nsor}",
        "nothing: {equal: A}",
    ],
)
def test_a_row_test_that_would_match_nothing_or_something_else_is_refused(rows: str) -> None:
    with pytest.raises(BadFederation) as caught:
        read(rows)
    assert (caught.value.file, caught.value.line) == ("policy.yaml", 5)


@pytest.mark.parametrize(
    "by",
    [
        "{thing.a_text: optional equal}",
        "{}",
        "[]",
        "[a_text]",
        "[thing.nothing]",
        "[nothing.a_text]",
        "[thing.holder]",
        "{thing.a_text: similar}",
        "{thing.a_text: {in: 0}}",
        "{thing.a_text: {in: 2, over: 3}}",
    ],
)
def test_a_key_set_that_would_not_anchor_is_refused(by: str) -> None:
    with pytest.raises(BadFederation) as caught:
        read(by=by)
    assert caught.value.line == 14


@pytest.mark.parametrize(
    ("show", "mask"),
    [
        ("a_text: as is", "as is"),
        ("a_text: null", "null"),
        ("a_text: 'null'", "null"),
        ("a_text: first 3", "first 3"),
        ("a_date: year", "year"),
        ("a_timestamp: year", "year"),
    ],
)
def test_a_mask_fits_its_column(show: str, mask: str) -> None:
    masks = read(show=show).agreements[0].grants[0].show[THING]
    assert [str(found) for found in masks.values()] == [mask]


@pytest.mark.parametrize(
    "show",
    [
        "a_text: year",
        "a_text: first",
        "a_text: first 0",
        "a_text: first ³",
        "a_text: first -1",
        "a_text: first 1000",
        "a_text: last 3",
        "a_text: bucket 3",
        "a_double: bucket 3",
        "a_text: round 3",
        "a_date: day",
        "a_integer: pseudonym month",
        "a_text: pseudonym week",
        "a_date: first 4",
        "a_text: asis",
        "a_text: true",
        "holder: as is",
    ],
)
def test_a_mask_that_does_not_fit_is_refused(show: str) -> None:
    with pytest.raises(BadFederation) as caught:
        read(show=show)
    assert caught.value.line == 16


def test_an_agreement_reads_with_its_line_and_its_open_ends() -> None:
    (found,) = read().agreements
    assert (found.line, found.valid_to, found.keep_days) == (8, None, None)
    assert found.parties.countries == {"CAN", "USA"}
    assert found.purposes == {Purpose("licensing")}


def test_an_id_stands_once() -> None:
    one, two = (AGREEMENT.format(id=name, by="[thing.a_text]", show="") for name in ("one", "two"))
    head = "agency: nsor\nversion: 1\neffective: 2026-01-01\nagreements:\n"
    assert len(parse_policy(head + one + two, CATALOG, "policy.yaml").agreements) == 2
    with pytest.raises(BadFederation, match="`one` stands twice") as caught:
        parse_policy(head + one + one, CATALOG, "policy.yaml")
    assert caught.value.line == 14
