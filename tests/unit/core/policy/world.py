"""A small registry for policy tests: a question in SQL against one policy, over rows in memory."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Circumstances, Decision, Requester
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.policy.rows import Tables, release_rows
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    Purpose,
    RelationName,
    Scalar,
    TypedValue,
)

PERSON, PAPER, FILE = map(RelationName, ("person", "paper", "file"))
DAY = date(2026, 6, 1)
ASKED = Circumstances(
    Requester(MemberName("vpd"), "municipal", "CAN"),
    Purpose("investigation"),
    "lookup",
    DAY,
    frozenset({"officer", "grounds"}),
)


def columns(text: str) -> tuple[Column, ...]:
    """`name:type` columns; `pid` is an id."""
    pairs = (one.partition(":") for one in text.split())
    return tuple(
        Column(ColumnName(name), ColumnType(kind or "text"), is_id=name == "pid")
        for name, _, kind in pairs
    )


PID = ColumnName("pid")
CATALOG = Catalog(
    federation="test",
    version=1,
    zone="UTC",
    purposes=("investigation", "statistics"),
    relations={
        PERSON: Relation(
            PERSON,
            (
                HOLDER,
                *columns("pid surname given born:date seen:timestamp age:integer weight:double"),
                *columns("country status"),
            ),
            (PID,),
        ),
        PAPER: Relation(
            PAPER, (HOLDER, *columns("pid kind number")), (), (Reference((PID,), PERSON),)
        ),
        FILE: Relation(
            FILE,
            (HOLDER, *columns("file_no pid opened:date unit contact")),
            (ColumnName("file_no"),),
            (Reference((PID,), PERSON),),
        ),
    },
    holds={Holder("nsor"): frozenset({PERSON, PAPER, FILE})},
)
_HEAD = "agency: nsor\nversion: 1\neffective: 2026-01-01\n"
AGREEMENT = """\
  - id: one
    authority: the Act
    with: {country: CAN}
    purposes: [investigation]
    valid: {from: 2026-01-01}
"""


def policy(text: str) -> Policy:
    """The policy with the head that every one needs."""
    return parse_policy(_HEAD + text, CATALOG, "policy.yaml")


def granting(grants: str, never: str = "", more: str = "") -> Policy:
    """One agreement that gives these grants, indented by four; and what is never given."""
    lines = "".join(f"    {line}\n" for line in grants.strip("\n").splitlines())
    extra = "".join(f"    {line}\n" for line in more.strip("\n").splitlines())
    return policy(f"{never}agreements:\n{AGREEMENT}{extra}{lines}")


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one question."""

    decision: Decision
    bound: BoundFragment | None
    rows: list[tuple[Scalar, ...]] | None


def fragment_of(sql: str) -> Fragment:
    """The one fragment of a question."""
    (found,) = plan(sql, {}, CATALOG).fill({TODAY_SLOT: TypedValue(ColumnType.DATE, DAY)})
    return found


def ask(
    given: Policy, sql: str, tables: Tables | None = None, asked: Circumstances = ASKED
) -> Found:
    """The question, decided, bound, and answered over the tables."""
    decision, bound = decide_and_bind(given, CATALOG, fragment_of(sql), asked)
    rows = None
    if bound is not None and tables is not None:
        rows = release_rows(bound, tables, lambda scope, value: f"[{scope}|{value}]")
    return Found(decision, bound, rows)


def form(name: str) -> Circumstances:
    """The circumstances, asked in that form."""
    return replace(ASKED, form=name)


def row(relation: RelationName, **values: Scalar) -> dict[ColumnName, Scalar]:
    """A row of that relation; what is not named is NULL."""
    found = CATALOG.relations[relation].columns[1:]
    assert set(values) <= {str(column.name) for column in found}
    return {column.name: values.get(column.name) for column in found}


TABLES: Tables = {
    PERSON: [
        row(
            PERSON,
            pid="1",
            surname="Lévesque-Côté",
            given="Anne",
            born=date(1981, 3, 7),
            seen=datetime(2026, 5, 17, 12, 30),  # noqa: DTZ001
            age=45,
            weight=61.5,
            country="CAN",
            status="OPEN",
        ),
        row(PERSON, pid="2", surname="Nguyen", given="Thi Hoa", born=date(1991, 1, 1), age=35),
        row(PERSON, pid="3", surname="Roy", given="Luc", born=date(1981, 3, 9), status="SEALED"),
    ],
    PAPER: [
        row(PAPER, pid="1", kind="PASSPORT", number="ZZ 123-456"),
        row(PAPER, pid="1", kind="PHONE", number="+14165550142"),
        row(PAPER, pid="2", kind="PASSPORT", number="ZZ999999"),
        row(PAPER, pid="3", kind="PHONE", number="+14165550142"),
    ],
    FILE: [
        row(FILE, file_no="F2", pid="1", opened=date(2026, 2, 1), unit="VICE", contact="a@example.org"),
        row(FILE, file_no="F1", pid="3", opened=date(2026, 3, 1), unit="GANGS", contact="b@example.org"),
        row(FILE, file_no="F3", pid="2", opened=None, unit="HOMICIDE"),
    ],
}  # fmt: skip
