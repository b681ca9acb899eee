"""Superset's REST API, as far as the pipeline speaks it: bring assets, and say that figures have changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from arrears.errors import Infrastructure, Refused

PAGE = 100  # datasets asked for at once; Superset gives no more


class Superset:
    """Somebody who is logged in. `http` is what is spoken with.

    Made by `logged_in`, which raises what every method raises:

    Raises:
        Infrastructure: nobody answers at the address, or answers with an error of its own.
        Refused: it does not take the login or what it is sent, and says why.
    """

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    @classmethod
    @contextmanager
    def logged_in(cls, url: str, user: str, password: str, timeout: float = 60) -> Iterator[Superset]:
        with httpx.Client(base_url=url, timeout=timeout, headers={"Referer": url}) as client:
            superset = cls(client)
            login = {"username": user, "password": password, "provider": "db", "refresh": False}
            token = superset.post("/api/v1/security/login", json=login).get("access_token")
            client.headers["Authorization"] = f"Bearer {token}"
            client.headers["X-CSRFToken"] = superset.get("/api/v1/security/csrf_token/").get("result", "")
            yield superset

    def load(self, bundle: bytes, passwords: dict[str, str]) -> None:
        """Create or overwrite assets, by their identities. passwords: of databases, by the names of their files."""
        self.post(
            "/api/v1/assets/import/",
            files={"bundle": ("assets.zip", bundle, "application/zip")},
            data={"passwords": json.dumps(passwords)},
        )

    def forget_figures(self, database: str) -> int:
        """Take out of the cache what was asked of a database, also by datasets of its users. Returns of how many."""
        own = [one["id"] for one in self._datasets() if one["database"]["database_name"] == database]
        self.post("/api/v1/cachekey/invalidate", json={"datasource_uids": [f"{number}__table" for number in own]})
        return len(own)

    def _datasets(self) -> Iterator[dict[str, Any]]:
        page = 0
        while True:
            question = f"(columns:!(id,database.database_name),order_column:table_name,page:{page},page_size:{PAGE})"
            found = self.get("/api/v1/dataset/", q=question)["result"]
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        return self._call("GET", path, params=parameters)

    def post(self, path: str, **content: Any) -> dict[str, Any]:
        return self._call("POST", path, **content)

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        where = f"Superset at {self.http.base_url}"
        try:
            answer = self.http.request(method, path, **content)
        except httpx.HTTPError as error:
            raise Infrastructure(f"{where} cannot be reached ({type(error).__name__}).") from None
        if answer.is_server_error:
            raise Infrastructure(f"{where} answered {answer.status_code} to {method} {path}.")
        if not answer.is_success:
            raise Refused(f"{where} answered {answer.status_code} to {method} {path}: {answer.text[:2000]}")
        try:
            said = answer.json() if answer.content else {}
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Refused(f"{where}: {method} {path} is answered, but not as Superset's API answers.")
        return said
