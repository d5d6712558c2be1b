"""A question from the command line, and how its answer and its plan are printed."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from narrows.cli.ask import (
    as_json,
    parameters_of,
    print_answer,
    receipt_id,
    receipts_of,
)
from narrows.client import Answer
from narrows.client.evidence import verify_answer
from narrows.core.answer import HolderReport, Outcome
from narrows.core.canonical import canonical_bytes
from narrows.core.ledger.receipt import decode_receipt, verify_receipt
from narrows.core.terms import ColumnType, TypedValue
from narrows.errors import MalformedRequest
from tests.unit.client.true_answer import Telling, expecting, tell, true_telling
from tests.unit.serving.world import GATEWAY, NSOR, OSOR, VERIFIERS, opened_world, sign


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("card=ZZ1001", "card", TypedValue(ColumnType.TEXT, "ZZ1001")),
        ("card=", "card", TypedValue(ColumnType.TEXT, "")),
        ("card=a=b:c", "card", TypedValue(ColumnType.TEXT, "a=b:c")),
        ("card:text=12", "card", TypedValue(ColumnType.TEXT, "12")),
        ("n:bigint=-7", "n", TypedValue(ColumnType.BIGINT, -7)),
        ("n:integer=7", "n", TypedValue(ColumnType.INTEGER, 7)),
        ("n:double=1.5", "n", TypedValue(ColumnType.DOUBLE, 1.5)),
        ("n:boolean=true", "n", TypedValue(ColumnType.BOOLEAN, True)),
        ("d:date=2026-06-01", "d", TypedValue(ColumnType.DATE, date(2026, 6, 1))),
        (
            "t:timestamp=2026-06-01T12:00:00.000000",
            "t",
            TypedValue(ColumnType.TIMESTAMP, datetime(2026, 6, 1, 12)),  # noqa: DTZ001 - canonical
        ),
    ],
)
def test_a_parameter_gets_its_canonical_type(given: str, name: str, value: TypedValue) -> None:
    assert parameters_of([given]) == {name: value}


def test_many_parameters_are_taken_the_last_of_a_name() -> None:
    found = parameters_of(["a=1", "b:bigint=2", "a=3"])
    assert {name: one.value for name, one in found.items()} == {"a": "3", "b": 2}
    assert parameters_of([]) == {}


@pytest.mark.parametrize(
    "given",
    ["card", "=x", "Card=x", "1card=x", "card:number=1", "card::text=x", "n:bigint=x",
     "n:bigint=1.5", "d:date=01/06/2026", "n:boolean=yes", "n:integer=2147483648"],
)  # fmt: skip
def test_what_is_no_parameter_is_refused_without_its_value(given: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parameters_of([given])
    value = given.partition("=")[2]
    assert len(value) < 2 or value not in str(caught.value)


@pytest.fixture
async def answer(tmp_path: Path) -> AsyncIterator[Answer]:
    async with opened_world(tmp_path) as world:
        request = sign()
        told = await true_telling(world, request)
        yield verify_answer(await tell(world, request, told), expecting(request))


@pytest.fixture
async def withheld(tmp_path: Path) -> AsyncIterator[Answer]:
    async with opened_world(tmp_path / "other") as world:
        request = sign()
        reports = (
            HolderReport(NSOR, Outcome.REFUSED, ("never[1]",), ("no agreement covers [this]",)),
            HolderReport(OSOR, Outcome.UNAVAILABLE, reasons=("the node cannot be reached",)),
        )
        telling = Telling(reports, [], caveats=(), withheld="no holder answered")
        yield verify_answer(await tell(world, request, telling), expecting(request))


def test_an_answer_is_given_unless_all_refused_or_it_is_withheld(
    answer: Answer, withheld: Answer
) -> None:
    assert answer.is_answered
    assert replace(answer, table=answer.table.slice(0, 0)).is_answered
    assert not withheld.is_answered
    assert not replace(answer, withheld_because="no holder answered").is_answered


def test_for_people_it_has_rows_outcomes_caveats_and_the_receipts_name(
    answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    print_answer(answer)
    said = capsys.readouterr().out
    for text in ("Tremblay", "M4C", "3 rows", "answered", "person.postal_code: first 3"):
        assert text in said
    assert "caveat   nsor: once only" in said
    assert f"request  {answer.request_id}" in said
    assert "receipt  gateway.canada/ledger #0" in said
    assert receipt_id(answer.receipt) == "gateway.canada/ledger #0"


def test_for_people_it_says_why_there_are_no_rows(
    withheld: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    print_answer(withheld)
    said = capsys.readouterr().out
    assert "no rows are given: no holder answered" in said
    assert "no agreement covers [this]" in said
    assert "the node cannot be reached" in said
    assert "surname" not in said


def test_for_programs_it_is_all_there_and_verifies(answer: Answer, withheld: Answer) -> None:
    document = json.loads(json.dumps(as_json(answer)))
    assert document["request_id"] == answer.request_id
    assert document["columns"][1] == {"name": "surname", "type": "text"}
    assert document["rows"][0] == ["nsor", "Roy", "H2X"]
    assert document["withheld_because"] == ""
    nsor = document["agencies"][0]
    assert (nsor["holder"], nsor["outcome"], nsor["rows"]) == ("nsor", "answered", 1)
    assert nsor["narrowed"] == ["person.postal_code: first 3"]
    receipt = decode_receipt(canonical_bytes(nsor["receipt"]))
    verify_receipt(receipt, VERIFIERS[NSOR])
    assert receipt == answer.agencies[0].receipt
    refused = json.loads(json.dumps(as_json(withheld)))
    assert (refused["rows"], refused["withheld_because"]) == ([], "no holder answered")
    assert refused["agencies"][0]["reason"] == "no agreement covers [this]"
    assert refused["agencies"][0]["receipt"] is None


def test_receipts_are_the_gateways_and_those_that_there_are(
    answer: Answer, withheld: Answer
) -> None:
    found = receipts_of(answer)
    verify_receipt(found[0], VERIFIERS[GATEWAY])
    assert found[1:] == [one.receipt for one in answer.agencies]
    assert receipts_of(withheld) == [withheld.receipt]
