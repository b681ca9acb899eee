"""A headless Chromium, spoken to by its own protocol (Chrome DevTools), with nothing in between."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

FLAGS = [
    "--headless=new",
    "--no-sandbox",  # root has none; what is opened is ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-port=0",
]


def program() -> str | None:
    """Where Chromium is on this machine, if it is."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One page. What it asks over the network is kept in `requests`: what was sent, by the browser's number of it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number = socket, 0
        self.requests: dict[str, dict[str, Any]] = {}
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call("Network.enable", maxPostDataSize=1_000_000)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=120))
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            if message.get("method") == "Network.requestWillBeSent":
                self.requests[message["params"]["requestId"]] = message["params"]["request"]

    def run(self, script: str) -> Any:
        """What an expression of JavaScript comes to."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.until(lambda: self.run("document.readyState") == "complete", 60)

    def until(self, condition: Callable[[], Any], seconds: float) -> Any:
        """Wait until a condition holds, and return what it found; its last answer when time is up."""
        deadline = time.monotonic() + seconds
        while not (found := condition()) and time.monotonic() < deadline:
            time.sleep(0.3)
        return found

    def size(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    """A browser with a profile of its own below the folder. Ends with its page."""
    executable = program()
    assert executable
    profile = folder / "profile"
    profile.mkdir()
    with (folder / "chromium.log").open("w") as log:
        process = subprocess.Popen(
            [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        with connect(_page_of(profile / "DevToolsActivePort"), max_size=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(30)


def _page_of(told: Path) -> str:
    """The address of the first page, once the browser has written down where it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if told.exists() and (lines := told.read_text().split()):
            pages = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list").json()
            if found := [page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"]:
                return str(found[0])
        time.sleep(0.2)
    raise AssertionError("Chromium did not start; see chromium.log")
