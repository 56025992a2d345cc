"""Each limit of the web server, seen from a raw socket."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from visio_portal import authority

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CEILING_SECONDS = 30
TEXT, BINARY, CLOSE = 1, 2, 8


class Server:
    def __init__(self, log: Path, **environment: str) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "visio_portal.tests.echo_server"],
                cwd=REPOSITORY,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, log.read_text()
        self.port = int(line)

    def stop(self) -> int:
        self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(CEILING_SECONDS)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=CEILING_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("web") / "log")
    yield server
    assert server.stop() == 0


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(size - len(data), 1 << 20))
        if not chunk:
            raise ConnectionError("closed")
        data += chunk
    return bytes(data)


def read_head(connection: socket.socket) -> str:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += read_exactly(connection, 1)
    return data.decode()


def upgrade(connection: socket.socket, path: str) -> str:
    """Asks for a websocket; the answer's head."""
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return read_head(connection)


@contextmanager
def websocket(server: Server, path: str) -> Iterator[socket.socket]:
    with closing(server.connect()) as connection:
        assert " 101 " in upgrade(connection, path).splitlines()[0]
        yield connection


def frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    short = size if size < 126 else 126 if size < 65536 else 127
    length = b"" if short < 126 else struct.pack("!H" if short == 126 else "!Q", size)
    return bytes([0x80 | opcode, 0x80 | short]) + length + bytes(4) + payload  # masked with zeroes


def read_frame(connection: socket.socket) -> tuple[int, bytes]:
    head, short = read_exactly(connection, 2)
    size = short
    if short == 126:
        (size,) = struct.unpack("!H", read_exactly(connection, 2))
    elif short == 127:
        (size,) = struct.unpack("!Q", read_exactly(connection, 8))
    return head & 0x0F, read_exactly(connection, size)


def close_code(payload: bytes) -> int:
    return int(struct.unpack("!H", payload[:2])[0])


def frames_until_close(connection: socket.socket) -> tuple[list[bytes], int]:
    received: list[bytes] = []
    while True:
        opcode, payload = read_frame(connection)
        if opcode == CLOSE:
            return received, close_code(payload)
        received.append(payload)


def is_refused(connection: socket.socket) -> bool:
    """A 4xx answer, or a connection closed before it could be read (we were still sending)."""
    try:
        return read_head(connection).startswith("HTTP/1.1 4")
    except ConnectionError:
        return True


def request(connection: socket.socket, head: str, body: bytes = b"") -> str:
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return read_head(connection)


def test_a_websocket_is_refused_with_a_status_headers_and_a_body(server: Server) -> None:
    with closing(server.connect()) as connection:
        head = upgrade(connection, "/denied")
        assert head.startswith("HTTP/1.1 404 Not Found")
        assert "x-why: not here" in head
        assert read_exactly(connection, len("no such mode")) == b"no such mode"
        assert connection.recv(1) == b""


def test_a_message_of_two_mebibytes_passes(server: Server) -> None:
    with websocket(server, "/echo") as connection:
        connection.sendall(frame(BINARY, bytes(2 << 20)))
        assert read_frame(connection) == (TEXT, b"2097152 bytes")


def test_a_longer_message_closes_the_websocket(server: Server) -> None:
    with websocket(server, "/echo") as connection:
        connection.sendall(frame(BINARY, bytes((2 << 20) + 1))[:4096])  # the header says it
        opcode, payload = read_frame(connection)
        assert (opcode, close_code(payload)) == (CLOSE, 1009)


def test_a_client_that_does_not_read_is_closed_at_four_mebibytes(server: Server) -> None:
    with websocket(server, "/flood") as connection:
        received, code = frames_until_close(connection)
    assert code == 1013
    assert sum(map(len, received)) < (4 << 20) + (1 << 20)


def test_a_client_whose_messages_nobody_takes_is_closed(server: Server) -> None:
    with websocket(server, "/deaf") as connection:
        connection.sendall(frame(TEXT, bytes(1 << 20)) * 4)
        _received, code = frames_until_close(connection)
    assert code == 1013


def test_small_messages_that_nobody_takes_are_counted_with_what_they_cost(server: Server) -> None:
    with websocket(server, "/deaf") as connection:
        connection.sendall(frame(TEXT, b"x") * 20_000)
        _received, code = frames_until_close(connection)
    assert code == 1013


def test_a_storm_of_candidates_is_within_the_bound(server: Server) -> None:
    with websocket(server, "/deaf") as connection:
        connection.sendall(frame(TEXT, bytes(300)) * 5_000 + frame(9, b"still there?"))
        assert read_frame(connection) == (10, b"still there?")


