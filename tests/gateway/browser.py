"""A headless Chromium driven over its debugging websocket: what a test needs of it and no more."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.waiting import DEADLINE_SECONDS, holds

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0 --window-size=1200,800"
)


class Browser:
    """Hold one page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.complaints: list[str] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, url: str) -> AsyncIterator[Browser]:
        """Start a browser on a page; ended with the block."""
        found = shutil.which("chromium")
        assert found is not None, "ask for chromium first"
        profile = folder / "chromium"
        process = subprocess.Popen(  # noqa: ASYNC220 - it only starts
            [found, *FLAGS.split(), f"--user-data-dir={profile}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            port = await asyncio.to_thread(_port_of, process)
            await holds(lambda: _page_of(port, url) is not None)
            address = _page_of(port, url)
            assert address is not None
            async with connect(address, max_size=None) as connection:
                page = cls(connection)
                await page.call("Runtime.enable")
                await page.call("Log.enable")
                await page.shows("#connection", "not connected")
                yield page
        finally:
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait, 10)
            assert process.stderr is not None
            process.stderr.close()

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method of the debugging protocol and return its result."""
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            async with asyncio.timeout(20):
                said = json.loads(await self._connection.recv())
            if said.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(str(said["params"]))
            if said.get("method") == "Log.entryAdded" and "Content Security Policy" in str(said["params"]):
                self.complaints.append(str(said["params"]))
            if said.get("id") == self._number:
                return said["result"]

    async def do(self, script: str) -> Any:
        """Run a script in the page and return its value."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def shows(self, selector: str, text: str) -> None:
        """Wait until an element shows a text."""
        shown = None
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while shown != text:
                    shown = await self.do(f"(document.querySelector({json.dumps(selector)}) || {{}}).textContent")
                    await asyncio.sleep(0 if shown == text else 0.05)
        except TimeoutError:
            raise AssertionError(f"{selector} shows {shown!r} instead of {text!r}") from None

    async def picture(self) -> bytes:
        """Return a picture of the page."""
        shot = await self.call("Page.captureScreenshot")
        return base64.b64decode(shot["data"])


def _port_of(process: subprocess.Popen[bytes]) -> int:
    """Return the port the browser says it listens on."""
    assert process.stderr is not None
    for line in process.stderr:
        if b"DevTools listening on ws://" in line:
            return int(line.split(b":")[2].split(b"/")[0])
    raise AssertionError("chromium ended before it listened")


def _page_of(port: int, url: str) -> str | None:
    """Return the debugging address of the page; None while it is not open."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
        for target in json.load(answer):
            if target["type"] == "page" and target["url"] == url:
                return str(target["webSocketDebuggerUrl"])
    return None
