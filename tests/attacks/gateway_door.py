"""A hostile member at the door of a gateway: what it signs, also what an honest client would not."""

from collections.abc import Mapping
from dataclasses import replace

from narrows.client.question import Ask
from narrows.client.sign import Requesting, sign_request
from narrows.core.catalog import Catalog
from narrows.core.plan.plan import PlanCache, plan
from narrows.core.plan.split import Split
from narrows.core.request import SignedRequest
from narrows.core.terms import ColumnType
from narrows.errors import NarrowsError
from tests.attacks.corpus import LOOKUP, Attack
from tests.attacks.walk import given
from tests.system.federation import GATEWAY, VPD, Federation, question


class LyingCache(PlanCache):
    """Plans another question than the one that is asked, as a changed client might."""

    def plan(
        self,
        sql: str,
        parameters: Mapping[str, ColumnType],
        catalog: Catalog,
        form: str = "lookup",
    ) -> Split:
        return plan(f"SELECT 1 {LOOKUP}", {}, catalog)


def _asked(attack: Attack) -> Ask:
    return replace(question(attack.text), parameters=given(attack), form=attack.form)


def signed(attack: Attack, all_of: Federation) -> SignedRequest:
    """The request, also where an honest client would have refused to make it."""
    ask = _asked(attack)
    try:
        return all_of.sign(ask)
    except NarrowsError:
        by = Requesting(
            VPD,
            GATEWAY,
            all_of.gateway.door.catalog,
            all_of.keys[VPD],
            LyingCache(),
            all_of.clock,
            bytes,
        )
        return sign_request(ask, by)
