"""Approvers, emergency use, and gateways or nodes that lie about what is held."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from narrows.core.answer import Answer, Outcome
from narrows.core.exchange import BoundForm, NodeQuestion
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.plan.codec import decode_fragment
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.form import encode_bound
from narrows.core.ruling import Says
from narrows.errors import (
    MalformedRequest,
    UnknownCaller,
)
from narrows.gateway.answer import answer
from narrows.node.held import list_held, list_reviews
from tests.system.federation import CATALOG, GIVEN, NSOR, OSOR, VPD, question
from tests.system.held import (
    EMERGENCY,
    ONE,
    SIGNED,
    asking,
    holding,
    of_nsor,
)

APPROVE = Says.APPROVE


def rows(found: Answer) -> int:
    return found.row_count


async def test_the_others_are_spared_and_the_holder_that_holds_is_told(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        told = await found.put(question())
        outcomes = {report.holder: report.outcome for report in told.holders}
        assert outcomes == {NSOR: Outcome.HELD, OSOR: Outcome.NOT_ASKED}
        assert "or of all with the ticket once it is approved" in told.withheld_because
        assert found.entries(Kind.DISCLOSURE, OSOR) == []
        assert len(found.entries(Kind.HELD)) == 1
        # Nor are they called while the ticket is not approved, or after it was refused.
        for ticket, outcome in ((told.request, Outcome.HELD), ("0" * 32, Outcome.REFUSED)):
            again = await found.put(question(ticket=ticket))
            became = {report.holder: report.outcome for report in again.holders}
            assert became == {NSOR: outcome, OSOR: Outcome.NOT_ASKED}
        assert found.entries(Kind.DISCLOSURE, OSOR) == []
        await found.rule(told.request, APPROVE, "Tran")
        assert rows(await found.put(question(ticket=told.request))) == 2


async def test_an_incomplete_answer_may_be_had_meanwhile(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        told = await found.put(question(partial=True))
        outcomes = {report.holder: report.outcome for report in told.holders}
        assert outcomes == {NSOR: Outcome.HELD, OSOR: Outcome.ANSWERED}
        assert (rows(told), told.withheld_because) == (1, "")


async def test_a_held_receipt_proves_that_it_was_entered_and_a_repeat_makes_no_second(
    tmp_path: Path,
) -> None:
    async with holding(tmp_path, ONE) as found:
        request = found.all_of.sign(asking())
        report = of_nsor(await answer(request, VPD, found.all_of.gateway))
        assert report.receipt is not None
        entry = verify_receipt(report.receipt, found.all_of.ledger_keys[NSOR].verifier)
        assert (entry.kind, entry.request) == (Kind.HELD, request.id)
        again = of_nsor(await answer(request, VPD, found.all_of.gateway))
        assert again.outcome is Outcome.UNAVAILABLE
        assert len(list_held(found.node).cases) == 1


async def test_a_gateway_that_drops_the_ticket_or_invents_a_release_gets_nothing(
    tmp_path: Path,
) -> None:
    def without_forms(asked: NodeQuestion) -> NodeQuestion:
        return replace(asked, forms=())

    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        await found.rule(ticket, APPROVE, "Tran")
        node = found.all_of.nodes[NSOR]
        honest: list[NodeQuestion] = []

        def keep(asked: NodeQuestion) -> NodeQuestion:
            honest.append(asked)
            return asked

        node.before = keep
        assert rows(await found.put(asking(ticket=ticket))) == 1
        # It decides as if there were no ticket.
        node.before = without_forms
        assert of_nsor(await found.put(asking(ticket=ticket))).outcome is Outcome.UNAVAILABLE
        # It sends the rewriting of an approved request with one that was not.
        node.before = lambda asked: replace(asked, forms=honest[0].forms)
        assert of_nsor(await found.put()).outcome is Outcome.UNAVAILABLE
        checks = [str(one.open["check"]) for one in found.entries(Kind.REFUSAL)]
        assert len(checks) == 2
        assert all("rewriting of fragment 0 differs" in one for one in checks)
        # It takes the ticket out of the header.
        node.before = lambda asked: replace(
            asked,
            request=replace(
                asked.request, header=asked.request.header.replace(ticket.encode(), b"0" * 32)
            ),
        )
        assert of_nsor(await found.put(asking(ticket=ticket))).row_count == 0


async def test_a_node_that_releases_what_is_held_is_not_believed(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        mine = found.node.policy(date(2026, 6, 1))
        (agreement,) = mine.agreements
        unheld = replace(mine, agreements=(replace(agreement, hold=None),))
        given = frozenset(GIVEN)
        day = date(2026, 6, 1)
        who = Requester(VPD, "municipal", "CAN")
        circumstances = Circumstances(who, asking().purpose, "lookup", day, given)

        def rebind(asked: NodeQuestion) -> NodeQuestion:
            fragment = decode_fragment(asked.request.opened("fragments/0") or b"", CATALOG)
            _, bound = decide_and_bind(unheld, CATALOG, fragment, circumstances)
            assert bound is not None
            return replace(asked, forms=(BoundForm(0, encode_bound(bound), mine.version),))

        local = found.all_of.nodes[NSOR]
        local.before = rebind
        local.parts = replace(local.parts, policy=lambda _: unheld)
        told = await found.put()
        report = of_nsor(told)
        assert report.outcome is Outcome.UNAVAILABLE
        assert report.reasons == ("`nsor` decided otherwise than its published policy",)
        # It had released it: its own ledger says so, and the gateway took none of it.
        assert len(found.entries(Kind.DISCLOSURE)) == 1
        assert rows(told) == 0


async def test_emergency_use_is_entered_reviewed_and_overdue_in_time(tmp_path: Path) -> None:
    async with holding(tmp_path, EMERGENCY) as found:
        bare = {"officer": "officer-4471", "grounds": "a child is missing"}
        lacking = of_nsor(await found.put(asking(optional=bare)))
        assert lacking.reasons == ("`sexual-crime-investigation` requires `case_number`",)
        used = await found.put(asking(optional=bare, emergency=True))
        assert rows(used) == 1
        (entry,) = found.entries(Kind.DISCLOSURE)
        asked = entry.open["asked"]
        assert isinstance(asked, dict)
        assert asked["emergency"] is True
        assert entry.open["review_due"]
        await found.put()  # a plain one awaits no review
        (case,) = list_reviews(found.node).cases
        assert (case.status, case.request) == ("open", used.request)
        found.all_of.clock.now += timedelta(hours=25)
        assert list_reviews(found.node).cases[0].status == "overdue"
        await found.restart()
        with pytest.raises(UnknownCaller):
            await found.rule(used.request, Says.JUSTIFIED, "Roy")
        review = await found.rule(used.request, Says.JUSTIFIED, "Tran")
        assert (review.open["says"], review.open["overdue"]) == ("justified", True)
        assert list_reviews(found.node).cases == ()
        (case,) = list_reviews(found.node, every=True).cases
        assert (case.status, [one.person for one in case.reviews]) == ("done", ["Tran"])
        with pytest.raises(MalformedRequest, match="reviewed already"):
            await found.rule(used.request, Says.UNJUSTIFIED, "Okafor")


async def test_two_reviews_at_once_are_one(tmp_path: Path) -> None:
    async with holding(tmp_path, EMERGENCY) as found:
        used = (await found.put(asking(emergency=True))).request
        await asyncio.gather(
            found.rule(used, Says.JUSTIFIED, "Tran"),
            found.rule(used, Says.UNJUSTIFIED, "Okafor"),
            return_exceptions=True,
        )
        assert [one.open["says"] for one in found.entries(Kind.REVIEW)] == ["justified"]


async def test_emergency_is_nothing_where_no_agreement_knows_it(tmp_path: Path) -> None:
    async with holding(tmp_path) as found:
        reasons = of_nsor(await found.put(asking(emergency=True))).reasons
        assert reasons == ("`sexual-crime-investigation` knows no emergency use",)


async def test_an_approvers_own_signature_where_the_agreement_asks_for_it(tmp_path: Path) -> None:
    async with holding(tmp_path, SIGNED) as found:
        named = asking(optional={**GIVEN, "approver": "Roy"})
        reasons = of_nsor(await found.put(named)).reasons
        assert reasons == ("`sexual-crime-investigation` requires the signature of the approver",)
        assert rows(await found.put(named, approver="Roy")) == 1
        own = asking(optional={**GIVEN, "approver": "Roy", "officer": " roy"})
        (reason,) = of_nsor(await found.put(own, approver="Roy")).reasons
        assert reason.endswith("requires an approver who is not the officer")
        for forged in ("Chan", "Tran"):  # another person than is named; a person of the holder
            with pytest.raises(UnknownCaller):
                await found.put(named, approver=forged)
