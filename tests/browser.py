"""A real Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

Chromium (`apt-get install chromium`) must be there; the folder SCREENSHOTS gets what it drew.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
SECONDS = 60

# Resolves as soon as the expression is true; it is looked at whenever the page changes, and while nothing is drawn.
WAIT = """new Promise(resolve => {
  const look = () => { if (%s) { clearInterval(timer); resolve(true); } };
  const timer = setInterval(look, 50);
  look();
})"""
# Text whose contrast with what is behind it is below 4.5 (https://www.w3.org/TR/WCAG22/#contrast-minimum).
CONTRAST = """(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = colour => parts(colour).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const svg = at.matches("g") && at.querySelector("rect") && getComputedStyle(at.querySelector("rect")).fill;
      const colour = svg || getComputedStyle(at).backgroundColor;
      if (colour !== "none" && (parts(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("body *")]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(element => element.checkVisibility() && !element.matches("title, noscript, option"))
    .map(element => {
      const style = getComputedStyle(element), text = element.matches("text") ? style.fill : style.color;
      const [one, other] = [light(text), light(behind(element))].sort((a, b) => b - a);
      return [(one + 0.05) / (other + 0.05), element.textContent.slice(0, 40)];
    })
    .filter(([contrast]) => contrast < 4.5);
})()"""
CONTROLS = {"button", "textbox", "combobox", "radio", "checkbox", "link", "region", "navigation"}


class Tab:
    """A tab. ``errors`` are what the page has said on its console or thrown, ``requested`` the addresses that it asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._loop = loop
        self._socket = socket
        self._number = 0
        self.errors: list[str] = []
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol, and note what has happened until it answers."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, params), SECONDS))

    def open(self, url: str, *, until: str) -> None:
        """Open an address and wait until an expression is true."""
        self.call("Page.navigate", url=url)
        self.wait(until)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, awaited."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        try:
            while True:
                try:
                    self.evaluate(WAIT % expression)
                except RuntimeError:
                    continue  # The page that was asked has gone, another one comes.
                return
        except TimeoutError:
            text = self.evaluate("document.body.innerText")
            pytest.fail(f"never true: {expression}\n{text}\n{self.errors}")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key: Tab, Enter or Space."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " ")}[key]
        shared = {"key": text if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
        modifiers = 8 if shift else 0
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, modifiers=modifiers, **shared)
        self.call("Input.dispatchKeyEvent", type="keyUp", modifiers=modifiers, **shared)

    def look(self, *, width: int, scheme: str, height: int = 900) -> None:
        """Be a window of a width in CSS pixels, for a person who prefers this colour scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, file: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page, or of what the window shows."""
        file.parent.mkdir(parents=True, exist_ok=True)
        drawn = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole, optimizeForSpeed=False
        )
        file.write_bytes(base64.b64decode(drawn["data"]))

    def unnamed(self) -> list[str]:
        """Return the controls and regions that a screen reader has no name for."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        found = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
        assert found
        return [node["role"]["value"] for node in found if not node.get("name", {}).get("value")]

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self._note(message["method"], message["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """Start Chromium with its profile in ``folder``, give a tab, and end it."""
    assert CHROMIUM
    process = subprocess.Popen(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
            *("--no-proxy-server", "--disable-background-networking", "--disable-component-update"),
            *("--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"),
        ],
        env={**os.environ, "HOME": str(folder)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    loop = asyncio.new_event_loop()
    try:
        assert process.stderr is not None
        lines = (re.match(r"DevTools listening on ws://([^/]+)/", line) for line in process.stderr)
        address = next(match[1] for match in lines if match)
        opened = httpx.put(f"http://{address}/json/new?about:blank", trust_env=False, timeout=SECONDS).json()
        session = aiohttp.ClientSession(loop=loop)
        try:
            connected = session.ws_connect(opened["webSocketDebuggerUrl"], max_msg_size=0)
            yield Tab(loop, loop.run_until_complete(connected))
        finally:
            loop.run_until_complete(session.close())
    finally:
        loop.close()
        process.terminate()
        process.communicate()
