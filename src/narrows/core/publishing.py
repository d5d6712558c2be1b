r"""A policy as its agency publishes it: the text, its version, and the agency's signature.

Policies are public within the federation. What is signed is `b"narrows/policy/v1\n"` followed by
the text in UTF-8 (Ed25519), under the policy key that the directory names for the holder. At rest
and on the wire it is one document in canonical JSON:

    {"v": "narrows/published-policy/v1", "holder": "nsor", "version": 12, "text": "agency: nsor…",
     "signature": "<128 hex digits>"}
"""

from dataclasses import dataclass

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.catalog import Catalog
from narrows.core.directory import Directory, VerifySignature
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.terms import Holder
from narrows.errors import BadFederation, MalformedRequest

PUBLISHED_FORMAT = "narrows/published-policy/v1"
_DOMAIN = b"narrows/policy/v1\n"


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """A holder's policy as its agency signed it; worth nothing before `open_policy`."""

    holder: Holder
    version: int
    text: bytes
    signature: bytes


def open_policy(
    published: PublishedPolicy, catalog: Catalog, directory: Directory, verify: VerifySignature
) -> Policy:
    """The policy, when the holder's own policy key signed it and it says what its cover says.

    Raises: BadFederation, saying which check failed.
    """
    verify_policy(published, directory, verify)
    file = _file(published.holder)
    try:
        text = published.text.decode()
    except UnicodeDecodeError as cause:
        raise BadFederation("the policy is not text in UTF-8", file=file) from cause
    policy = parse_policy(text, catalog, file)
    if (policy.agency, policy.version) != (published.holder, published.version):
        raise BadFederation("the policy is of another agency or version than it says", file=file)
    return policy


def verify_policy(
    published: PublishedPolicy, directory: Directory, verify: VerifySignature
) -> None:
    """Nothing, when the holder's own policy key signed the text, whatever its cover says.

    Raises: BadFederation.
    """
    member = directory.member(published.holder)
    key = None if member is None else member.policy_key
    file = _file(published.holder)
    if key is None:
        raise BadFederation("the directory names no policy key for this holder", file=file)
    if not verify(key.raw, policy_bytes(published.text), published.signature):
        raise BadFederation(
            "the agency's policy key did not sign this text",
            hint="sign the changed policy: run `narrows up` again, or restore the text",
            file=file,
        )


def policy_bytes(text: bytes) -> bytes:
    """What an agency's policy key signs: the domain, then the text."""
    return _DOMAIN + text


def encode_published(found: PublishedPolicy) -> bytes:
    """The canonical document; `decode_published` undoes it. Needs: a text in UTF-8."""
    return canonical_bytes(
        {
            "v": PUBLISHED_FORMAT,
            "holder": found.holder,
            "version": found.version,
            "text": found.text.decode(),
            "signature": found.signature.hex(),
        }
    )


def decode_published(data: bytes) -> PublishedPolicy:
    """The published policy that this document spells, not verified. Raises: BadFederation."""
    wrong = BadFederation(f"the published policy is not of format `{PUBLISHED_FORMAT}`")
    try:
        match parse_canonical(data):
            case {
                "v": str(kind),
                "holder": str(holder),
                "version": int(version),
                "text": str(text),
                "signature": str(signature),
            }:
                if isinstance(version, bool):
                    raise wrong
                raw = bytes.fromhex(signature)
                found = PublishedPolicy(Holder(holder), version, text.encode(), raw)
            case _:
                raise wrong
    except (MalformedRequest, ValueError) as cause:
        raise wrong from cause
    # What spells itself as the same bytes has no field more, and none of another type.
    if kind != PUBLISHED_FORMAT or encode_published(found) != data:
        raise wrong
    return found


def _file(holder: Holder) -> str:
    return f"the policy of `{holder}`"
