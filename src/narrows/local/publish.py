"""A policy signed by its agency, and put where the holder's node finds it.

A published policy is two files in the member's home: `policy.yaml`, the text, and `policy.sig`, the
signature of the newest text that there is, here or in the federation's folder. A node reads both
again and again; a pair that does not verify, as between the two writes, it passes over.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from narrows.client.trust import read_directory
from narrows.core.catalog import Catalog
from narrows.core.directory import DirectoryKey
from narrows.core.policy.check import Severity, check_policy
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Policy
from narrows.core.publishing import PublishedPolicy, open_policy, policy_bytes
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.folder.load import Federation, Node, load_folder
from narrows.folder.policies import NEWEST, read_policy
from narrows.local.state import State
from narrows.store.keys import load_key, verify_signature
from narrows.store.seen import read_seen

SIGNATURE = "policy.sig"
KEY = "policy.key"


@dataclass(frozen=True, slots=True)
class Signed:
    """A policy that reads well, its text, and its agency's signature."""

    policy: Policy
    text: str
    signature: bytes


def sign_policy(path: Path, federation: Federation, key: Path) -> Signed:
    """The policy in the file, checked and signed with the agency's key.

    Raises: BadFederation where it is wrong, or the key cannot be used.
    """
    policy, text = read_policy(path, federation.catalog)
    require_sound(policy, federation, str(path))
    signer = load_key(key, policy.agency)
    return Signed(policy, text, signer.sign(policy_bytes(text.encode())))


def require_sound(policy: Policy, federation: Federation, file: str) -> None:
    """Nothing, when the check finds no error. Raises: BadFederation with the first one's line."""
    requesters = [
        Requester(one.name, one.member_class, one.country) for one in federation.members.values()
    ]
    for found in check_policy(policy, federation.catalog, requesters):
        if found.severity is Severity.ERROR:
            raise BadFederation(found.message, hint=found.hint, file=file, line=found.line)


def publish_policy(state: State, path: Path, signature: bytes | None) -> Policy:
    """The policy, once text and signature are where its holder's node finds them.

    Without a signature it is signed with the key in the member's home.
    Raises: BadFederation where it is wrong, no newer than what was served, or not signed so.
    """
    running = state.read()
    federation = load_folder(Path(running.folder))
    policy, text = read_policy(path, federation.catalog)
    member = federation.members.get(MemberName(policy.agency))
    if member is None or member.node is None:
        raise BadFederation(f"`{policy.agency}` is no holder here", file=str(path), line=1)
    home = state.member(policy.agency)
    require_sound(policy, federation, str(path))
    _require_newer(policy, text, member.node, home, federation.catalog)
    if signature is None:
        signature = load_key(home / KEY, policy.agency).sign(policy_bytes(text.encode()))
    published = PublishedPolicy(policy.agency, policy.version, text.encode(), signature)
    root = DirectoryKey(bytes.fromhex(running.root_key))
    directory = read_directory(state.directory, root, datetime.now(UTC))
    open_policy(published, federation.catalog, directory, verify_signature)
    # The text first: a signature that came before it would be none of the text that is served.
    _write(home / NEWEST, text)
    _write(home / SIGNATURE, signature.hex() + "\n")
    return policy


def newest_text(home: Path, node: Node, catalog: Catalog) -> str:
    """The text that a holder serves: of the folder's and the published one, the newer version."""
    path = home / NEWEST
    if not path.exists():
        return node.policy_text
    published, text = read_policy(path, catalog)
    return text if published.version > node.policy.version else node.policy_text


def _require_newer(policy: Policy, text: str, node: Node, home: Path, catalog: Catalog) -> None:
    served = newest_text(home, node, catalog)
    if text == served:
        return
    path = home / NEWEST
    published = read_policy(path, catalog)[0].version if path.exists() else 0
    newest = max(node.policy.version, published, read_seen(home / "policy.version"))
    if policy.version <= newest:
        raise BadFederation(
            f"the policy is of version {policy.version}, and version {newest} is there already",
            hint="give every change of the policy a higher `version`",
            file="policy.yaml",
        )


def _write(path: Path, text: str) -> None:
    """Nothing, when the file durably holds this, or what it held before."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as cause:
        raise BadFederation("the file cannot be written", file=str(path)) from cause
