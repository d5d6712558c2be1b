"""The reference questions that a look-up answers, over the generated databases and the policies."""

import sqlite3
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pytest

from narrows.core.plan.fragment import Fragment
from narrows.core.plan.plan import plan
from narrows.core.policy.bind import bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Decision, Requester
from narrows.core.policy.finish import no_pseudonym
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.terms import MemberName, Purpose, Scalar
from narrows.engines.duckdb import duckdb_dialect
from narrows.engines.protocol import Statement
from narrows.engines.sqlite import sqlite_dialect
from narrows.folder.load import Node
from narrows.node.compile import compile_bound, types_in
from narrows.node.release import released_rows
from tests.unit.examples.conftest import open_engine

if TYPE_CHECKING:
    from tests.unit.examples.conftest import Generated

POLICE = "sexual_crime_investigation"
CRIME = "criminal_investigation"
DAY = date(2026, 6, 1)
Q1 = """
SELECT p.holder, p.surname, p.given_names, r.reg_status, r.risk_level FROM person p
JOIN offender_registration r USING (holder, person_id)
JOIN identifier i USING (holder, person_id)
WHERE i.ident_type = 'PASSPORT' AND i.ident_value = '{}' AND i.issuer = 'CAN'
"""
Q16 = """
SELECT p.holder, p.birth_date, v.offence_family, v.contact FROM person p
JOIN involvement w USING (holder, person_id) JOIN investigation v USING (holder, case_no)
WHERE p.surname = '{}' AND p.birth_date = DATE '{}' AND w.role = 'SUSPECT'
"""
BY_PHONE = """
SELECT v.holder, v.contact FROM identifier i
JOIN involvement w USING (holder, person_id) JOIN investigation v USING (holder, case_no)
WHERE i.ident_type = 'PHONE' AND i.ident_value = '{}' AND w.role = '{}'
"""
CROSSINGS = """
SELECT direction, crossed_at, other_country FROM border_crossing
WHERE doc_number = '{}' AND doc_issuer = 'CAN'
"""


class Asking:
    """Questions of one member, for one purpose, on one day."""

    def __init__(self, canada: "Generated", member: str, purpose: str, day: date = DAY) -> None:
        found = canada.federation.members[MemberName(member)]
        self.canada = canada
        self.who = Circumstances(
            Requester(found.name, found.member_class, found.country),
            Purpose(purpose),
            "lookup",
            day,
            frozenset([*OPTIONAL_FIELDS, "authority"]),
            signed_by=frozenset(["agency", "approver"]),
        )

    def node(self, holder: str) -> Node:
        node = self.canada.federation.members[MemberName(holder)].node
        assert node is not None
        return node

    def fragment(self, question: str) -> Fragment:
        (fragment,) = plan(question, {}, self.canada.federation.catalog).fill({})
        return fragment

    def decision(self, holder: str, question: str) -> Decision:
        catalog, policy = self.canada.federation.catalog, self.node(holder).policy
        return decide(policy, catalog, self.fragment(question), self.who)

    def compiled(self, holder: str, question: str) -> tuple[BoundFragment, Statement]:
        node, catalog = self.node(holder), self.canada.federation.catalog
        decision = self.decision(holder, question)
        assert decision.reasons == ()
        bound = bind(node.policy, catalog, self.fragment(question), self.who, decision)
        database = str(self.canada.data / node.database)
        mapping = {name: sql.replace("{database}", database) for name, sql in node.mapping.items()}
        dialect = sqlite_dialect() if node.engine == "sqlite" else duckdb_dialect()
        return bound, compile_bound(bound, mapping, dialect, types_in(bound, catalog))

    async def ask(self, holder: str, question: str) -> list[tuple[Scalar, ...]]:
        """What the holder releases, through its engine."""
        bound, statement = self.compiled(holder, question)
        engine = open_engine(self.node(holder), self.canada.data)
        try:
            return released_rows(bound, (await engine.run([statement], 30)).rows[0], no_pseudonym)
        finally:
            engine.close()


@pytest.mark.parametrize(("holder", "given"), [("nsor", "ÉTIENNE PAUL"), ("osor", "ETIENNE PAUL")])
async def test_q1_both_registries_know_the_bearer_of_a_passport(
    canada: "Generated", holder: str, given: str
) -> None:
    rows = await Asking(canada, "vpd", POLICE).ask(holder, Q1.format("ZZ123456"))
    assert rows == [(given, holder, "MARCHAND", "ACTIVE", "HIGH")]


@pytest.mark.parametrize("holder", ["nsor", "osor"])
async def test_a_suspended_record_is_nobody(canada: "Generated", holder: str) -> None:
    asking = Asking(canada, "vpd", POLICE)
    hidden = await asking.ask(holder, Q1.format("ZZ654321"))
    assert hidden == await asking.ask(holder, Q1.format("ZZ000000")) == []


@pytest.mark.parametrize(
    ("holder", "member"), [("vpd", "sq"), ("sq", "vpd"), ("fnp", "vpd"), ("fnp", "sq")]
)
async def test_q16_a_suspect_is_found_and_whom_to_call(
    canada: "Generated", holder: str, member: str
) -> None:
    rows = await Asking(canada, member, CRIME).ask(holder, Q16.format("TREMBLAY", "1981-03-07"))
    # The sealed file at the city is as if it were not.
    assert [row[:2] for row in rows] == [(date(1981, 1, 1), holder)]
    assert str(rows[0][2]).startswith("+1")


