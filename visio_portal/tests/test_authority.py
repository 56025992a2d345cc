"""The portal's own certificates: made once, renewed in time, readable by nobody else."""

from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.test import Client
from pytest_django import Settings

from visio_portal import addresses, authority, tls

HOSTS = ["visio.example.org", "10.1.2.3", "2001:db8::1"]


def leaf(files: authority.TlsFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificates(files.certificate.read_bytes())[0]


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = authority.ensure(tmp_path, HOSTS)
    before = [file.read_bytes() for file in (first.certificate, first.key, first.ca)]
    second = authority.ensure(tmp_path, HOSTS)
    assert [file.read_bytes() for file in (second.certificate, second.key, second.ca)] == before


def names_of(files: authority.TlsFiles) -> list[str]:
    names = leaf(files).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_the_authority_may_certify_the_portals_names_and_addresses_and_no_other(tmp_path: Path) -> None:
    files = authority.ensure(tmp_path, HOSTS)
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees or ()] == [
        "visio.example.org",
        "10.1.2.3/32",
        "2001:db8::1/128",
    ]


@pytest.mark.parametrize(
    ("host", "is_trusted"),
    [
        ("visio.example.org", True),
        ("10.1.2.3", True),
        ("2001:db8::1", True),
        ("bank.example", False),
        ("10.1.2.4", False),
    ],
)
def test_what_a_thief_of_its_key_signs_for_others_is_refused(tmp_path: Path, host: str, is_trusted: bool) -> None:
    files = authority.ensure(tmp_path, HOSTS)
    authority._make_leaf(files, tmp_path, [host], datetime.datetime.now(datetime.UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.certificate, files.key)
    assert handshake(server, ssl.create_default_context(cafile=files.ca), host) is is_trusted


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> bool:
    """Whether the client believes that it speaks to `host`."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
            except ssl.SSLError:
                continue  # the server's, of the client's refusal
    return True


def test_a_new_name_makes_a_new_authority_at_a_start_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = authority.ensure(tmp_path, HOSTS)
    ca = first.ca.read_bytes()
    second = authority.ensure(tmp_path, [*HOSTS, "other.example.org"])
    assert second.ca.read_bytes() != ca
    assert names_of(second) == ["visio.example.org", "10.1.2.3", "2001:db8::1", "other.example.org"]
    assert "a new authority, for other.example.org: people must trust it once, see /trust" in caplog.text


def test_a_name_that_is_gone_needs_no_new_authority(tmp_path: Path) -> None:
    ca = authority.ensure(tmp_path, [*HOSTS, "other.example.org"]).ca.read_bytes()
    assert authority.ensure(tmp_path, HOSTS).ca.read_bytes() == ca


def test_while_the_portal_runs_a_new_address_shuts_nobody_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = authority.ensure(tmp_path, HOSTS)
    before = [file.read_bytes() for file in (first.certificate, first.ca)]
    second = authority.ensure(tmp_path, [*HOSTS, "10.9.9.9"], keeps_authority=True)
    assert [file.read_bytes() for file in (second.certificate, second.ca)] == before
    assert "does not name 10.9.9.9" in caplog.text


def test_an_address_that_only_the_network_gave_makes_no_new_authority_at_a_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = authority.ensure(tmp_path, ["visio.example.org"], detected=["10.1.2.3"])
    assert names_of(first) == ["visio.example.org", "10.1.2.3"]
    ca = first.ca.read_bytes()
    second = authority.ensure(tmp_path, ["visio.example.org"], detected=["10.9.9.9"])
    assert second.ca.read_bytes() == ca
    assert "10.9.9.9" not in names_of(second)
    assert "does not name 10.9.9.9; give the portal a name by DOMAIN" in caplog.text
    third = authority.ensure(tmp_path, ["visio.example.org"], detected=["10.1.2.3"])
    assert (third.ca.read_bytes(), names_of(third)) == (ca, ["visio.example.org", "10.1.2.3"])


def test_a_portal_with_a_name_keeps_its_authority_when_it_starts_in_another_network(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR, settings.TLS_CERT_FILE = tmp_path, ""
    settings.HOST, settings.PORTAL_URL = "0.0.0.0", "https://visio.example.org"  # noqa: S104  nothing is bound
    leases = iter(["10.1.2.3", None, "10.9.9.9", "2001:db8::9"])
    monkeypatch.setattr(addresses, "primary_address", lambda family: next(leases))
    ca = tls.ensure_files(keeps_authority=False).ca.read_bytes()
    assert tls.ensure_files(keeps_authority=False).ca.read_bytes() == ca


def make_unlimited_authority(folder: Path) -> Path:
    """As earlier releases made it; its certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Former")])
    certificate = (
        authority._builder(name, name, key, 3650, datetime.datetime.now(datetime.UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority._write_key(folder / authority._CA_KEY_FILE, key)
    authority._write(folder / authority.CA_FILE, certificate.public_bytes(Encoding.PEM), 0o644)
    return folder / authority.CA_FILE


def test_an_authority_over_the_whole_world_is_replaced_at_a_start_and_not_before(tmp_path: Path) -> None:
    former = make_unlimited_authority(tmp_path).read_bytes()
    files = authority.ensure(tmp_path, [*HOSTS, *HOSTS, "10.9.9.9"], keeps_authority=True)
    assert files.ca.read_bytes() == former
    assert names_of(files) == [*HOSTS, "10.9.9.9"]
    authority.ensure(tmp_path, HOSTS)
    assert files.ca.read_bytes() != former
    assert authority._permitted(files.ca)


def test_a_certificate_is_renewed_before_it_ends(tmp_path: Path) -> None:
    first = authority.ensure(tmp_path, HOSTS)
    old, ca = leaf(first).serial_number, first.ca.read_bytes()
    soon = leaf(first).not_valid_after_utc - datetime.timedelta(days=29)
    second = authority.ensure(tmp_path, HOSTS, now=soon)
    assert leaf(second).serial_number != old
    assert leaf(second).not_valid_after_utc - soon > datetime.timedelta(days=300)
    assert second.ca.read_bytes() == ca


def test_keys_are_for_the_portals_user_only(tmp_path: Path) -> None:
    authority.ensure(tmp_path / "tls", HOSTS)
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    for key in (tmp_path / "tls").glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.django_db
def test_the_trust_page_shows_the_fingerprint_and_hands_out_the_authority(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    settings.SERVES_TLS = True
    ca = tls.ensure_files().ca
    page = client.get("/trust")
    assert authority.fingerprint(ca) in page.content.decode()
    download = client.get("/trust/authority.crt")
    assert download.content == ca.read_bytes()
    assert download["Content-Type"] == "application/x-x509-ca-cert"
    assert b"PRIVATE" not in download.content


@pytest.mark.django_db
def test_there_is_nothing_to_trust_where_the_certificate_is_public(client: Client) -> None:
    assert client.get("/trust").status_code == 404
    assert client.get("/trust/authority.crt").status_code == 404
