"""A mail server on a free port of this machine: it speaks SMTP, and does what the test tells it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.taken: list[tuple[list[str], str]] = []  # recipients, the message
        self.answer_to_recipient = "250 OK"

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 test")
        recipients: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("RCPT TO:"):
                recipients.append(line[8:].strip(" <>"))
                self._say(self.server.answer_to_recipient)
            elif verb == "DATA":
                self._say("354 go on")
                self.server.taken.append((recipients, self._text()))
                self._say("250 OK")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 OK")

    def _text(self) -> str:
        lines: list[str] = []
        while (line := self.rfile.readline()) != b".\r\n":
            assert line, "the client went away"
            lines.append(line.decode())
        return "".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
