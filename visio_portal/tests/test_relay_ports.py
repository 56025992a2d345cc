"""`serve` does not begin where its relay workers could not listen, and says which variable helps."""

from __future__ import annotations

import socket

import pytest
from django.core.management.base import CommandError
from pytest_django import Settings

from visio_portal.management.commands import serve


@pytest.fixture
def one_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(serve, "PORT_WAIT_SECONDS", 0.0)
    settings.RELAY_WORKERS = 1
    settings.RELAY_ADDRESSES = ["127.0.0.1"]
    return settings


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
def test_a_taken_port_stops_the_start_and_names_the_variable(one_worker: Settings, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taker:
        taker.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taker.listen(1)
        one_worker.RELAY_PORT = taker.getsockname()[1]
        with pytest.raises(CommandError, match=rf"port {one_worker.RELAY_PORT}: Address already in use.*RELAY_PORT"):
            serve.wait_for_relay_ports()
    serve.wait_for_relay_ports()


def test_the_second_workers_port_counts_as_well(one_worker: Settings) -> None:
    one_worker.RELAY_WORKERS = 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        one_worker.RELAY_PORT = taker.getsockname()[1] - 1
        with pytest.raises(CommandError, match=f"port {one_worker.RELAY_PORT + 1}"):
            serve.wait_for_relay_ports()


def test_an_address_of_another_machine_names_its_variable(one_worker: Settings) -> None:
    one_worker.RELAY_ADDRESSES = ["192.0.2.1"]
    one_worker.RELAY_PORT = 7882
    with pytest.raises(CommandError, match=r"192\.0\.2\.1.*RELAY_ADDRESSES"):
        serve.wait_for_relay_ports()


def test_with_a_cluster_no_port_is_looked_at(one_worker: Settings) -> None:
    one_worker.EMBEDDED_RELAY = False
    one_worker.RELAY_ADDRESSES = ["192.0.2.1"]
    serve.wait_for_relay_ports()