def test_a_websocket_lives_longer_than_a_day(server: Server) -> None:
    with websocket(server, "/echo") as connection:
        connection.sendall(frame(TEXT, b"three days later"))
        assert read_frame(connection) == (TEXT, b"three days later")
        connection.sendall(frame(TEXT, b"still there?"))
        assert read_frame(connection) == (TEXT, b"still there?")


def test_a_websocket_ends_with_its_application(server: Server) -> None:
    with websocket(server, "/short") as connection:
        assert frames_until_close(connection) == ([], 1000)


def test_a_websocket_that_both_ends_close_at_once_ends_without_a_reset(server: Server) -> None:
    with websocket(server, "/short") as connection:
        connection.sendall(frame(CLOSE, struct.pack("!H", 1000)))
        assert frames_until_close(connection) == ([], 1000)
        assert connection.recv(1) == b""


def test_a_request_line_of_fifteen_kibibytes_passes_and_leaves_no_trace_in_the_log(server: Server) -> None:
    secret = "s3cret" * 2500
    with closing(server.connect()) as connection:
        head = request(connection, f"GET /page?access_token={secret} HTTP/1.1\r\nHost: localhost")
    assert head.startswith("HTTP/1.1 200")
    with closing(server.connect()) as connection:
        assert " 101 " in upgrade(connection, f"/echo?access_token={secret}")
    assert "s3cret" not in server.log.read_text()


