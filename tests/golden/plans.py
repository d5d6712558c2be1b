"""A question explained by a gateway of the worked federation that knows every policy, and no node."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from narrows.client.credential import RequestKey
from narrows.client.question import Ask, make_ask
from narrows.client.sign import Requesting, sign_request
from narrows.core.admission import Door
from narrows.core.directory import Approver, Directory, DirectoryMember
from narrows.core.exchange import Explanation
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.policy.model import Policy
from narrows.core.policy.versions import in_force_or_first
from narrows.core.terms import Holder, MemberName
from narrows.engines.merge_pool import MergePool
from narrows.gateway.answer import GatewayParts
from narrows.gateway.exchange import Exchange
from narrows.gateway.explain import explain
from narrows.store.keys import verify_signature
from tests.golden.canada import CANADA, policies_of
from tests.golden.case import Case
from tests.system.federation import renewed_by_nobody
from tests.unit.gateway.node_answers import telemetry
from tests.unit.serving.world import GATEWAY, directory, key_of, opened_world, public

CATALOG = CANADA.catalog


async def explained(given: Case, folder: Path) -> Explanation:
    """What the question of a case would do, by the policies of the worked federation on its day."""
    day, agency = date.fromisoformat(given.fields["day"]), MemberName(given.fields["agency"])
    now = datetime.combine(day, time(17), UTC)
    asking = Requesting(
        agency, GATEWAY, CATALOG, RequestKey(key_of(agency)), PlanCache(), lambda: now, os.urandom
    )
    approver = RequestKey(key_of("approver")) if "signed" in given.fields else None
    request = sign_request(_asked(given), asking, approver)
    tracer = telemetry(folder)
    async with opened_world(folder) as world:
        gateway = GatewayParts(
            name=GATEWAY,
            door=Door(CATALOG, frozenset({GATEWAY}), PLANNER_VERSION, now - timedelta(hours=1)),
            directory=lambda: _directory(given),
            policies=_policies,
            renew=renewed_by_nobody,
            plans=PlanCache(),
            exchange=Exchange({}, {}, tracer),
            merges=MergePool(1),
            ledger=world.ledgers[GATEWAY],
            telemetry=tracer,
            verify=verify_signature,
            clock=lambda: now,
        )
        found = await explain(request, agency, gateway)
        assert all(ledger.size == 0 for ledger in world.ledgers.values())
    tracer.close()
    return found


def _asked(given: Case) -> Ask:
    fields = given.fields
    return make_ask(
        given.sql,
        purpose=fields["purpose"],
        officer=fields.get("officer", ""),
        case=fields.get("case", ""),
        grounds=fields.get("grounds", ""),
        form=fields.get("form", "lookup"),
        authority=fields.get("authority"),
        approver=fields.get("approver", ""),
        agreement=fields.get("reference", ""),
    )


def _policies(day: date) -> dict[Holder, Policy]:
    return {holder: in_force_or_first(policies_of(holder), day) for holder in CATALOG.holders}


def _directory(given: Case) -> Directory:
    """The members of the worked federation, each with a key of its name."""
    name = given.fields.get("approver", "nobody")
    approver = Approver(name, public(key_of("approver")))
    members = {
        member: DirectoryMember(
            member,
            one.member_class,
            one.country,
            (public(key_of(member)),),
            approvers=(approver,),
        )
        for member, one in CANADA.members.items()
    }
    return replace(
        directory(), federation=CATALOG.federation, catalog=CATALOG.digest, members=members
    )
