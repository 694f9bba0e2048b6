"""Certificates for the other side of a call."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Certificate = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
_PEM = serialization.Encoding.PEM


def certificate(name: str, signed_by: Certificate | None = None, *, days: int = 1) -> Certificate:
    """A certificate for ``name`` that expires in ``days``; self-signed without ``signed_by``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, with_key = (signed_by[0].subject, signed_by[1]) if signed_by else (subject, key)
    ends = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=30))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(with_key.public_key()), critical=False
        )
    )
    return made.sign(with_key, hashes.SHA256()), key


def pem(shown: Certificate) -> bytes:
    return shown[0].public_bytes(_PEM)


def server_context(shown: Certificate, folder: Path) -> ssl.SSLContext:
    no_password = serialization.NoEncryption()
    key = shown[1].private_bytes(_PEM, serialization.PrivateFormat.PKCS8, no_password)
    (folder / "server.pem").write_bytes(key + pem(shown))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context
