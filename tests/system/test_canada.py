"""The worked federation through real processes: its reference questions, and its silence."""

import json
from dataclasses import replace

import pytest

from narrows.client import Answer
from narrows.client.question import Ask, make_ask
from narrows.local.state import GATEWAY
from tests.system.processes import Running, outcomes

pytestmark = pytest.mark.system
HOLDERS = ("cbsa", "fnp", "nsor", "osor", "sq", "vpd")
OFFICER, CASE, GROUNDS = "officer-4471-vance", "VA2026-104233", "linked to an open file"
REGISTERED, SUSPENDED, NOBODY = "ZZ123456", "ZZ654321", "ZZ000000"
Q1 = """
SELECT p.holder, p.surname, p.given_names, p.residence_postal, r.reg_status, r.risk_level
FROM person p JOIN offender_registration r USING (holder, person_id)
JOIN identifier i USING (holder, person_id)
WHERE i.ident_type = 'PASSPORT' AND i.ident_value = :document AND i.issuer = 'CAN'"""
Q16 = """
SELECT p.holder, p.birth_date, v.offence_family, v.contact FROM person p
JOIN involvement w USING (holder, person_id) JOIN investigation v USING (holder, case_no)
WHERE p.surname = 'TREMBLAY' AND p.birth_date = DATE '1981-03-07' AND w.role = 'SUSPECT'"""


def registered(document: str = REGISTERED, sql: str = Q1) -> Ask:
    """Q1 about one passport, as a city unit asks it."""
    return make_ask(
        sql,
        {"document": document},
        purpose="sexual_crime_investigation",
        officer=OFFICER,
        case=CASE,
        grounds=GROUNDS,
        unit="sex-crimes",
    )


def test_q1_is_answered_by_both_registries_narrowed(canada: Running) -> None:
    answer = canada.ask(registered(), "vpd")
    told = outcomes(answer)
    assert {name for name, outcome in told.items() if outcome == "answered"} == {"nsor", "osor"}
    assert {name for name, outcome in told.items() if outcome == "not asked"} == {
        "cbsa", "fnp", "sq", "vpd",
    }  # fmt: skip
    rows = answer.table.to_pylist()
    assert [row["holder"] for row in rows] == ["nsor", "osor"]
    assert {len(row["residence_postal"]) for row in rows} == {3}
    assert any("no use for another purpose" in caveat for caveat in answer.caveats)


def test_q16_is_answered_by_police_and_coarser_by_others(canada: Running) -> None:
    ask = make_ask(
        Q16,
        purpose="criminal_investigation",
        officer=OFFICER,
        case=CASE,
        grounds=GROUNDS,
        agreement="agreement 2026-04 of the Nation, and with Quebec",
        authority="assessment 2026-11",
    )
    rows = canada.ask(ask, "vpd").table.to_pylist()
    born = {row["holder"]: row["birth_date"].isoformat() for row in rows}
    assert born["vpd"] == "1981-03-07"
    assert {born[name] for name in born if name != "vpd"} == {"1981-01-01"}


def _told(answer: Answer) -> object:
    """Everything but what differs between any two requests."""
    agencies = [replace(one, receipt=None, elapsed_ms=0) for one in answer.agencies]
    return answer.columns, answer.table.to_pylist(), agencies, answer.caveats


def test_a_suspended_record_is_as_if_it_did_not_exist(canada: Running) -> None:
    hidden, absent = canada.ask(registered(SUSPENDED), "vpd"), canada.ask(registered(NOBODY), "vpd")
    assert _told(hidden) == _told(absent)
    assert hidden.table.num_rows == 0
    assert outcomes(hidden)["nsor"] == "answered"


@pytest.mark.parametrize(
    ("member", "changes", "because"),
    [
        ("licensing-on", {"purpose": "licensing"}, "no agreement with `licensing-on`"),
        ("vpd", {"optional": {"officer": OFFICER}}, "requires `case_number`"),
        ("us-angel-watch", {"purpose": "foreign_assistance"}, "requires `agreement_reference`"),
        ("stats-ngo", {"purpose": "statistics"}, "no agreement"),
    ],
)
def test_a_refusal_names_the_reason_and_no_node_is_called(
    canada: Running, member: str, changes: dict[str, object], because: str
) -> None:
    before = {name: len(canada.entries(name)) for name in HOLDERS}
    told = []
    for document in (REGISTERED, SUSPENDED, NOBODY):
        ask = replace(registered(document), **changes)  # type: ignore[arg-type]
        told.append(_told(canada.ask(ask, member)))
    assert told[0] == told[1] == told[2]
    answer = canada.ask(replace(registered(), **changes), member)  # type: ignore[arg-type]
    assert answer.withheld_because
    (registry,) = [one for one in answer.agencies if one.holder == "nsor"]
    assert because in "; ".join(registry.reasons)
    assert outcomes(answer)["nsor"] == "refused"
    assert {name: len(canada.entries(name)) for name in HOLDERS} == before
    entry = canada.entries(GATEWAY)[-1]
    assert entry.kind.value in ("outcome", "acknowledgement")


def test_no_value_is_in_any_log_span_error_or_open_part(canada: Running) -> None:
    answer = canada.ask(registered(), "vpd")
    assert answer.table.num_rows == 2
    canada.ask(registered(SUSPENDED), "vpd")
    canada.ask(replace(registered(), optional={}), "vpd")
    errors = [
        canada.narrows(
            "ask", sql, "--as", "vpd", "--purpose", "licensing", "--officer", OFFICER,
            "--case", CASE, "--format", "json", code=2,
        )
        for sql in (f"SELECT nosuch FROM person WHERE surname = '{REGISTERED}'", f"SELECT '{REGISTERED}")
    ]  # fmt: skip
    canada.narrows(
        "ask", Q1, "--as", "vpd", "--purpose", "sexual_crime_investigation", "--officer", OFFICER,
        "--case", CASE, "--grounds", GROUNDS, "--param", f"document={REGISTERED}",
    )  # fmt: skip
    told = "\n".join([*errors, *_open_texts(canada)])
    people = {
        str(row[name]) for row in answer.table.to_pylist() for name in ("surname", "given_names")
    }
    for secret in (*people, REGISTERED, SUSPENDED, OFFICER, CASE, GROUNDS):
        assert secret not in told, "a value was told"


def _open_texts(canada: Running) -> list[str]:
    """All that processes write which is not sealed."""
    found = []
    for place in canada.state.places(canada.state.read()):
        spans = place.home / "spans.jsonl"
        # A node that was never asked has none.
        assert spans.exists() or place.name not in (GATEWAY, "nsor", "osor")
        found += [path.read_text() for path in (place.log, spans) if path.exists()]
        for entry in canada.entries(place.name):
            found.append(json.dumps([dict(entry.open), sorted(entry.sealed)], ensure_ascii=False))
    found.append((canada.state.member("vpd") / "requests.jsonl").read_text())
    return found
