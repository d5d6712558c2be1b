"""A plan and what came of it, as a tree and as values."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from narrows.cli.analysis import analysis_of
from narrows.cli.explain import print_plan
from narrows.cli.plan_tree import draw_plan, plan_document
from narrows.client import Answer
from narrows.client.evidence import verify_answer
from narrows.core.answer import AnswerColumn, HolderReport, Outcome
from narrows.core.exchange import Explanation, MergePlan, PartPlan
from narrows.core.plan.above import StaysAbove
from narrows.core.plan.steps import PlanStep
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.terms import ColumnType, Digest, Holder
from tests.unit.client.true_answer import expecting, tell, true_telling
from tests.unit.serving.world import NSOR, OSOR, opened_world, sign

DECISION = Decision(Verdict.NARROWED, 1, Digest(bytes(32)), clauses=("investigation", "never[1]"))
REFUSED = Decision(
    Verdict.REFUSED, 1, Digest(bytes(32)), clauses=("default",), reasons=("no agreement [a]",)
)
HELD = replace(REFUSED, verdict=Verdict.HELD, reasons=("held for the clerk",))
SCAN, MATCH = PlanStep("scan", ("person t1", "paper t2")), PlanStep("match", ("t1.name = 'ROY'",))
INNER = PlanStep("query", ("query_1",), (PlanStep("read", ("f2",)),))
GIVEN = PartPlan(NSOR, "f1", "SELECT 1", "", DECISION, (SCAN, MATCH), (
    AnswerColumn("holder", ColumnType.TEXT), AnswerColumn("t1_born", ColumnType.DATE),
))  # fmt: skip
MERGE = MergePlan("SELECT merged", "gateway", (
    PlanStep("read", ("f1",)), PlanStep("filter", ("f1.t1_name IN (query_1)",), (INNER,)),
    PlanStep("distinct", ("each row once",)),
))  # fmt: skip
OTHERS = (
    replace(GIVEN, holder=OSOR),
    PartPlan(Holder("fnp"), "f1", "", "", REFUSED, (SCAN,)),
    PartPlan(Holder("sq"), "f1", "", "", HELD, (SCAN,)),
    PartPlan(Holder("vpd"), "f1", "", "", None, (SCAN,)),
    PartPlan(NSOR, "f2", "", "holds no `file`"),
    PartPlan(OSOR, "f2", "", "holds no `file`"),
    PartPlan(Holder("sq"), "f2", "", "the question excludes it"),
)
ABOVE = (StaysAbove("a", "because"), StaysAbove("b", "else"), StaysAbove("c", "because"))
PLAN = Explanation((GIVEN, *OTHERS), MERGE, ABOVE, "without `fnp` it could be false")
TREE = """\
2 parts, asked of 5 of 5 holders, merged at the gateway
├─ nsor, osor  f1  NARROWED  investigation, never[1]
│  ├─ scan      person t1, paper t2
│  ├─ match     t1.name = 'ROY'
│  └─ travel    holder text, t1_born date
├─ fnp  f1  REFUSED  default
│  └─ because   no agreement [a]
├─ sq  f1  HELD  default
│  ├─ scan      person t1, paper t2
│  └─ because   held for the clerk
├─ vpd  f1  its policy is not known here
│  └─ scan      person t1, paper t2
├─ not asked
│  ├─ nsor, osor  f2  holds no `file`
│  └─ sq  f2  the question excludes it
├─ merge  at the gateway
│  ├─ read      f1
│  ├─ filter    f1.t1_name IN (query_1)
│  │  └─ query     query_1
│  │     └─ read      f2
│  └─ distinct  each row once
├─ stays above
│  ├─ because
│  │  ├─ a
│  │  └─ c
│  └─ else
│     └─ b
└─ no rows would be given
   └─ without `fnp` it could be false
