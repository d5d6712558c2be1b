"""The nodes that a gateway knows: channels follow the directory, policies go forward only."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from narrows.core.catalog import Catalog
from narrows.core.directory import Directory, Endpoint, VerifySignature
from narrows.core.policy.model import Policy
from narrows.core.publishing import (
    PublishedPolicy,
    decode_published,
    encode_published,
    open_policy,
)
from narrows.core.terms import Holder, MemberName
from narrows.errors import BadFederation, LedgerUnavailable
from narrows.gateway.nodes import Nodes
from narrows.store.keys import VerifyingKey, new_key
from tests.unit.gateway.nodes_serving import Describing, Street
from tests.unit.serving.world import (
    CATALOG,
    LEDGER_KEYS,
    NSOR,
    OSOR,
    directory,
    policy_text,
    public,
    published,
)

TODAY = date(2026, 6, 1)


@dataclass(slots=True)
class Known:
    """What a gateway has: its street, and the directory in force, None for an expired one."""

    street: Street
    directory: Directory | None

    def current(self) -> Directory:
        if self.directory is None:
            raise BadFederation("the directory has expired")
        return self.directory

    def at(self, addresses: Mapping[str, str]) -> None:
        self.directory = directory(addresses=addresses)

    @asynccontextmanager
    async def nodes(self) -> AsyncIterator[Nodes]:
        """The nodes as a gateway that starts now knows them."""
        found = Nodes(self.street.gateway, CATALOG, self.current)
        found.open()
        try:
            yield found
        finally:
            await found.close()

    @property
    def file(self) -> Path:
        """The newest version that is kept."""
        return max((self.street.gateway / "policies").glob("nsor.*.json"))


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(Street.at(tmp_path), directory())


async def _fetched(known: Known, *policies: PublishedPolicy) -> int | None:
    """The version in force after the node of `nsor` has said these, one after another."""
    node = Describing(policies[0])
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            for one in policies:
                node.policy = one
                await nodes._fetch(NSOR)
            found = nodes.policies_on(TODAY).get(NSOR)
            kept = [one.version for one in nodes.published()]
    assert max(kept, default=None) == (None if found is None else found.version)
    return None if found is None else found.version


async def test_a_policy_is_fetched_and_a_newer_one_replaces_it(known: Known) -> None:
    assert await _fetched(known, published(NSOR)) == 1
    assert await _fetched(known, published(NSOR), published(NSOR, 2)) == 2
    assert decode_published(known.file.read_bytes()) == published(NSOR, 2)


async def test_an_older_policy_is_never_taken(known: Known) -> None:
    assert await _fetched(known, published(NSOR, 3), published(NSOR, 2)) == 3
    assert decode_published(known.file.read_bytes()).version == 3
    # Nor after a start.
    assert await _fetched(known, published(NSOR, 2)) == 3


def _of_another(holder: Holder) -> PublishedPolicy:
    return replace(published(OSOR), holder=holder)


@pytest.mark.parametrize(
    "lie",
    [
        replace(published(NSOR, 2), signature=bytes(64)),
        replace(published(NSOR, 2), text=policy_text(NSOR, 2) + b"# more\n"),
        replace(published(NSOR, 2), version=9),
        published(OSOR, 2),
        _of_another(NSOR),
        published(NSOR, 2, b"agency: nsor\nversion: 2\n"),
        published(NSOR, 2, b"\xff"),
        replace(published(NSOR, 2), version=2**62),
    ],
)
async def test_a_policy_that_does_not_verify_is_not_taken(
    known: Known, lie: PublishedPolicy
) -> None:
    assert await _fetched(known, published(NSOR), lie) == 1
    assert decode_published(known.file.read_bytes()) == published(NSOR)
    assert await _fetched(known, published(NSOR), lie, published(NSOR, 3)) == 3


async def test_policies_are_kept_for_a_start_without_nodes(known: Known) -> None:
    await _fetched(known, published(NSOR, 2))
    async with known.nodes() as nodes:
        assert {holder: one.version for holder, one in nodes.policies_on(TODAY).items()} == {
            NSOR: 2
        }
        assert nodes.published() == (published(NSOR, 2),)
        # The node is away: what is known stays.
        await nodes._fetch(NSOR)
        assert nodes.policies_on(TODAY)[NSOR].version == 2


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{}",
        encode_published(_of_another(NSOR)),
        encode_published(published(OSOR)),
        encode_published(replace(published(NSOR), signature=bytes(64))),
    ],
)
async def test_a_spoilt_file_is_no_policy(known: Known, spoilt: bytes) -> None:
    await _fetched(known, published(NSOR))
    known.file.write_bytes(spoilt)
    async with known.nodes() as nodes:
        assert nodes.policies_on(TODAY) == {}
    assert await _fetched(known, published(NSOR)) == 1


async def test_a_disk_that_refuses_does_not_stop_the_gateway(known: Known) -> None:
    node = Describing(published(NSOR))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            (known.street.gateway / "policies" / "nsor.1.json").mkdir()
            await nodes._fetch(NSOR)
            assert nodes.policies_on(TODAY)[NSOR].version == 1


async def test_two_gateways_do_not_share_a_folder(known: Known) -> None:
    async with known.nodes():
        with pytest.raises(LedgerUnavailable):
            Nodes(known.street.gateway, CATALOG, known.current).open()


async def test_a_new_endpoint_opens_a_new_channel(known: Known) -> None:
    old, new = Describing(published(NSOR)), Describing(published(NSOR, 2))
    async with known.street.serving(NSOR, old) as one, known.street.serving(NSOR, new) as two:
        known.at({NSOR: one})
        async with known.nodes() as nodes:
            calls = nodes.calls
            await nodes._fetch(NSOR)
            before = calls[NSOR]
            nodes._follow_directory()
            assert calls[NSOR] is before
            await old.asked.acquire()
            old.may_answer.clear()
            under_way = asyncio.create_task(before.describe())
            await old.asked.acquire()
            known.at({NSOR: two})
            nodes._follow_directory()
            assert nodes.calls is calls
            await nodes._fetch(NSOR)
            assert nodes.policies_on(TODAY)[NSOR].version == 2
            old.may_answer.set()
            assert (await under_way).policy.version == 1


async def test_who_left_the_directory_is_not_called_any_more(known: Known) -> None:
    async with known.nodes() as nodes:
        found = directory(2)
        members = {k: v for k, v in found.members.items() if k != MemberName(NSOR)}
        known.directory = replace(found, members=members)
        nodes._follow_directory()
        assert set(nodes.calls) == {OSOR}
        assert set(nodes.verifiers) == {OSOR}
        known.directory = directory(3)
        nodes._follow_directory()
        assert set(nodes.calls) == set(nodes.verifiers) == {NSOR, OSOR}


async def test_a_new_ledger_key_is_followed(known: Known) -> None:
    async with known.nodes() as nodes:
        assert nodes.verifiers[NSOR] == LEDGER_KEYS[MemberName(NSOR)].verifier
        fresh = new_key("nsor.canada/ledger", seed=os.urandom(32))
        found = directory(2)
        member = found.members[MemberName(NSOR)]
        assert member.node is not None
        endpoint = Endpoint(member.node.address, public(fresh))
        members = {**found.members, MemberName(NSOR): replace(member, node=endpoint)}
        known.directory = replace(found, members=members)
        nodes._follow_directory()
        assert nodes.verifiers[NSOR] == VerifyingKey(fresh.verifier.name, fresh.verifier.public_key)


async def test_an_expired_directory_changes_nothing_here(known: Known) -> None:
    async with known.nodes() as nodes:
        before = dict(nodes.calls)
        known.directory = None
        nodes._follow_directory()
        assert nodes.calls == before


@dataclass(slots=True)
class Reading:
    """What is opened, and in which thread."""

    versions: list[int] = field(default_factory=list[int])
    threads: set[int] = field(default_factory=set[int])

    def open(
        self,
        found: PublishedPolicy,
        catalog: Catalog,
        names: Directory,
        verify: VerifySignature,
    ) -> Policy:
        self.versions.append(found.version)
        self.threads.add(threading.get_ident())
        return open_policy(found, catalog, names, verify)


async def test_no_policy_is_read_twice_nor_where_questions_are_answered(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading()
    monkeypatch.setattr("narrows.gateway.nodes.open_policy", reading.open)
    monkeypatch.setattr("narrows.gateway.nodes.AT_ONCE_BYTES", 0)
    bad = published(NSOR, 2, b"agency: nsor\nversion: 2\n")
    said = [published(NSOR), published(NSOR), bad, bad, bad, published(NSOR, 3)]
    assert await _fetched(known, *said) == 3
    assert reading.versions == [1, 2, 3]
    assert threading.get_ident() not in reading.threads


async def test_what_was_refused_is_read_again_under_another_key(known: Known) -> None:
    node = Describing(published(NSOR))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        right = known.current()
        member = right.members[MemberName(NSOR)]
        other = right.members[MemberName(OSOR)].policy_key
        wrong = {**right.members, MemberName(NSOR): replace(member, policy_key=other)}
        async with known.nodes() as nodes:
            known.directory = replace(right, members=wrong)
            await nodes._fetch(NSOR)
            assert nodes.policies_on(TODAY) == {}
            known.directory = right
            await nodes._fetch(NSOR)
            assert nodes.policies_on(TODAY)[NSOR].version == 1


def _from(day: str, version: int) -> PublishedPolicy:
    """A version that comes into force on that day."""
    text = policy_text(NSOR, version).replace(
        b"effective: 2026-01-01", f"effective: {day}".encode()
    )
    return published(NSOR, version, text)


async def test_versions_that_stand_before_the_newest_are_taken_with_it(known: Known) -> None:
    coming = _from("2026-07-01", 3)
    node = Describing(coming, (published(NSOR, 2),))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            await nodes._fetch(NSOR)
            assert [one.version for one in nodes.published()] == [2, 3]
    async with known.nodes() as nodes:
        days = (date(2026, 6, 30), date(2026, 7, 1))
        assert [nodes.policies_on(day)[NSOR].version for day in days] == [2, 3]


@pytest.mark.parametrize(
    "other",
    [
        published(NSOR, 4),
        replace(published(NSOR, 2), signature=bytes(64)),
        published(OSOR, 2),
    ],
)
async def test_of_the_others_only_older_signed_ones_are_taken(
    known: Known, other: PublishedPolicy
) -> None:
    node = Describing(published(NSOR, 3), (other,))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            await nodes._fetch(NSOR)
            assert [one.version for one in nodes.published()] == [3]


async def test_another_text_under_a_known_version_is_never_taken(known: Known) -> None:
    other = published(NSOR, 2, policy_text(NSOR, 2) + b"# more\n")
    assert await _fetched(known, published(NSOR, 2), other) == 2
    assert decode_published(known.file.read_bytes()) == published(NSOR, 2)
    node = Describing(published(NSOR, 3), (other,))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            await nodes._fetch(NSOR)
            assert nodes.published() == (published(NSOR, 2), published(NSOR, 3))


async def test_a_policy_is_renewed_at_once_or_as_soon_as_its_node_is_back(known: Known) -> None:
    node = Describing(published(NSOR))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            await nodes.renew(NSOR)
            assert nodes.policies_on(TODAY)[NSOR].version == 1
            node.policy = published(NSOR, 2)
            await nodes.renew(NSOR)
            assert nodes.policies_on(TODAY)[NSOR].version == 2
            assert not nodes._woken.is_set()
    async with known.nodes() as nodes:
        await nodes.renew(NSOR)
        assert nodes._woken.is_set()
        assert nodes.policies_on(TODAY)[NSOR].version == 2
        await nodes.renew(Holder("nobody"))


async def test_a_distrusted_policy_is_fetched_at_once(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("narrows.gateway.nodes.LOOK_S", 1_000)
    node = Describing(published(NSOR))
    async with known.street.serving(NSOR, node) as address:
        known.at({NSOR: address})
        async with known.nodes() as nodes:
            keeping = asyncio.create_task(nodes.keep_up())
            await node.asked.acquire()
            node.policy = published(NSOR, 2)
            nodes._stale.add(NSOR)
            nodes._woken.set()
            # Unasked for, it would not look again while this test lasts.
            async with asyncio.timeout(20):
                await node.asked.acquire()
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
