"""Certificates for the tests' own servers."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Files:
    """A self-signed certificate and its key, in files."""

    cert: Path
    key: Path

    @property
    def options(self) -> dict[str, object]:
        """The options of a server that uses them."""
        paths = {"ssl_cert_path": self.cert, "ssl_key_path": self.key}
        return {"https": True, "https_port": 0, **paths}

    def trusting(self) -> ssl.SSLContext:
        """Return what a client needs to trust the certificate as it is now."""
        return ssl.create_default_context(cafile=str(self.cert))


def issue(folder: Path, *, name: str = "first") -> Files:
    """Write a new certificate for 127.0.0.1 with *name* as its subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = Files(folder / "cert.pem", folder / "key.pem")
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return files
