"""One whole vault, one browser, and the people who look at the vault through it."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright, expect

# The people here use what those of the stories do.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "gql"))
sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))
sys.path.insert(0, str(Path(__file__).parents[1] / "stories"))

from asking import Person  # found by the lines above, as are the next two
from dev_stack import DevStack
from looking import Visitor, visiting

from vaultstream.http.page import SITE

CHROMIUM = shutil.which("chromium")
FLAGS = [
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
expect.set_options(timeout=30_000)  # a machine with much to do is slow, not wrong
needs_site = pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="the page is not built: make test does it")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(needs_site)
            if "browser" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.story)
                item.add_marker(needs_browser)


@pytest.fixture(scope="session")
def web_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevStack]:
    stack = DevStack(tmp_path_factory.mktemp("web") / "data")
    try:
        stack.start()
        yield stack
    finally:
        if stack.is_up:
            stack.stop()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def client(web_stack: DevStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web_stack.url, timeout=60) as client:
        yield client


@pytest.fixture
def alice(web_stack: DevStack, client: httpx.AsyncClient) -> Person:
    """Alice as a program, to set a scene and to look behind it."""
    return Person(client, web_stack.token("alice@example.com"))


@pytest.fixture
async def at_alices(web_stack: DevStack, browser: Browser) -> AsyncIterator[Visitor]:
    """Alice before her browser, signed in."""
    async with visiting(browser, web_stack.url, "alice") as visitor:
        yield visitor
