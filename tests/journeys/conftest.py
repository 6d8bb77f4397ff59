"""A running stack with the demo on it, a browser, and people who use it: everything from outside, as they see it."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from config.embedded.stack import AGENCY, ROOT, Stack
from tests import stacks

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PAIRING_CODE = re.compile(r"Mã ghép nối: ([0-9]{6})")
T = TypeVar("T")
# The browser itself encodes a picture anew: no further program is needed.
AS_WEBP = """async (png) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.75).split(",")[1];
}"""
AGENT = "http://127.0.0.1:17171"  # where the page looks for the signing agent
PATIENCE = 60  # seconds for what a worker does


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Agency and hub with the demo, serving."""
    with stacks.quick_folder("journey") as folder, Stack(stacks.begin(Path(folder) / "var"), durable=False) as running:
        running.seed()
        running.serve()
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, closed after the journeys: while Playwright runs, this thread has a running loop.

    Without the sandbox only where root runs the tests, since Chromium refuses to start otherwise.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "Chromium is missing: make test says how to install it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield started
        started.close()


@pytest.fixture(scope="package")
def handbook(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the journeys about files put their pictures; with HOSO_SCREENSHOTS=1 they go to docs/screenshots/handbook, as WebP."""
    folder = tmp_path_factory.mktemp("handbook")
    yield folder
    if os.environ.get("HOSO_SCREENSHOTS"):
        page = chromium.new_page()
        for picture in sorted(folder.glob("*.png")):
            encoded = page.evaluate(AS_WEBP, base64.b64encode(picture.read_bytes()).decode())
            (ROOT / "docs" / "screenshots" / "handbook" / picture.with_suffix(".webp").name).write_bytes(base64.b64decode(encoded))
        page.close()


class Desk:
    """One person at their own browser. `troubles` gathers what the browser complains about: errors of scripts and refused content."""

    def __init__(self, browser: Browser, stack: Stack, name: str) -> None:
        self.stack, self.name = stack, name
        self.context = browser.new_context(base_url=stack.url(AGENCY), viewport=WIDE, locale="en-US")
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        """The signing agent answers 401 to a browser that is not paired yet: that is how the page knows, and no trouble."""
        if message.type == "error" and not message.location["url"].startswith(AGENT):
            self.troubles.append(message.text)

    def sign_in(self) -> Page:
        self.page.goto("/")
        self.page.get_by_label("Tên đăng nhập").fill(self.name)
        self.page.get_by_label("Mật khẩu").fill(self.stack.demo()["password"])
        self.page.get_by_role("button", name="Đăng nhập", exact=True).click()
        expect(self.page.get_by_role("heading", name="Việc của tôi")).to_be_visible()
        return self.page

    def picture(self, folder: Path, name: str) -> None:
        """The page as it is, wide and narrow; the narrow one must not need scrolling sideways."""
        for size in (WIDE, NARROW):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.evaluate("window.scrollTo(0, 0)")
            self.page.screenshot(path=folder / f"{name}-{size['width']}.png", animations="disabled")
            assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} is wider than {size['width']} px"
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]


class SigningAgent:
    """The signing agent on the approver's machine, with the demo's certificate; what it says is read from its window."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log

    def pairing_code(self) -> str:
        return until(lambda: (PAIRING_CODE.findall(self.log.read_text()) or [None])[-1], "a pairing code")

    def is_up(self) -> bool:
        return "đang chạy" in self.log.read_text()


@contextmanager
def signing_agent(stack: Stack, login: str, folder: Path) -> Iterator[SigningAgent]:
    log = folder / "agent.log"
    certificate = next(one["certificate"] for one in stack.demo()["logins"] if one["username"] == login)
    command = [sys.executable, "-m", "signing_agent", "--p12", certificate, "--origin", stack.url(AGENCY)]
    with log.open("w") as window, subprocess.Popen(command, cwd=ROOT, stdout=window, stderr=window, text=True) as process:
        agent = SigningAgent(process, log)
        try:
            until(agent.is_up, f"the signing agent: {log.read_text()}")
            yield agent
        finally:
            process.terminate()


def until(question: Callable[[], T | None], what: str) -> T:
    """Ask until the answer is something; what a process writes into its log has no event to wait for."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)
    return answer
