"""The portal's own certificates: made once, renewed in time, readable by nobody else."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from cryptography import x509
from django.test import Client
from pytest_django import Settings

from visio_portal import authority, tls

HOSTS = ["visio.example.org", "10.1.2.3", "2001:db8::1"]


def leaf(files: authority.TlsFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificates(files.certificate.read_bytes())[0]


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = authority.ensure(tmp_path, HOSTS)
    before = [file.read_bytes() for file in (first.certificate, first.key, first.ca)]
    second = authority.ensure(tmp_path, HOSTS)
    assert [file.read_bytes() for file in (second.certificate, second.key, second.ca)] == before


def test_a_new_name_makes_a_new_certificate_by_the_same_authority(tmp_path: Path) -> None:
    first = authority.ensure(tmp_path, HOSTS)
    ca, old = first.ca.read_bytes(), leaf(first).serial_number
    second = authority.ensure(tmp_path, [*HOSTS, "other.example.org"])
    assert second.ca.read_bytes() == ca
    assert leaf(second).serial_number != old
    names = leaf(second).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["visio.example.org", "other.example.org"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3", "2001:db8::1"]


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
