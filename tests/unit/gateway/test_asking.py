"""Who is asked what, under the policies that a gateway knows."""

from collections.abc import Mapping

from narrows.core.plan.plan import plan
from narrows.core.policy.decision import Verdict
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import Policy
from narrows.core.terms import ColumnType, Holder, Purpose
from narrows.gateway.asking import HolderPlan, plan_holders, refusing
from tests.unit.serving.world import (
    CATALOG,
    NSOR,
    OSOR,
    SQL,
    admitted,
    policy_of,
    question,
    sign,
)

POLICIES = {holder: policy_of(holder) for holder in (NSOR, OSOR)}


def plans(
    sql: str = SQL, policies: Mapping[Holder, Policy] = POLICIES, **how: object
) -> dict[Holder, HolderPlan]:
    ask = question(sql, **how)
    split = plan(sql, dict.fromkeys(ask.parameters, ColumnType.TEXT), CATALOG)
    fragments = split.fill(ask.parameters)
    found = plan_holders(admitted(sign(ask)), split, fragments, policies, CATALOG)
    assert [one.holder for one in found] == [NSOR, OSOR]
    return {one.holder: one for one in found}


def test_a_holder_that_releases_is_called_with_the_bound_form() -> None:
    for found in plans().values():
        assert found.must_call
        assert not found.is_undecided
        (decision,) = found.decisions
        assert decision.verdict is Verdict.NARROWED
        (form,) = found.forms
        bound = found.parts[0].bound
        assert bound is not None
        assert (form.fragment, form.policy_version) == (0, 1)
        assert form.form == encode_bound(bound)


def test_a_holder_that_refuses_is_not_called() -> None:
    for found in plans(purpose=Purpose("licensing")).values():
        assert not found.must_call
        assert not found.is_undecided
        assert [one.verdict for one in found.decisions] == [Verdict.REFUSED]
        assert found.forms == ()
        assert len(found.asked) == 1


def test_a_holder_without_the_relation_is_not_asked() -> None:
    found = plans("SELECT v.plate FROM vehicle v WHERE v.plate = :document")[NSOR]
    assert found.parts[0].not_asked == "holds no `vehicle`"
    assert found.asked == ()
    assert found.decisions == ()
    assert not found.must_call
    assert not found.is_undecided


def test_a_holder_that_the_question_excludes_is_not_asked() -> None:
    found = plans(SQL + " AND p.holder = 'osor'")
    assert found[NSOR].parts[0].not_asked == "the question excludes it"
    assert not found[NSOR].must_call
    assert found[OSOR].must_call


def test_a_holder_whose_policy_is_unknown_is_undecided() -> None:
    found = plans(policies={OSOR: POLICIES[OSOR]})
    assert found[NSOR].is_undecided
    assert not found[NSOR].must_call
    assert (len(found[NSOR].asked), found[NSOR].decisions) == (1, ())
    assert found[OSOR].must_call


def test_one_that_is_not_asked_is_not_undecided_although_its_policy_is_unknown() -> None:
    found = plans(SQL + " AND p.holder = 'osor'", policies={OSOR: POLICIES[OSOR]})
    assert not found[NSOR].is_undecided


def test_who_refuses_or_is_undecided_will_be_a_gap_whatever_comes() -> None:
    assert refusing(list(plans().values())) == []
    refused = plans(purpose=Purpose("licensing"))
    assert refusing(list(refused.values())) == [NSOR, OSOR]
    assert refusing(list(plans(policies={OSOR: POLICIES[OSOR]}).values())) == [NSOR]
    excluded = plans(SQL + " AND p.holder = 'osor'", purpose=Purpose("licensing"))
    assert refusing(list(excluded.values())) == [OSOR]
