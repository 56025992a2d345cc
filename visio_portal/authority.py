"""A certificate authority of this portal's own, for machines without a public certificate.

Made at the first start in DATA_DIR/tls; the leaf is renewed by itself, the authority stays, so that people trust it
once. The page /trust explains how. Who trusts it trusts it for the portal's own names and addresses only (RFC 5280
§4.2.1.10): whoever stole its key could be nobody else's bank. So other names need another authority.
"""

from __future__ import annotations

import datetime
import ipaddress
import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

logger = logging.getLogger(__name__)

CA_FILE = "authority.crt"
_CA_KEY_FILE = "authority.key"
_LEAF_FILE = "portal.crt"
_LEAF_KEY_FILE = "portal.key"
# Browsers refuse leaves that are valid longer (Apple: 825 days for private authorities).
_LEAF_DAYS = 397
_RENEW_DAYS = 30
_CA_DAYS = 3650


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What the web server needs, and the authority that people must trust."""

    certificate: Path
    key: Path
    ca: Path


def ensure(
    folder: Path,
    hosts: Sequence[str],
    *,
    detected: Sequence[str] = (),
    keeps_authority: bool = False,
    now: datetime.datetime | None = None,
) -> TlsFiles:
    """The files, made or renewed where they are missing, end soon, or do not name every one of `hosts`.

    For `detected` addresses, which change with the network, no new authority is made: people who trust the present one
    would be shut out. With `keeps_authority` neither for `hosts`. What it may not certify is left out.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = TlsFiles(folder / _LEAF_FILE, folder / _LEAF_KEY_FILE, folder / CA_FILE)
    wanted: Sequence[str] = list(dict.fromkeys([*hosts, *detected]))
    if not files.ca.exists() or _ends_within(files.ca, _LEAF_DAYS, now):
        _make_authority(folder, wanted, now)
    elif not keeps_authority and (foreign := _foreign(files.ca, hosts)):
        _make_authority(folder, wanted, now)
        logger.warning("a new authority, for %s: people must trust it once, see /trust", ", ".join(foreign))
    elif _permitted(files.ca) is not None:
        wanted = _certifiable(files.ca, wanted, hosts)
    if not files.certificate.exists() or _ends_within(files.certificate, _RENEW_DAYS, now) or not _fits(files, wanted):
        _make_leaf(files, folder, wanted, now)
    return files


def fingerprint(certificate_file: Path) -> str:
    """SHA-256 of the certificate as people compare it: AB:CD:…"""
    digest = x509.load_pem_x509_certificate(certificate_file.read_bytes()).fingerprint(hashes.SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)


def _ends_within(certificate_file: Path, days: int, now: datetime.datetime) -> bool:
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    return certificate.not_valid_after_utc - now < datetime.timedelta(days=days)


def _fits(files: TlsFiles, hosts: Sequence[str]) -> bool:
    leaf = x509.load_pem_x509_certificates(files.certificate.read_bytes())[0]
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(_names(hosts)) <= set(named) and leaf.issuer == authority.subject and files.key.exists()


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in dict.fromkeys(host.strip("[]") for host in hosts):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host.encode("idna").decode()))
    return names


def _permitted(ca: Path) -> Sequence[x509.GeneralName] | None:
    """What the authority may certify; None: the whole world."""
    certificate = x509.load_pem_x509_certificate(ca.read_bytes())
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None
    return constraints.permitted_subtrees or ()


def _foreign(ca: Path, hosts: Sequence[str]) -> list[str]:
    """Those of `hosts` that the authority may not certify; all, if it may certify the whole world."""
    permitted = _permitted(ca) or ()
    return [host for host in dict.fromkeys(hosts) if _subtree(_names([host])[0]) not in permitted]


def _certifiable(ca: Path, wanted: Sequence[str], hosts: Sequence[str]) -> Sequence[str]:
    """`wanted` without the foreign ones, unless there are no others. Of these, `hosts` get an authority at a start."""
    foreign = _foreign(ca, wanted)
    rest = [host for host in wanted if host not in foreign]
    if foreign and rest:
        is_temporary = any(host in hosts for host in foreign)
        remedy = "the portal's next start makes a new authority" if is_temporary else "give the portal a name by DOMAIN"
        logger.warning("the certificate does not name %s; %s", ", ".join(foreign), remedy)
    return rest or wanted


def _subtree(name: x509.GeneralName) -> x509.GeneralName:
    """What permits `name`: an address as the network of it alone."""
    return x509.IPAddress(ipaddress.ip_network(name.value)) if isinstance(name, x509.IPAddress) else name


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=days))
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


def _make_authority(folder: Path, hosts: Sequence[str], now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own: two portals' authorities are told apart in a browser's list.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Visio portal authority {secrets.token_hex(3)}")])
    certificate = (
        _builder(name, name, key, _CA_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([_subtree(name) for name in _names(hosts)], None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(folder / _CA_KEY_FILE, key)
    _write(folder / CA_FILE, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _make_leaf(files: TlsFiles, folder: Path, hosts: Sequence[str], now: datetime.datetime) -> None:
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    authority_key = serialization.load_pem_private_key((folder / _CA_KEY_FILE).read_bytes(), password=None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{_CA_KEY_FILE} does not hold the elliptic curve key that we made")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Visio portal")])
    certificate = (
        _builder(subject, authority.subject, key, _LEAF_DAYS, now)
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(files.key, key)
    chain = certificate.public_bytes(serialization.Encoding.PEM) + authority.public_bytes(serialization.Encoding.PEM)
    _write(files.certificate, chain, 0o644)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem, 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replaces the file in one step, never readable by others in between."""
    partial = path.with_suffix(path.suffix + ".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
