"""A floor under TLS for a serving process. Imports no gRPC, which reads the setting when imported.

grpcio has no option for a minimum version of TLS. `wire.tls.peer_of` looks at each call's version;
this leaves older handshakes nothing to agree on, so that they never come to a call.
"""

from collections.abc import MutableMapping


def refuse_older_tls(environment: MutableMapping[str, str]) -> None:
    """Nothing; a process that imports gRPC with this environment serves TLS 1.3 alone.

    Only suites of older versions are named there, and of these only one that wants an RSA key,
    which no certificate of a federation has.
    """
    environment["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-RSA-AES128-GCM-SHA256"
    # Else every failed handshake writes a line of gRPC's own into the log, for a flood to fill.
    environment.setdefault("GRPC_VERBOSITY", "NONE")
