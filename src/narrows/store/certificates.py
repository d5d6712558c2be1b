"""Certificates of a federation: its authority, and one for each member and gateway.

X.509 (RFC 5280), ECDSA over P-256. A certificate names its bearer three times: as URI, which
servers read (`narrows://canada/member/vpd`); as DNS name of the role, which callers demand; and
as `localhost`, for programs that know nothing of Narrows. Who does not serve gets a certificate
that cannot.
"""

import ipaddress
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from narrows.core.directory import Peer
from narrows.errors import BadFederation

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when, both with their zone."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key, in PEM. The key never shows in a `repr`."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """What signs a federation's certificates."""

    certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def identity(self) -> Identity:
        """The authority as PEM, to rest offline; `load_authority` reads it."""
        return Identity(self.certificate.public_bytes(Encoding.PEM), _key_pem(self._key))

    def issue(self, peer: Peer, validity: Validity, *, serves: bool = True) -> Identity:
        """A fresh key and a certificate for it. Members that only ask do not serve."""
        key = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(peer.uri)]
        if serves:
            uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names += [
                x509.DNSName(peer.host),
                x509.DNSName("localhost"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            ]
        public = self._key.public_key()
        certificate = (
            _builder(peer.name, self.certificate.subject, validity, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
            )
            .sign(self._key, SHA256())
        )
        return Identity(certificate.public_bytes(Encoding.PEM), _key_pem(key))


def new_authority(federation: str, validity: Validity) -> Authority:
    """A fresh authority, whose certificate signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"{federation} authority"
    certificate = (
        _builder(name, _name(name), validity, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, SHA256())
    )
    return Authority(certificate, key)


def load_authority(identity: Identity) -> Authority:
    """The authority of this PEM. Raises: BadFederation."""
    try:
        key = load_pem_private_key(identity.key, password=None)
        certificate = x509.load_pem_x509_certificate(identity.certificate)
    except (ValueError, TypeError) as cause:
        raise BadFederation("the authority's key or certificate is not PEM") from cause
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadFederation("the authority's key is not for ECDSA")
    return Authority(certificate, key)


def save_identity(folder: Path, identity: Identity, authority: bytes) -> None:
    """Nothing, once `tls.key`, `tls.crt` and `ca.crt` are in the folder.

    Files that are there already are replaced, each in one step: certificates are renewed.
    Raises: BadFederation where the disk refuses.
    """
    _write(folder / "tls.key", identity.key, PRIVATE_MODE)
    _write(folder / "tls.crt", identity.certificate, PUBLIC_MODE)
    _write(folder / "ca.crt", authority, PUBLIC_MODE)


def _builder(
    name: str, issuer: x509.Name, validity: Validity, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(fresh, flags, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as cause:
        raise BadFederation("the file cannot be written", file=str(path)) from cause
