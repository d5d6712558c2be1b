"""What an authority issues, and how it rests on disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from narrows.core.directory import Peer
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.store.certificates import (
    Authority,
    Identity,
    Validity,
    load_authority,
    new_authority,
    save_identity,
)
from narrows.store.keys import new_key, save_key

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALID = Validity(NOW, NOW + timedelta(days=1))
VPD = Peer("canada", "member", MemberName("vpd"))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority("canada", VALID)


def names_of(identity: Identity) -> tuple[x509.Certificate, x509.SubjectAlternativeName]:
    found = x509.load_pem_x509_certificate(identity.certificate)
    return found, found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_certificate_names_its_bearer_and_its_term(authority: Authority) -> None:
    found, names = names_of(authority.issue(VPD, VALID))
    found.verify_directly_issued_by(authority.certificate)
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [VPD.uri]
    assert names.get_values_for_type(x509.DNSName) == [VPD.host, "localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (VALID.start, VALID.end)
    public = found.public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    assert isinstance(public.curve, SECP256R1)


@pytest.mark.parametrize("serves", [True, False])
def test_who_only_asks_cannot_serve(authority: Authority, serves: bool) -> None:
    found, names = names_of(authority.issue(VPD, VALID, serves=serves))
    uses = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (ExtendedKeyUsageOID.SERVER_AUTH in uses) is serves
    assert bool(names.get_values_for_type(x509.DNSName)) is serves


def test_a_member_issues_nothing(authority: Authority) -> None:
    found, _ = names_of(authority.issue(VPD, VALID))
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_an_authority_comes_back_from_its_pem(authority: Authority) -> None:
    again = load_authority(authority.identity)
    found, _ = names_of(again.issue(VPD, VALID))
    found.verify_directly_issued_by(authority.certificate)


def test_what_is_no_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    save_key(tmp_path / "other.key", new_key("other", seed=bytes(32)))
    good = authority.identity
    for spoilt in (
        Identity(good.certificate, b"no key"),
        Identity(b"no certificate", good.key),
        Identity(good.certificate, (tmp_path / "other.key").read_bytes()),
    ):
        with pytest.raises(BadFederation):
            load_authority(spoilt)


def test_keys_are_private_on_disk_and_in_words(authority: Authority, tmp_path: Path) -> None:
    identity = authority.issue(VPD, VALID)
    for _ in range(2):
        save_identity(tmp_path, identity, authority.identity.certificate)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes["tls.key"] == 0o600
    assert sorted(modes) == ["ca.crt", "tls.crt", "tls.key"]
    assert "PRIVATE" not in repr(identity) + repr(authority)


def test_a_folder_that_is_missing_is_named(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="cannot be written"):
        save_identity(tmp_path / "none", authority.issue(VPD, VALID), b"")
