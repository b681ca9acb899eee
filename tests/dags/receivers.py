"""What notifiers talk to: a chat's webhook and a mail server, on 127.0.0.1, that keep what they are sent."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook(ThreadingHTTPServer):
    """Answers every POST with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.received: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0PS3CRET"


class _Post(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """As much of SMTP as one mail takes. Of the first `hangs_up` clients it takes none."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.hangs_up = 0

    @property
    def connection(self) -> str:
        """As an Airflow connection."""
        options = "disable_ssl=true&disable_tls=true&retry_limit=0&from_email=arrears%40example.com"
        return f"smtp://127.0.0.1:{self.server_address[1]}/?{options}"


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.hangs_up:
            self.server.hangs_up -= 1
            return
        self._say("220 ready")
        for line in iter(self.rfile.readline, b""):
            command = line.decode().strip()
            if command.upper().startswith("RCPT TO:"):
                self.server.recipients.append(command[8:].split()[0].strip("<>"))
            if command.upper() == "DATA":
                self._say("354 go on")
                self._keep(iter(self.rfile.readline, b".\r\n"))
            self._say("221 bye" if command.upper() == "QUIT" else "250 ok")

    def _keep(self, lines: Iterator[bytes]) -> None:
        text = b"".join(line.removeprefix(b".") for line in lines)
        self.server.received.append(message_from_bytes(text, policy=policy.default))  # type: ignore[arg-type]

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def listening(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
