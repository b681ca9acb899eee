"""A wire to the server on which statements are counted, and that fails at one of them.

It stands between any client (ours, dbt's, Great Expectations') and PostgreSQL and reads the messages of the protocol
that pass, so a failpoint between two statements needs nothing in the programs under test.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BufferedReader

from arrears.warehouse.address import Address

# Types of messages: what a client asks for, and when the server has answered.
QUERY, COPY_DATA, COPY_DONE = b"Q", b"d", b"c"
READY, COPY_IN = b"Z", b"G"
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


@dataclass
class Fault:
    """What goes wrong, and where.

    Attributes:
        at: the message it happens at, counted from 1 over all connections.
        strike: what happens beside the connection being cut.
        heard: whether the server still gets that message; its answer is lost then.
        counted: types of messages that count: statements and the end of a COPY.
    """

    at: int
    strike: Callable[[], object] = lambda: None
    heard: bool = False
    counted: bytes = QUERY + COPY_DONE
    struck: threading.Event = field(default_factory=threading.Event)


class Wire(socketserver.ThreadingTCPServer):
    """Listens on a port of its own and passes everything on to the server's."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.server_port = port
        self.port: int = self.server_address[1]
        self._lock = threading.Lock()
        self.set()

    def __enter__(self) -> Wire:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def set(self, fault: Fault | None = None) -> None:
        """Count from the beginning, with another fault or none."""
        with self._lock:
            self.fault, self.count = fault or Fault(at=0), 0

    def fails_at(self, message: bytes) -> Fault | None:
        """Count a message of a client. The fault, if this is where it happens."""
        with self._lock:
            self.count += message[0] in self.fault.counted
            return self.fault if message[0] in self.fault.counted and self.count == self.fault.at else None


class _Connection(socketserver.BaseRequestHandler):
    server: Wire

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.server_port)) as behind:
            self._lost: Fault | None = None
            self._behind = behind
            client, answers = self.request.makefile("rb"), behind.makefile("rb")
            self._begin(client, answers)
            answering = threading.Thread(target=self._pass_answers, args=(answers,), daemon=True)
            answering.start()
            self._pass_questions(client)
            self._cut()
            answering.join()

    def _begin(self, client: BufferedReader, answers: BufferedReader) -> None:
        """The first messages have no type; a request for encryption is answered with one byte."""
        while True:
            message = _rest(client)
            self._behind.sendall(message)
            if struct.unpack("!I", message[4:8])[0] not in (SSL_REQUEST, GSS_REQUEST):
                return
            self.request.sendall(answers.read(1))

    def _pass_questions(self, client: BufferedReader) -> None:
        for message in _messages(client):
            fault = self.server.fails_at(message)
            if fault is not None and not fault.heard:
                self._fail(fault)
                return
            self._lost = self._lost or fault
            self._behind.sendall(message)

    def _pass_answers(self, answers: BufferedReader) -> None:
        with suppress(OSError):
            for message in _messages(answers):
                if self._lost is None:
                    self.request.sendall(message)
                elif message[:1] in (READY, COPY_IN):
                    self._fail(self._lost)
                    return
            self._cut()

    def _fail(self, fault: Fault) -> None:
        fault.strike()
        fault.struck.set()
        self._cut()

    def _cut(self) -> None:
        for end in (self.request, self._behind):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _rest(stream: BufferedReader) -> bytes:
    """A message's length and what it says."""
    length = stream.read(4)
    if len(length) < 4:
        raise ConnectionError("closed")
    return length + stream.read(struct.unpack("!I", length)[0] - 4)


def _messages(stream: BufferedReader) -> Iterator[bytes]:
    with suppress(OSError):
        while kind := stream.read(1):
            yield kind + _rest(stream)


def through(url: str, wire: Wire) -> str:
    """The URL of the same role and database, by way of the wire."""
    return replace(Address.parse(url), port=wire.port).url()
