"""A headless Chromium driven over the WebDriver protocol by chromedriver, with nothing but requests on loopback."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

STARTS_WITHIN = 20.0
"""Seconds that a browser may take to start on a busy machine."""


class Browser:
    """One session: a window of a given size that opens files and runs scripts in them."""

    def __init__(self, session: str) -> None:
        self.session = session

    def command(self, name: str, body: dict[str, Any] | None = None) -> Any:
        found = requests.post(f"{self.session}/{name}", json=body or {}, timeout=60).json()["value"]
        if isinstance(found, dict) and "error" in found:
            raise AssertionError(f"{name}: {found['error']}: {found['message'].splitlines()[0]}")
        return found

    def open(self, page: Path, address: str = "") -> None:
        """Load a page anew and wait until its charts are drawn."""
        self.command("url", {"url": "about:blank"})
        self.command("url", {"url": page.as_uri() + address})
        until = time.monotonic() + STARTS_WITHIN
        while self.run("return document.documentElement.dataset.drawn") != "yes":
            assert time.monotonic() < until, f"charts were not drawn: {self.messages()}"
            time.sleep(0.05)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; one that returns a promise, what it comes to."""
        return self.command("execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, in whatever has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.command("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, selector: str) -> None:
        """Click into the middle of an element with the mouse."""
        found = self.command("element", {"using": "css selector", "value": selector})
        self.command(f"element/{next(iter(found.values()))}/click")

    def point(self, selector: str, across: float) -> None:
        """Move the mouse over an element, to a share of its width from the left and half its height."""
        self.run(
            "document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector
        )
        box = self.run("const b = document.querySelector(arguments[0]).getBoundingClientRect();"
                       "return [b.left, b.top, b.width, b.height]", selector)  # fmt: skip
        at = {"x": int(box[0] + across * box[2]), "y": int(box[1] + box[3] / 2)}
        moves = [{"type": "pointerMove", "duration": 50, **at, "x": at["x"] + step} for step in (-8, -4, 0)]
        self.command("actions", {"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
                                              "actions": moves}]})  # fmt: skip

    def size(self, width: int, height: int = 900) -> None:
        self._devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def scheme(self, name: str) -> None:
        """Prefer a light or dark scheme."""
        self._devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def messages(self) -> list[str]:
        """What the console has said since the last time, errors and warnings."""
        return [entry["message"] for entry in self.command("se/log", {"type": "browser"})]

    def _devtools(self, name: str, **parameters: Any) -> Any:
        return self.command("goog/cdp/execute", {"cmd": name, "params": parameters})


@contextlib.contextmanager
def browser(chromium: str, chromedriver: str) -> Iterator[Browser]:
    """A browser without network but loopback, which is ended with its driver."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([chromedriver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        options = {"binary": chromium, "args": ["--headless=new", "--no-sandbox", "--disable-gpu",
                                                "--proxy-server=127.0.0.1:9", "--no-first-run"]}  # fmt: skip
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options}
        made = requests.post(f"{address}/session", json={"capabilities": {"alwaysMatch": wanted}}, timeout=60).json()
        session = f"{address}/session/{made['value']['sessionId']}"
        yield Browser(session)
        requests.delete(session, timeout=60)
    finally:
        driver.terminate()
        driver.wait()


def _wait(address: str) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            requests.get(f"{address}/status", timeout=5)
            return
        except requests.ConnectionError:
            assert time.monotonic() < until, "chromedriver does not answer"
            time.sleep(0.1)