def test_a_longer_request_line_is_refused(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(b"GET /page?" + b"x" * (17 << 10) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert is_refused(connection)


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Server) -> None:
    with closing(server.connect()) as connection:
        head = request(connection, "POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999")
    assert head.startswith("HTTP/1.1 413")


def test_only_the_page_for_hr_files_takes_a_large_body_and_few_of_them_at_a_time(server: Server) -> None:
    large = "Host: localhost\r\nContent-Length: 40000000"
    with ExitStack() as stack:
        waiting = [stack.enter_context(closing(server.connect())) for _ in range(5)]
        for connection in waiting[:4]:
            connection.sendall(f"POST /accounts/hr/ HTTP/1.1\r\n{large}\r\n\r\n".encode())
            connection.sendall(bytes(9 << 20))  # more than other pages take, and nothing is said yet
        assert request(waiting[4], f"POST /accounts/hr/ HTTP/1.1\r\n{large}").startswith("HTTP/1.1 413")
    with closing(server.connect()) as connection:
        assert request(connection, f"POST /accounts/hr/x HTTP/1.1\r\n{large}").startswith("HTTP/1.1 413")
    with closing(server.connect()) as connection:
        more = large.replace("4", "6")
        assert request(connection, f"POST /accounts/hr/ HTTP/1.1\r\n{more}").startswith("HTTP/1.1 413")
    # Those that went away have left their places.
    with closing(server.connect()) as connection:
        connection.sendall(f"POST /accounts/hr/ HTTP/1.1\r\n{large}\r\n\r\n".encode() + bytes(40_000_000))
        assert not read_head(connection).startswith("HTTP/1.1 413")


def test_a_chunked_body_over_the_limit_is_refused(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(b"POST /page HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        for _ in range((8 << 20) // 0x10000):
            connection.sendall(chunk)
        connection.sendall(b"1\r\nx\r\n")  # one byte too many
        assert read_head(connection).startswith("HTTP/1.1 413")


def test_the_server_does_not_say_what_it_is(server: Server) -> None:
    with closing(server.connect()) as connection:
        assert "server:" not in request(connection, "GET /page HTTP/1.1\r\nHost: localhost").lower()


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    files = authority.ensure(folder, ["localhost", "127.0.0.1"])
    server = Server(folder / "log", CERTIFICATE=str(files.certificate), KEY=str(files.key))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With short deadlines, and room for two requests of one address that are not whole."""
    limits = {"HEAD_SECONDS": "0.5", "BODY_SECONDS": "1", "MAX_PER_ADDRESS": "2"}
    server = Server(tmp_path_factory.mktemp("strict") / "log", **limits)
    yield server
    assert server.stop() == 0


def drip(connection: socket.socket, byte: bytes) -> float:
    """Sends a byte every tenth of a second until the server closes; after how many seconds."""
    started = time.monotonic()
    connection.settimeout(0.1)
    while time.monotonic() < started + CEILING_SECONDS:
        try:
            connection.sendall(byte)
            if not connection.recv(1):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started


PAGE = "GET /page HTTP/1.1\r\nHost: localhost"


@pytest.mark.parametrize("request_before", [False, True])
def test_a_dripped_head_is_cut_off_on_a_new_and_on_a_kept_connection(
    strict_server: Server, request_before: bool
) -> None:
    with closing(strict_server.connect()) as connection:
        if request_before:
            assert request(connection, PAGE).startswith("HTTP/1.1 200")
            read_exactly(connection, len("http 0 0"))
        connection.sendall(b"GET /page?")
        assert 0.3 < drip(connection, b"x") < 5


def test_a_dripped_body_is_cut_off(strict_server: Server) -> None:
    with closing(strict_server.connect()) as connection:
        connection.sendall(b"POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        assert 0.8 < drip(connection, b"x") < 5


def test_a_connection_that_is_kept_or_a_websocket_has_no_such_deadline(strict_server: Server) -> None:
    with closing(strict_server.connect()) as kept, websocket(strict_server, "/echo") as connection:
        for _ in range(2):
            assert request(kept, PAGE).startswith("HTTP/1.1 200")
            read_exactly(kept, len("http 0 0"))
            with closing(strict_server.connect()) as slow:
                drip(slow, b"x")
        connection.sendall(frame(TEXT, b"still here"))
        assert read_frame(connection) == (TEXT, b"still here")


def test_one_address_has_few_unfinished_requests_and_another_is_served(strict_server: Server) -> None:
    with closing(strict_server.connect()) as first, closing(strict_server.connect()) as second:
        for slow in (first, second):
            slow.sendall(b"GET")
        with pytest.raises(ConnectionError), closing(strict_server.connect()) as third:
            request(third, PAGE)
        with socket.socket() as other:
            other.settimeout(CEILING_SECONDS)
            other.bind(("127.0.0.2", 0))
            other.connect(("127.0.0.1", strict_server.port))
            assert request(other, PAGE).startswith("HTTP/1.1 200")
        drip(first, b"x")
        drip(second, b"x")
    with closing(strict_server.connect()) as later:
        assert request(later, PAGE).startswith("HTTP/1.1 200")
    assert "too many unfinished requests: 1" in strict_server.log.read_text()


def test_behind_a_trusted_proxy_people_share_no_count_but_the_deadline_and_an_overall_bound(tmp_path: Path) -> None:
    bounds = {"MAX_PER_ADDRESS": "1", "MAX_OF_PROXIES": "3", "HEAD_SECONDS": "0.5"}
    proxied = Server(tmp_path / "log", TRUSTED_PROXIES="127.0.0.1", **bounds)
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(proxied.connect())) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"GET")
        with closing(proxied.connect()) as another:
            assert request(another, PAGE).startswith("HTTP/1.1 200")
        third = stack.enter_context(closing(proxied.connect()))
        third.sendall(b"GET")
        with pytest.raises(ConnectionError), closing(proxied.connect()) as too_many:
            request(too_many, PAGE)
        for connection in (*slow, third):
            assert drip(connection, b"x") < 5
    assert proxied.stop() == 0


def test_a_dripped_tls_handshake_is_cut_off(tmp_path: Path) -> None:
    files = authority.ensure(tmp_path, ["localhost"])
    server = Server(tmp_path / "log", CERTIFICATE=str(files.certificate), KEY=str(files.key), HEAD_SECONDS="0.5")
    with closing(server.connect()) as connection:
        connection.sendall(b"\x16\x03\x01\x40\x00")
        assert 0.3 < drip(connection, b"x") < 5
    assert server.stop() == 0


def trusting(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.log.parent / authority.CA_FILE))


def test_https_pages_and_websockets_are_served_with_our_authoritys_certificate(tls_server: Server) -> None:
    context = trusting(tls_server)
    with context.wrap_socket(tls_server.connect(), server_hostname="localhost") as connection:
        head = request(connection, "GET /page HTTP/1.1\r\nHost: localhost")
        assert head.startswith("HTTP/1.1 200")
        assert read_exactly(connection, 5) == b"https"
    with context.wrap_socket(tls_server.connect(), server_hostname="localhost") as connection:
        assert " 101 " in upgrade(connection, "/echo")
        connection.sendall(frame(BINARY, bytes(1 << 20)))
        assert read_frame(connection) == (TEXT, b"1048576 bytes")


def test_a_process_of_this_machine_may_speak_plain_http_on_the_same_port(tls_server: Server) -> None:
    with closing(tls_server.connect()) as connection:
        assert request(connection, "GET /page HTTP/1.1\r\nHost: localhost").startswith("HTTP/1.1 200")


def test_another_machines_plain_http_is_sent_to_https(tls_server: Server) -> None:
    """A source address other than the one connected to stands for another machine."""
    with socket.socket() as connection:
        connection.settimeout(CEILING_SECONDS)
        connection.bind(("127.0.0.2", 0))
        connection.connect(("127.0.0.1", tls_server.port))
        head = request(connection, "GET //evil.example/r/abc?x=1 HTTP/1.1\r\nHost: localhost")
    assert head.startswith("HTTP/1.1 308")
    assert "location: https://visio.example.org/evil.example/r/abc?x=1" in head.lower()


def test_old_tls_versions_are_refused(tls_server: Server) -> None:
    context = trusting(tls_server)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(tls_server.connect(), server_hostname="localhost")
