"""Where trust comes from: the signed directory, and the ledger keys that it names."""

from datetime import datetime
from pathlib import Path

from narrows.core.directory import Directory, DirectoryKey, decode_directory, ledger_name
from narrows.errors import BadFederation
from narrows.store.keys import VerifyingKey, verify_signature


def read_directory(path: Path, root: DirectoryKey, now: datetime) -> Directory:
    """The directory in a file, verified. Raises: BadFederation."""
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise BadFederation("the member directory cannot be read", file=str(path)) from cause
    return decode_directory(data, root, verify_signature, now=now)


def ledger_verifiers(directory: Directory) -> dict[str, VerifyingKey]:
    """The verifier of every ledger, by name of its member or gateway."""
    endpoints = dict(directory.gateways) | {
        name: member.node for name, member in directory.members.items() if member.node is not None
    }
    return {
        name: VerifyingKey(ledger_name(directory.federation, name), endpoint.ledger_key.raw)
        for name, endpoint in endpoints.items()
    }
