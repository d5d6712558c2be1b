"""Mutual TLS 1.3 and the settings of channels and servers.

Each setting was measured to be needed. grpcio has no option for a
minimum version of TLS, so `peer_of` looks at each call's; see also `serving/tls.py`.
"""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

import grpc

from narrows.core.directory import Peer, parse_peer
from narrows.errors import BadFederation, UnknownCaller

MAX_MESSAGE_BYTES = 4_200_000
"""A batch of at most 4,000,000 bytes and what is around it."""
MAX_REQUEST_BYTES = 1_000_000
"""What a server takes: 812 refused requests of 4 MB each took a gateway to 1.7 GB."""
MAX_STREAMS = 256
MAX_CONNECTIONS = 512
HANDSHAKE_MS = 3_000
PING_MS = 5_000
PING_TIMEOUT_MS = 3_000
MAX_AGE_MS = 10 * 60_000
AGE_GRACE_MS = 60_000
TLS_VERSION = b"TLSv1.3"
Options: TypeAlias = list[tuple[str, int | str]]


class AuthContext(Protocol):
    """What of a server's call context tells who calls."""

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """The properties of the connection's certificate and cipher."""
        ...


def peer_of(context: AuthContext) -> Peer:
    """Who calls, by the one URI name of the certificate.

    Raises: UnknownCaller, also below TLS 1.3: an older handshake shows certificates to everybody.
    """
    found = context.auth_context()
    if list(found.get("ssl_tls_version", ())) != [TLS_VERSION]:
        raise UnknownCaller("the connection is not of TLS 1.3", hint="allow TLS 1.3 at the client")
    names = list(found.get("peer_uri", ()))
    if len(names) != 1:
        raise UnknownCaller("the certificate does not have exactly one URI name")
    try:
        return parse_peer(names[0].decode())
    except UnicodeDecodeError as cause:
        raise UnknownCaller("the certificate's URI name is not text") from cause


def server_credentials(folder: Path) -> grpc.ServerCredentials:
    """Credentials of a server that demands a certificate of its callers.

    Needs: `tls.key`, `tls.crt` and `ca.crt` in the folder. Raises: BadFederation.
    """
    key, certificate, authority = _identity(folder)
    return grpc.ssl_server_credentials(
        [(key, certificate)], root_certificates=authority, require_client_auth=True
    )


def channel_credentials(folder: Path) -> grpc.ChannelCredentials:
    """Credentials of a caller; the folder is as for `server_credentials`. Raises: BadFederation."""
    key, certificate, authority = _identity(folder)
    return grpc.ssl_channel_credentials(authority, key, certificate)


def server_options() -> Options:
    """The settings of every server."""
    return [
        *_shared_options(),
        ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        # Strangers who open connections and say nothing used up the process's file descriptors.
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
        # A connection that never ends would outlive its certificate.
        ("grpc.max_connection_age_ms", MAX_AGE_MS),
        ("grpc.max_connection_age_grace_ms", AGE_GRACE_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", PING_MS // 2),
        # Two processes on one port would share its calls, and one of them may be an old one.
        ("grpc.so_reuseport", 0),
    ]


def channel_options(server: Peer) -> Options:
    """The settings of a channel to that server, which must show a certificate of that name."""
    return [
        *_shared_options(),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.ssl_target_name_override", server.host),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_http_proxy", 0),
        # A repeat of a signed request is a replay: the caller signs anew.
        ("grpc.enable_retries", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        # A node that is back must not seem away for long.
        ("grpc.max_reconnect_backoff_ms", 500),
    ]


def _shared_options() -> Options:
    return [
        ("grpc.keepalive_time_ms", PING_MS),
        ("grpc.keepalive_timeout_ms", PING_TIMEOUT_MS),
        # Also at servers: else they take the pings of an idle channel for abuse and close it.
        ("grpc.keepalive_permit_without_calls", 1),
        # Without it a stopped peer went unnoticed for 50 s.
        ("grpc.http2.ping_timeout_ms", PING_TIMEOUT_MS),
        # Probing lets a stalled reader's window grow without bound.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # Sizes of compressed answers speak of what is in them.
        ("grpc.default_compression_algorithm", grpc.Compression.NoCompression.value),
    ]


def _identity(folder: Path) -> tuple[bytes, bytes, bytes]:
    key = folder / "tls.key"
    try:
        mode = key.stat().st_mode
        found = (
            key.read_bytes(),
            (folder / "tls.crt").read_bytes(),
            (folder / "ca.crt").read_bytes(),
        )
    except OSError as cause:
        raise BadFederation(
            "key, certificate or authority cannot be read", hint="run `narrows up`", file=str(key)
        ) from cause
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadFederation(
            "others than its owner can read or write the key",
            hint="run `chmod 600` on it",
            file=str(key),
        )
    return found
