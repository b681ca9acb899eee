"""What speaks as Superset's API does, on 127.0.0.1: as much of it as the client asks, and every way of failing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

USER, PASSWORD, TOKEN, CSRF = "arrears_publisher", "p@ss", "t0ken", "csrf"


class StandIn(ThreadingHTTPServer):
    """Attributes:
    datasets: database name of each; a dataset's number is its place, from 1.
    forgotten: what it was asked to forget. broken: path to a status, or to a text that is no JSON.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.datasets: list[str] = []
        self.forgotten: list[str] = []
        self.broken: dict[str, int | str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        path, _, question = self.path.partition("?")
        if self._broken(path) or not self._is_known():
            return
        if path == "/api/v1/security/csrf_token/":
            self._answer(200, {"result": CSRF})
        elif path == "/api/v1/dataset/":
            page = int(question.rpartition("page%3A")[2].partition("%2C")[0])
            found = list(enumerate(self.server.datasets, 1))[100 * page : 100 * page + 100]
            self._answer(200, {"result": [{"id": at, "database": {"database_name": name}} for at, name in found]})
        else:
            self._answer(404, {"message": "Not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._broken(self.path):
            return
        if self.path == "/api/v1/security/login":
            right = (body["username"], body["password"], body["provider"]) == (USER, PASSWORD, "db")
            self._answer(*((200, {"access_token": TOKEN}) if right else (401, {"message": "Not authorized"})))
        elif self._is_known() and self.path == "/api/v1/cachekey/invalidate":
            assert self.headers["X-CSRFToken"] == CSRF
            self.server.forgotten += body["datasource_uids"]
            self._answer(201, {})

    def _is_known(self) -> bool:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if not known:
            self._answer(401, {"msg": "Missing token"})
        return known

    def _broken(self, path: str) -> bool:
        how = self.server.broken.get(path)
        if isinstance(how, int):
            self._answer(how, {"message": "broken"})
        elif isinstance(how, str):
            self._send(200, how.encode())
        return how is not None

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        self._send(status, json.dumps(said).encode())

    def _send(self, status: int, said: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def standing_in() -> Iterator[StandIn]:
    server = StandIn()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
