"""A policy opens when its holder's own policy key signed it, and not otherwise."""

from dataclasses import replace

import pytest

from narrows.core.catalog import Catalog
from narrows.core.directory import Directory, DirectoryKey
from narrows.core.policy.language import MAX_POLICY_CHARACTERS
from narrows.core.publishing import (
    PublishedPolicy,
    decode_published,
    encode_published,
    open_policy,
    policy_bytes,
)
from narrows.core.terms import Holder
from narrows.errors import BadFederation
from narrows.store.keys import SigningKey
from tests.unit.core.test_admission import CATALOG as EMPTY
from tests.unit.core.test_admission import DIRECTORY, OTHERS, OURS, VPD, verify

TEXT = b"agency: vpd\nversion: 3\neffective: 2026-01-01\n"
CATALOG: Catalog = replace(EMPTY, holds={Holder("vpd"): frozenset()})


def _directory(key: SigningKey | None = OURS) -> Directory:
    found = None if key is None else DirectoryKey(key.verifier.public_key)
    return replace(DIRECTORY, members={VPD: replace(DIRECTORY.members[VPD], policy_key=found)})


def _published(text: bytes = TEXT, holder: str = "vpd", version: int = 3) -> PublishedPolicy:
    return PublishedPolicy(Holder(holder), version, text, OURS.sign(policy_bytes(text)))


def test_a_policy_opens_under_the_key_of_its_holder() -> None:
    found = open_policy(_published(), CATALOG, _directory(), verify)
    assert (found.agency, found.version) == ("vpd", 3)


@pytest.mark.parametrize(
    ("published", "key", "said"),
    [
        (_published(), None, "names no policy key"),
        (_published(holder="nsor"), OURS, "names no policy key"),
        (_published(), OTHERS, "did not sign this text"),
        (replace(_published(), text=TEXT + b"#"), OURS, "did not sign this text"),
        (_published(b"\xff"), OURS, "not text in UTF-8"),
        (_published(version=4), OURS, "of another agency or version"),
        (_published(TEXT.replace(b"vpd", b"nsor")), OURS, "of another agency or version"),
        (_published(b"agency: vpd\n"), OURS, "`version`"),
        (_published(TEXT.ljust(MAX_POLICY_CHARACTERS + 1, b"#")), OURS, "over 100000 characters"),
    ],
)
def test_any_other_is_refused(
    published: PublishedPolicy, key: SigningKey | None, said: str
) -> None:
    with pytest.raises(BadFederation, match=said):
        open_policy(published, CATALOG, _directory(key), verify)


def test_the_longest_policy_opens() -> None:
    longest = _published(TEXT + b"#".ljust(MAX_POLICY_CHARACTERS - len(TEXT), b"#"))
    assert open_policy(longest, CATALOG, _directory(), verify).version == 3


def test_the_text_is_signed_in_a_domain_of_its_own() -> None:
    bare = replace(_published(), signature=OURS.sign(TEXT))
    with pytest.raises(BadFederation, match="did not sign"):
        open_policy(bare, CATALOG, _directory(), verify)


def test_the_document_undoes_itself() -> None:
    found = _published("agency: vpd # é\n".encode())
    assert decode_published(encode_published(found)) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":"narrows/published-policy/v1"', b'"v":"narrows/published-policy/v2"'),
        (b'"holder":"vpd",', b""),
        (b'"holder":"vpd"', b'"holder":"vpd","more":1'),
        (b'"holder":"vpd"', b'"holder": "vpd"'),
        (b'"version":3', b'"version":"3"'),
        (b'"signature":"', b'"signature":"x'),
        (b'"signature":"', b'"signature":" '),
        (b"{", b"["),
    ],
)
def test_a_document_of_another_format_is_refused(old: bytes, new: bytes) -> None:
    data = encode_published(_published())
    assert old in data
    with pytest.raises(BadFederation, match="not of format"):
        decode_published(data.replace(old, new, 1))


def test_a_version_is_a_number_and_nothing_else() -> None:
    spelled = encode_published(_published()).replace(b'"version":3', b'"version":true')
    with pytest.raises(BadFederation, match="format"):
        decode_published(spelled)