async def test_a_victims_telephone_finds_nobody(canada: "Generated") -> None:
    phone = "+14165550142"
    found = await Asking(canada, "sq", CRIME).ask("vpd", BY_PHONE.format(phone, "SUSPECT"))
    assert len(found) == 1
    for role in ("SUSPECT", "VICTIM"):
        assert await Asking(canada, "vpd", CRIME).ask("sq", BY_PHONE.format(phone, role)) == []


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 28), 1), (date(2026, 3, 29), 0)])
async def test_a_youth_row_is_gone_when_its_time_is_over(
    canada: "Generated", day: date, count: int
) -> None:
    asking = Asking(canada, "sq", CRIME, day)
    assert len(await asking.ask("vpd", Q16.format("ASHDOWN", "2006-03-09"))) == count
    assert len(await asking.ask("vpd", Q16.format("LOCKHART", "2010-02-11"))) == 1


async def test_the_crossings_of_one_document(canada: "Generated") -> None:
    rows = await Asking(canada, "vpd", "registry_compliance").ask(
        "cbsa", CROSSINGS.format("ZZ123456")
    )
    found = sorted(rows, key=lambda row: str(row[0]))
    assert [row[1] for row in found] == ["EXIT", "ENTRY"] * 2
    assert [row[2] for row in found[:2]] == ["USA", "USA"]


@pytest.mark.parametrize(
    ("member", "purpose", "holder", "question"),
    [
        ("licensing-on", "licensing", "nsor", Q1.format("ZZ123456")),
        ("vpd", "licensing", "osor", Q1.format("ZZ123456")),
        ("us-angel-watch", "foreign_assistance", "nsor", Q1.format("ZZ123456")),
        ("us-angel-watch", CRIME, "vpd", Q16.format("TREMBLAY", "1981-03-07")),
        ("stats-ngo", "statistics", "sq", Q16.format("TREMBLAY", "1981-03-07")),
        ("opc", "audit", "fnp", Q16.format("TREMBLAY", "1981-03-07")),
    ],
)
def test_who_has_no_agreement_is_refused_alike_for_everybody(
    canada: "Generated", member: str, purpose: str, holder: str, question: str
) -> None:
    asking = Asking(canada, member, purpose)
    refused = asking.decision(holder, question)
    assert not refused.releases
    other = question.replace("ZZ123456", "ZZ000000").replace("TREMBLAY", "NOBODY")
    assert asking.decision(holder, other) == refused


def test_a_lapsed_agreement_says_so(canada: "Generated") -> None:
    asking = Asking(canada, "us-angel-watch", "traveller_notification", date(2031, 4, 1))
    assert "lapsed on 2031-03-31" in " ".join(asking.decision("nsor", Q1.format("ZZ1")).reasons)


def test_a_document_is_looked_up_by_index(canada: "Generated") -> None:
    """Else a registry reads every document that it has for each question."""
    plan_of = _sqlite_plan(canada, Asking(canada, "vpd", POLICE).compiled("osor", Q1.format("ZZ1")))
    assert "SEARCH REG_DOC USING INDEX REG_DOC_NO (<expr>=?)" in plan_of


def test_a_name_is_looked_up_by_index(canada: "Generated") -> None:
    by_name = """
    SELECT p.surname, r.reg_status FROM person p
    JOIN offender_registration r USING (holder, person_id)
    WHERE p.surname = 'MARCHAND' AND p.birth_date = DATE '1974-08-19'
    """
    plan_of = _sqlite_plan(canada, Asking(canada, "vpd", POLICE).compiled("osor", by_name))
    assert "SEARCH REGISTRANT USING INDEX REGISTRANT_NAME (<expr>=?)" in plan_of


def test_a_document_is_compared_as_the_registry_stores_it(canada: "Generated") -> None:
    _, statement = Asking(canada, "vpd", POLICE).compiled("nsor", Q1.format("ZZ123456"))
    text = _duckdb_plan(str(canada.data / "nsor.duckdb"), statement)
    assert "no = 'ZZ123456'" in text
    assert "fps" not in text.lower().replace("fps char", "")


def test_a_document_is_compared_as_the_border_files_store_it(canada: "Generated") -> None:
    asking = Asking(canada, "vpd", "registry_compliance")
    _, statement = asking.compiled("cbsa", CROSSINGS.format("ZZ123456"))
    assert "doc_no = 'ZZ123456'" in _duckdb_plan(":memory:", statement)


def _sqlite_plan(canada: "Generated", compiled: tuple[BoundFragment, Statement]) -> list[str]:
    _, statement = compiled
    with closing(sqlite3.connect(canada.data / "osor.sqlite")) as base:
        values = [
            value.isoformat() if isinstance(value, date) else value
            for value in statement.parameters
        ]
        rows = base.execute(f"EXPLAIN QUERY PLAN {statement.sql}", values).fetchall()
    return [str(row[3]) for row in rows]


def _duckdb_plan(database: str, statement: Statement) -> str:
    with duckdb.connect(database, read_only=database != ":memory:") as connection:
        found = connection.execute(f"EXPLAIN {statement.sql}", list(statement.parameters))
        return "\n".join(str(row[1]) for row in found.fetchall())
