"""A headless Chromium that a test drives by DevTools' protocol over two pipes: no port, no driver, no network."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One page; ``messages`` are what its scripts and policy complained about."""

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._answers, self._left, self._count, self._session = to, answers, b"", 0, None
        self.messages: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self._call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
        )

    def open(self, file: Path) -> None:
        """Load a file and wait for it."""
        self._call("Page.navigate", url=file.resolve().as_uri())
        while self.js("document.readyState") != "complete" or self.js("location.protocol") != "file:":
            pass

    def js(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; DevTools' own scripts are beyond the page's policy."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element, which is scrolled to."""
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, selector: str) -> None:
        """Move the mouse onto an element."""
        x, y = self._middle(selector)
        self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self._call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Press a key by its name and Windows' number, such as Enter, 13."""
        text = {"Enter": "\r"}.get(key)
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    def phone(self, width: int = 390, height: int = 800) -> None:
        """Show it as on a phone."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True)

    def _middle(self, selector: str) -> tuple[float, float]:
        place = "{block: 'center', behavior: 'instant'}"
        found = f"document.querySelector({selector!r})"
        box = f"(e => (e.scrollIntoView({place}), e.getBoundingClientRect()))({found})"
        x, y, width, height = self.js(f"(b => [b.x, b.y, b.width, b.height])({box})")
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # scrolled, by now
        return x + width / 2, y + height / 2

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        call = {"id": self._count, "method": method, "params": parameters}
        call |= {"sessionId": self._session} if self._session else {}
        os.write(self._to, json.dumps(call).encode() + b"\0")
        while True:
            answer = self._answer()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.messages.append(json.dumps(answer["params"]))

    def _answer(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._answers, 1 << 16)
            assert part, "the browser has ended"
            self._left += part
        first, _, self._left = self._left.partition(b"\0")
        return json.loads(first)


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """A page in a browser of its own, which ends with the test."""
    to, answers = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]

        def to_three_and_four() -> None:  # where Chromium reads and writes; numbers above them first, so none is lost
            reading, writing = os.dup2(to[0], 103), os.dup2(answers[1], 104)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        process = subprocess.Popen(
            [CHROMIUM, *options], preexec_fn=to_three_and_four, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to[0])
        os.close(answers[1])
        try:
            yield Page(to[1], answers[0])
        finally:
            process.kill()
            process.wait()
            os.close(to[1])
            os.close(answers[0])
