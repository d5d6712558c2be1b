"""Who gets a connection at all, by certificate and version of TLS."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc.aio
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from narrows.core.directory import Peer
from narrows.core.terms import MemberName
from narrows.errors import NarrowsError, UnknownCaller
from narrows.local.state import GATEWAY
from narrows.local.up import peer_of_place
from narrows.store.certificates import (
    Identity,
    Validity,
    load_authority,
    new_authority,
    save_identity,
)
from narrows.wire.calls import GatewayCalls, is_serving, open_channel
from tests.system.doors import NODE, at_gateway, signed
from tests.system.processes import Running

pytestmark = pytest.mark.system


def _identity(library: Running, folder: Path, name: str, days: tuple[int, int]) -> Path:
    """A certificate of the federation's own authority, for that name and time."""
    root = library.state.root
    authority = load_authority(
        Identity((root / "authority.crt").read_bytes(), (root / "authority.key").read_bytes())
    )
    now = datetime.now(UTC)
    validity = Validity(now + timedelta(days=days[0]), now + timedelta(days=days[1]))
    peer = Peer(library.federation.name, "member", MemberName(name))
    save_identity(folder, authority.issue(peer, validity), authority.identity.certificate)
    return folder


def test_a_stranger_with_a_good_certificate_is_turned_away_and_counted(
    fragile: Running, tmp_path: Path
) -> None:
    stranger = _identity(fragile, tmp_path, "nobody", (-1, 1))
    for _ in range(3):
        with pytest.raises(UnknownCaller, match="nobody in this federation"):
            asyncio.run(at_gateway(fragile, signed(fragile), stranger))
    before = len(fragile.entries(GATEWAY))
    fragile.down()
    (entry,) = fragile.entries(GATEWAY)[before:]
    assert (entry.kind.value, entry.open["counts"]) == ("counted", {"CALLER_UNKNOWN": 3})


def test_an_expired_or_foreign_certificate_opens_no_connection(
    library: Running, tmp_path: Path
) -> None:
    expired, foreign = tmp_path / "expired", tmp_path / "foreign"
    expired.mkdir()
    foreign.mkdir()
    _identity(library, expired, "riverside", (-3, -1))
    now = datetime.now(UTC)
    validity = Validity(now - timedelta(days=1), now + timedelta(days=1))
    authority = new_authority(library.federation.name, validity)
    peer = Peer(library.federation.name, "member", MemberName("riverside"))
    ca = (library.state.member("riverside") / "ca.crt").read_bytes()
    save_identity(foreign, authority.issue(peer, validity), ca)
    before = len(library.entries(GATEWAY))
    for identity in (expired, foreign):
        with pytest.raises(NarrowsError):
            asyncio.run(at_gateway(library, signed(library), identity))
    assert len(library.entries(GATEWAY)) == before


@pytest.mark.parametrize("name", [GATEWAY, NODE])
def test_an_older_tls_completes_no_handshake(library: Running, name: str) -> None:
    place, home = library.place(name), library.state.member("riverside")
    host, _, port = place.address.rpartition(":")
    versions = {ssl.TLSVersion.TLSv1_2: False, ssl.TLSVersion.TLSv1_3: True}
    for version, is_served in versions.items():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(home / "ca.crt")
        context.load_cert_chain(home / "tls.crt", home / "tls.key")
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            if is_served:
                with context.wrap_socket(plain, server_hostname="localhost") as secured:
                    assert secured.version() == "TLSv1.3"
            else:
                with pytest.raises(ssl.SSLError):
                    context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("name", [GATEWAY, NODE])
async def test_health_and_reflection_are_served_to_members(library: Running, name: str) -> None:
    place = library.place(name)
    peer = peer_of_place(place, library.federation.name)
    home = library.state.member("riverside")
    async with open_channel(place.address, home, peer) as channel:
        assert await is_serving(channel, 10)
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        async for reply in stub.ServerReflectionInfo(iter([asked])):
            names = {one.name for one in reply.list_services_response.service}
            break
    service = "GatewayService" if name == GATEWAY else "NodeService"
    own = {f"narrows.wire.v1.{one}" for one in (service, "AuditService")}
    assert own | {"grpc.health.v1.Health"} <= names


async def test_without_a_certificate_there_is_no_connection(library: Running) -> None:
    ca = (library.state.member("riverside") / "ca.crt").read_bytes()
    place = library.place(GATEWAY)
    name = peer_of_place(place, library.federation.name).host
    options = [("grpc.ssl_target_name_override", name)]
    credentials = grpc.ssl_channel_credentials(ca)
    async with grpc.aio.secure_channel(place.address, credentials, options=options) as channel:
        with pytest.raises(NarrowsError):
            await GatewayCalls(channel).describe()
