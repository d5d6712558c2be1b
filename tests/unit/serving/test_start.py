"""What every process opens, and what it enters, before it serves."""

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.parts import Counted, Outcome, draft
from narrows.core.terms import RequestId
from narrows.errors import BadFederation, LedgerUnavailable
from narrows.folder.load import Federation, load_folder
from narrows.gateway.settings import GatewaySettings
from narrows.local.mint import mint
from narrows.local.state import GATEWAY, State
from narrows.serving.start import Base, enter_start, now, open_base
from narrows.store.ledger import Ledger

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
ONE, TWO = RequestId("01" * 16), RequestId("02" * 16)


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway of the library federation, minted, that has never run."""

    federation: Federation
    settings: GatewaySettings

    async def open(self, stack: AsyncExitStack, federation: Federation | None = None) -> Base:
        found = federation or self.federation
        return await stack.enter_async_context(open_base(self.settings, found, GATEWAY))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    federation, state = load_folder(LIBRARY), State(tmp_path / "state")
    names = [GATEWAY, *(name for name, one in federation.members.items() if one.node)]
    addresses = {str(name): f"127.0.0.1:{7000 + number}" for number, name in enumerate(names)}
    root_key = mint(state, federation, addresses, now())
    settings = GatewaySettings(
        federation=LIBRARY,
        home=state.gateway(),
        directory=state.directory,
        root_key=root_key,
        listen=addresses[GATEWAY],
    )
    return Place(federation, settings)


def entries(ledger: Ledger) -> list[Entry]:
    return [ledger.entry(index) for index in range(ledger.size)]


async def test_it_is_entered_that_the_process_serves(place: Place) -> None:
    async with AsyncExitStack() as stack:
        base = await place.open(stack)
        assert base.ledger.size == 0
        await enter_start(base, place.federation)
        (entry,) = entries(base.ledger)
    assert entry.kind is Kind.STARTED
    assert entry.open["catalog"] == place.federation.catalog.digest.hex()
    assert (entry.open["directory_epoch"], entry.open["policy_version"]) == (1, None)


async def test_a_node_says_under_which_policy(place: Place) -> None:
    policy = next(one.node.policy for one in place.federation.members.values() if one.node)
    async with AsyncExitStack() as stack:
        base = await place.open(stack)
        await enter_start(base, place.federation, policy)
        (entry,) = entries(base.ledger)
    assert entry.open["policy_version"] == policy.version
    assert entry.open["policy"] == policy.digest.hex()


def _outcome() -> Outcome:
    return Outcome(
        "answered", "", complete=True, column_count=0, row_count=0, holders=(), caveats=()
    )


async def test_what_a_crash_cut_off_gets_its_outcome_once(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        ledger = (await place.open(stack)).ledger
        for request in (ONE, TWO):
            intent = replace(draft(Counted(now(), now(), {}), request), kind=Kind.INTENT)
            await ledger.append(intent)
        await ledger.append(draft(_outcome(), TWO))
    for _ in range(2):
        async with AsyncExitStack() as stack:
            base = await place.open(stack)
            with caplog.at_level(logging.WARNING, "narrows"):
                await enter_start(base, place.federation)
            outcomes = [one for one in entries(base.ledger) if one.kind is Kind.OUTCOME]
            assert base.ledger.unfinished() == ()
    assert [(one.request, one.open["outcome"]) for one in outcomes] == [
        (TWO, "answered"),
        (ONE, "cut off"),
    ]
    assert outcomes[1].open["complete"] is False
    assert sum(ONE in one.getMessage() for one in caplog.records) == 1


async def test_that_the_ledger_was_mended_is_entered(place: Place) -> None:
    async with AsyncExitStack() as stack:
        base = await place.open(stack)
        await enter_start(base, place.federation)
    with (place.settings.home / "ledger" / "entries").open("ab") as file:
        file.write(b"\x00\x00")
    async with AsyncExitStack() as stack:
        base = await place.open(stack)
        await enter_start(base, place.federation)
        assert entries(base.ledger)[-1].open["repaired"]


async def test_another_federation_or_catalog_than_the_directorys_does_not_start(
    place: Place,
) -> None:
    catalog = replace(place.federation.catalog, version=2)
    for found, said in (
        (replace(place.federation, catalog=catalog), "another catalog"),
        (replace(place.federation, name="canada"), "another federation"),
    ):
        async with AsyncExitStack() as stack:
            with pytest.raises(BadFederation, match=said):
                await place.open(stack, found)
    assert not (place.settings.home / "ledger").exists()


async def test_a_root_key_that_did_not_sign_does_not_start(place: Place) -> None:
    other = replace(place, settings=place.settings.model_copy(update={"root_key": "ab" * 32}))
    async with AsyncExitStack() as stack:
        with pytest.raises(BadFederation, match="not signed"):
            await other.open(stack)


async def test_two_processes_do_not_share_a_home_and_a_stop_gives_it_up(place: Place) -> None:
    async with AsyncExitStack() as stack:
        base = await place.open(stack)
        async with AsyncExitStack() as inner:
            with pytest.raises(LedgerUnavailable):
                await place.open(inner)
    with pytest.raises(LedgerUnavailable):
        await enter_start(base, place.federation)
    async with AsyncExitStack() as stack:
        await place.open(stack)


async def test_the_quotas_are_those_of_the_settings(place: Place) -> None:
    async with AsyncExitStack() as stack:
        base = await place.open(stack)
        assert (base.callers.per_caller, base.callers.at_once) == (64, 256)
        assert base.directory() == base.members.current()
        assert base.opened_at <= now()
