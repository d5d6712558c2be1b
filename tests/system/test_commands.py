"""The command `narrows` as people and programs use it, over a running federation."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from narrows.local.state import GATEWAY
from tests.system.processes import CANADA, HOLDERS, Running, kinds

pytestmark = pytest.mark.system
CARD = "SELECT holder, full_name, born_on FROM patron WHERE card_number = :card"
WHO = ("--as", "riverside", "--purpose", "interlibrary_loan", "--officer", "12")
ASK = ("ask", CARD, *WHO, "--param", "card=ZZ1001")


def test_ask_as_json_is_what_is_documented(library: Running) -> None:
    found = json.loads(library.narrows(*ASK, "--format", "json"))
    assert set(found) == {
        "request_id", "columns", "rows", "agencies", "caveats", "withheld_because", "receipt",
    }  # fmt: skip
    assert found["columns"] == [
        {"name": "holder", "type": "text"},
        {"name": "full_name", "type": "text"},
        {"name": "born_on", "type": "date"},
    ]
    assert found["rows"] == [[holder, "Ada Okafor", "1984-01-01"] for holder in HOLDERS]
    names = {"holder", "outcome", "clauses", "reason", "withheld", "rows", "ms"}
    for agency in found["agencies"]:
        assert set(agency) == names | {"narrowed", "keep_days", "receipt"}
        assert (agency["outcome"], agency["rows"]) == ("answered", 1)


def test_the_requester_merges_what_the_gateway_only_carries(library: Running) -> None:
    there = json.loads(library.narrows(*ASK, "--format", "json"))
    here = json.loads(library.narrows(*ASK, "--format", "json", "--merge-at", "requester"))
    for name in ("columns", "rows", "caveats", "withheld_because"):
        assert here[name] == there[name]
    traced = library.narrows("trace", here["request_id"], "--as", "auditor", "--mandate", "m-1")
    assert "carried" in traced
    with pytest.raises(AssertionError):
        library.narrows(*ASK, "--merge-at", "nowhere")


def test_ask_as_csv_and_as_a_table(library: Running) -> None:
    rows = list(csv.reader(io.StringIO(library.narrows(*ASK, "--format", "csv"))))
    assert rows[0] == ["holder", "full_name", "born_on"]
    assert [row[0] for row in rows[1:]] == list(HOLDERS)
    table = library.narrows(*ASK)
    assert "Ada Okafor" in table
    assert "patron.born_on: year" in table
    assert "caveat   For lending only" in table


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (
            ("ask", CARD, "--as", "reader-desk", "--purpose", "recovery", "--param", "card=ZZ1"),
            3,
            "",
        ),
        (("ask", "SELECT FROM WHERE", *WHO), 2, "QUERY_MALFORMED"),
        (("ask", "SELECT nosuch FROM patron", *WHO), 2, "QUERY_MALFORMED"),
        (("ask", "SELECT * FROM read_csv('x')", *WHO), 2, "QUERY"),
        (("ask", CARD, *WHO), 2, "QUERY_MALFORMED"),
        (("ask", CARD, *WHO, "--param", "card:date=never"), 2, "REQUEST_MALFORMED"),
        (("ask", CARD, *WHO, "--param", "card"), 2, "REQUEST_MALFORMED"),
        (("ask", CARD, "--as", "nobody", "--purpose", "recovery", "--param", "card=x"), 1, "FED"),
        (("ask", CARD, "--as", "riverside", "--purpose", "gossip", "--param", "card=x"), 2, "REQ"),
    ],
)
def test_exit_codes_and_errors_as_one_json_object(
    library: Running, words: tuple[str, ...], code: int, reason: str
) -> None:
    found = json.loads(library.narrows(*words, "--format", "json", code=code))
    if reason:
        assert found["reason"].startswith(reason)
        assert found["message"]
        assert "\n" not in found["message"]
    line = library.narrows(*words, code=code)
    if reason:
        assert line.startswith("narrows: ")
        assert line.count("\n") == 1


def test_bad_use_ends_with_2() -> None:
    for words in (("nonsense",), ("ask",), ("ask", "SELECT 1", "--nosuch")):
        command = [sys.executable, "-m", "narrows.cli.main", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2, words
        assert done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (), ("up",), ("down",), ("status",), ("generate",), ("check",), ("ask",), ("explain",),
        ("trace",), ("verify",), ("ledger", "verify"), ("gateway", "serve"), ("node", "serve"),
    ],
)  # fmt: skip
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "narrows.cli.main", *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Example: narrows" in done.stdout


def test_explain_touches_no_data_and_no_ledger(library: Running) -> None:
    before = {name: len(library.entries(name)) for name in (*HOLDERS, GATEWAY)}
    text = library.narrows("explain", CARD, *WHO, "--param", "card=ZZ1001")
    assert "patron.born_on: year" in text
    assert "merge" in text
    found = json.loads(
        library.narrows("explain", CARD, *WHO, "--param", "card=ZZ1001", "--format", "json")
    )
    assert {plan["decision"] for plan in found["plans"]} == {"NARROWED"}
    assert "analysis" not in found
    assert {name: len(library.entries(name)) for name in (*HOLDERS, GATEWAY)} == before


@pytest.mark.parametrize("place", ["gateway", "requester"])
def test_explain_with_analyze_asks_and_measures(library: Running, place: str) -> None:
    card = ("--param", "card=ZZ1001", "--merge-at", place)
    asked = json.loads(library.narrows("ask", CARD, *WHO, *card, "--format", "json"))
    found = json.loads(
        library.narrows("explain", CARD, *WHO, *card, "--analyze", "--format", "json")
    )["analysis"]
    assert found["rows"] == len(asked["rows"]) > 0
    assert found["merge_us"] > 0
    for one, report in zip(found["holders"], asked["agencies"], strict=True):
        assert (one["holder"], one["outcome"]) == (report["holder"], report["outcome"])
        assert one["rows"] == report["rows"] == sum(one["parts"].values())
        assert (one["bytes"] > 0) == (one["outcome"] == "answered")
    # It is a request like any other: entered everywhere, and to be traced.
    for name in (GATEWAY, *(one["holder"] for one in found["holders"] if one["parts"])):
        entered = kinds(library.entries(name), found["request_id"])
        assert entered[0] == ("intent" if name == GATEWAY else "disclosure")
        assert entered[-1] == "acknowledgement"
    text = library.narrows("explain", CARD, *WHO, *card, "--analyze")
    assert text.startswith(f"1 part, asked of 3 of 3 holders, merged at the {place}\n")
    assert max(len(line) for line in text.splitlines() if line[:1] in "├└│ ") <= 100
    assert f"merge     {found['rows']} row" in text
    assert "receipt  " in text


def test_explain_with_analyze_ends_like_ask(library: Running) -> None:
    browsing = ("SELECT full_name FROM patron WHERE full_name = 'Ada Okafor'", *WHO)
    library.narrows("ask", *browsing, code=3)
    assert "no rows are given: no holder answered" in library.narrows(
        "explain", "--analyze", *browsing, code=3
    )
    assert "no rows would be given" in library.narrows("explain", *browsing)


def test_status_says_who_is_well(fragile: Running) -> None:
    found = json.loads(fragile.narrows("status", "--format", "json"))
    assert found["ok"]
    assert {one["name"] for one in found["processes"]} == {GATEWAY, *HOLDERS}
    fragile.narrows("down", "harbour")
    found = json.loads(fragile.narrows("status", "--format", "json", code=1))
    assert [one["name"] for one in found["processes"] if not one["well"]] == ["harbour"]
    assert "stopped" in fragile.narrows("status", code=1)
    fragile.narrows("down")
    assert len(json.loads(fragile.narrows("status", "--format", "json", code=1))["processes"]) == 4


def test_an_auditor_traces_and_verifies_also_when_the_gateway_is_gone(
    canada_fragile: Running, tmp_path: Path
) -> None:
    sql = """
    SELECT p.holder, p.surname, p.residence_postal, r.reg_status FROM person p
    JOIN identifier i USING (holder, person_id)
    JOIN offender_registration r USING (holder, person_id)
    WHERE i.ident_type = 'PASSPORT' AND i.ident_value = :document AND i.issuer = 'CAN'"""
    who = ("--as", "vpd", "--purpose", "sexual_crime_investigation", "--officer", "officer-4471")
    case = ("--case", "VA2026-104233", "--grounds", "linked to an open file")
    receipts = tmp_path / "receipts.json"
    answer = json.loads(
        canada_fragile.narrows(
            "ask", sql, *who, *case, "--param", "document=ZZ123456",
            "--receipt", str(receipts), "--format", "json",
        )
    )  # fmt: skip
    request = answer["request_id"]
    assert {row[0] for row in answer["rows"]} == {"nsor", "osor"}

    story = canada_fragile.narrows("trace", request, "--as", "opc", "--spans")
    for word in ("officer-4471", "VA2026-104233", "ZZ123456", "narrowed", "acknowledges"):
        assert word in story
    assert "all that was read verifies and agrees" in story
    assert "node.answer" in story
    refused = canada_fragile.narrows("trace", request, "--as", "vpd", code=1)
    assert "may read no ledger" in refused
    assert "officer-4471" not in refused

    keys = [f"--key={canada_fragile.verifier(name).text}" for name in (GATEWAY, "nsor", "osor")]
    assert canada_fragile.narrows("verify", str(receipts), *keys).count("verifies") == 3
    whole = tmp_path / "answer.json"
    whole.write_text(json.dumps(answer, indent=2))
    assert canada_fragile.narrows("verify", str(whole)).count("verifies") == 3
    forged = receipts.read_text().replace("vpd", "sqx")
    receipts.write_text(forged)
    assert "fails at step 4" in canada_fragile.narrows("verify", str(receipts), code=1)

    canada_fragile.down(GATEWAY)
    found = json.loads(canada_fragile.narrows("trace", request, "--as", "opc", "--format", "json"))
    read = {one["name"]: one["read"] for one in found["ledgers"]}
    assert not read.pop(GATEWAY)
    assert all(read.values())
    kinds = {one["name"]: [e["kind"] for e in one["entries"]] for one in found["ledgers"]}
    assert kinds["nsor"][:2] == ["disclosure", "acknowledgement"]
    assert found["sealed"]["officer"] == "officer-4471"

    assert canada_fragile.narrows("ledger", "verify").count("sound") == 7


def test_check_and_generate(tmp_path: Path) -> None:
    for words in (("check", str(CANADA)), ("generate", str(CANADA), "--state", str(tmp_path))):
        command = [sys.executable, "-m", "narrows.cli.main", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "nsor.person" in done.stdout
    assert len(done.stdout.splitlines()[0].split()[2]) == 64
