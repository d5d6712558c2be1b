"""Mutual TLS over real sockets: who is let in, and whom a caller takes for a server."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest

from narrows.core.directory import Peer
from narrows.core.terms import MemberName
from narrows.errors import BadFederation, UnknownCaller
from narrows.store.certificates import (
    Authority,
    Validity,
    load_authority,
    new_authority,
    save_identity,
)
from narrows.wire.status import abort
from narrows.wire.tls import (
    channel_credentials,
    channel_options,
    peer_of,
    server_credentials,
    server_options,
)

NOW = datetime.now(UTC)
VALID = Validity(NOW - timedelta(minutes=1), NOW + timedelta(days=1))
EXPIRED = Validity(NOW - timedelta(days=2), NOW - timedelta(days=1))
GATEWAY = Peer("canada", "gateway", MemberName("gateway"))
VPD = Peer("canada", "member", MemberName("vpd"))
WHO = "/narrows.test/Who"


@dataclass(frozen=True, slots=True)
class Context:
    """What a server's context shows of a connection."""

    found: Mapping[str, Iterable[bytes]]

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return self.found


def place(
    folder: Path,
    authority: Authority,
    peer: Peer,
    validity: Validity = VALID,
    *,
    serves: bool = True,
) -> Path:
    """The folder of one identity."""
    path = folder / f"{peer.name}-{os.urandom(4).hex()}"
    path.mkdir()
    identity = authority.issue(peer, validity, serves=serves)
    save_identity(path, identity, authority.identity.certificate)
    return path


async def who(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    try:
        return peer_of(context).uri.encode()
    except UnknownCaller as error:
        await abort(context, error)


@asynccontextmanager
async def serving(identity: Path) -> AsyncIterator[str]:
    server = grpc.aio.server(options=server_options())
    methods = {"Who": grpc.unary_unary_rpc_method_handler(who)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("narrows.test", methods)])
    port = server.add_secure_port("127.0.0.1:0", server_credentials(identity))
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def call(address: str, credentials: grpc.ChannelCredentials, server: Peer = GATEWAY) -> bytes:
    options = channel_options(server)
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        method = channel.unary_unary(WHO, bytes, bytes)
        found = await method(b"", timeout=5)
    assert isinstance(found, bytes)
    return found


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority("canada", VALID)


async def test_a_member_is_known_by_the_uri_of_its_certificate(
    tmp_path: Path, authority: Authority
) -> None:
    mine = place(tmp_path, authority, VPD, serves=False)
    async with serving(place(tmp_path, authority, GATEWAY)) as address:
        assert await call(address, channel_credentials(mine)) == b"narrows://canada/member/vpd"


async def test_an_authority_read_again_issues_the_same(
    tmp_path: Path, authority: Authority
) -> None:
    mine = place(tmp_path, load_authority(authority.identity), VPD)
    async with serving(place(tmp_path, authority, GATEWAY)) as address:
        assert await call(address, channel_credentials(mine)) == VPD.uri.encode()


async def test_callers_without_a_good_certificate_are_turned_away(
    tmp_path: Path, authority: Authority
) -> None:
    foreign = place(tmp_path, new_authority("canada", VALID), VPD)
    root = authority.identity.certificate
    (foreign / "ca.crt").write_bytes(root)
    expired = place(tmp_path, authority, VPD, EXPIRED)
    bad = {
        "none": grpc.ssl_channel_credentials(root),
        "foreign": channel_credentials(foreign),
        "expired": channel_credentials(expired),
    }
    async with serving(place(tmp_path, authority, GATEWAY)) as address:
        for name, credentials in bad.items():
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(address, credentials)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE, name


async def test_no_member_passes_for_the_gateway(tmp_path: Path, authority: Authority) -> None:
    mine = channel_credentials(place(tmp_path, authority, VPD))
    for peer, serves in ((VPD, True), (GATEWAY, False)):
        async with serving(place(tmp_path, authority, peer, serves=serves)) as address:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(address, mine)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    async with serving(place(tmp_path, authority, VPD)) as address:
        assert await call(address, mine, VPD) == VPD.uri.encode()


def test_only_tls_1_3_with_one_uri_is_taken() -> None:
    good = {"ssl_tls_version": [b"TLSv1.3"], "peer_uri": [VPD.uri.encode()]}
    assert peer_of(Context(good)) == VPD
    bad: tuple[dict[str, list[bytes]], ...] = (
        {"ssl_tls_version": [b"TLSv1.2"]},
        {"ssl_tls_version": []},
        {"peer_uri": []},
        {"peer_uri": [VPD.uri.encode(), GATEWAY.uri.encode()]},
        {"peer_uri": [b"https://example.org/"]},
        {"peer_uri": [b"\xff"]},
        {"peer_uri": [b"narrows://canada/root/vpd"]},
        {"peer_uri": [b"narrows://canada/member/vpd/x"]},
    )
    for spoilt in bad:
        with pytest.raises(UnknownCaller):
            peer_of(Context({**good, **spoilt}))
    with pytest.raises(UnknownCaller):
        peer_of(Context({}))


def test_a_key_that_others_read_is_refused(tmp_path: Path, authority: Authority) -> None:
    folder = place(tmp_path, authority, VPD)
    assert (folder / "tls.key").stat().st_mode & 0o777 == 0o600
    (folder / "tls.key").chmod(0o640)
    with pytest.raises(BadFederation, match="chmod 600"):
        channel_credentials(folder)


def test_a_missing_file_is_named(tmp_path: Path, authority: Authority) -> None:
    folder = place(tmp_path, authority, VPD)
    (folder / "ca.crt").unlink()
    with pytest.raises(BadFederation, match="cannot be read"):
        server_credentials(folder)