"""


@pytest.fixture
async def answer(tmp_path: Path) -> AsyncIterator[Answer]:
    async with opened_world(tmp_path) as world:
        request = sign()
        told = await true_telling(world, request)
        found = verify_answer(await tell(world, request, told), expecting(request))
        agencies = [
            replace(one, byte_count=100 * place, elapsed_ms=place)
            for place, one in enumerate(found.agencies, start=1)
        ]
        fnp = HolderReport(Holder("fnp"), Outcome.REFUSED, reasons=("no agreement",))
        sq = HolderReport(Holder("sq"), Outcome.NOT_ASKED, reasons=("holds no `person`",))
        yield replace(found, agencies=(fnp, *agencies, sq), merge_us=1_260)


def test_it_is_a_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw_plan(PLAN) + "\n" == TREE
    print_plan(PLAN)
    assert capsys.readouterr().out == TREE


def test_holders_that_differ_in_anything_stand_apart() -> None:
    for other in (
        replace(GIVEN, holder=OSOR, decision=replace(DECISION, clauses=("another",))),
        replace(GIVEN, holder=OSOR, decision=replace(DECISION, verdict=Verdict.ALLOWED)),
        replace(GIVEN, holder=OSOR, steps=(SCAN,)),
        replace(GIVEN, holder=OSOR, columns=()),
        replace(GIVEN, holder=OSOR, part="f2"),
    ):
        tree = draw_plan(Explanation((GIVEN, other), MERGE))
        assert "├─ nsor  f1  NARROWED" in tree
        assert f"├─ osor  {other.part}  " in tree


def test_long_lines_are_folded_and_short_things_kept_whole() -> None:
    columns = tuple(AnswerColumn(f"t1_column_{n}", ColumnType.TIMESTAMP) for n in range(9))
    long = PlanStep("filter", ("t1.name = '" + "x" * 90 + "'",))
    tree = draw_plan(
        Explanation((replace(GIVEN, columns=columns, steps=(long,)),), MERGE), width=60
    )
    assert max(map(len, tree.splitlines())) <= 60
    assert tree.count("x") >= 90
    assert all(f"t1_column_{n} timestamp" in tree for n in range(9))


def test_what_came_of_it_stands_beside_the_plan(answer: Answer) -> None:
    found = analysis_of(answer)
    assert found.rows == {("nsor", "f1"): 1, ("osor", "f1"): 2}
    tree = draw_plan(PLAN, found)
    assert "│  └─ real      1 row of nsor, 2 rows of osor\n" in tree
    assert tree.endswith(
        "└─ real\n"
        "   ├─ fnp       refused: no agreement, 0 rows, 0 bytes, 0 ms\n"
        "   ├─ nsor      answered, 1 row, 100 bytes, 1 ms\n"
        "   ├─ osor      answered, 2 rows, 200 bytes, 2 ms\n"
        "   └─ merge     3 rows in 1.3 ms"
    )
    withheld = draw_plan(PLAN, replace(found, withheld_because="fnp is missing"))
    assert "   └─ merge     no rows are given: fnp is missing" in withheld
    assert "real" not in draw_plan(PLAN)


def test_for_programs_it_is_all_there(answer: Answer) -> None:
    document = json.loads(json.dumps(plan_document(PLAN)))
    assert "analysis" not in document
    nsor, *_, sq = document["plans"]
    assert nsor == {
        "holder": "nsor", "part": "f1", "not_asked": "", "decision": "NARROWED",
        "clauses": ["investigation", "never[1]"], "reasons": [], "narrowed": [], "withheld": [],
        "sql": "SELECT 1",
        "steps": [
            {"step": "scan", "lines": ["person t1", "paper t2"], "inputs": []},
            {"step": "match", "lines": ["t1.name = 'ROY'"], "inputs": []},
        ],
        "columns": [{"name": "holder", "type": "text"}, {"name": "t1_born", "type": "date"}],
    }  # fmt: skip
    assert (sq["decision"], sq["not_asked"]) == (None, "the question excludes it")
    assert (document["merge"], document["merge_at"]) == ("SELECT merged", "gateway")
    assert document["merge_steps"][1]["inputs"][0]["lines"] == ["query_1"]
    assert document["above"][1] == {"what": "b", "why": "else"}
    assert document["withheld_because"] == "without `fnp` it could be false"
    measured = json.loads(json.dumps(plan_document(PLAN, analysis_of(answer))))["analysis"]
    holders = measured.pop("holders")
    assert measured == {
        "request_id": answer.request_id, "rows": 3, "merge_us": 1_260, "withheld_because": "",
    }  # fmt: skip
    assert holders[0] == {
        "holder": "fnp", "outcome": "refused", "reason": "no agreement", "rows": 0, "bytes": 0,
        "ms": 0, "parts": {},
    }  # fmt: skip
    assert [one["parts"] for one in holders[1:]] == [{"f1": 1}, {"f1": 2}, {}]
