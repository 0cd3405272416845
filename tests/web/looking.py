"""A person before a browser: what they do there, what they see, and what must never happen meanwhile."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, ConsoleMessage, Locator, Page, expect

SHOTS = Path(__file__).parents[2] / "build" / "shots"  # what the pages look like, for whoever wants to see
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_AWAY = ("Failed to load resource", "WebSocket connection to")  # what a browser notes of a server that is gone


@dataclass(slots=True)
class Visitor:
    """Somebody who is signed in; `alarms` are what no page may ever cause."""

    page: Page
    url: str
    name: str
    alarms: list[str] = field(default_factory=list)

    async def open(self, place: str = "") -> None:
        """Go to a place of the page without loading it anew."""
        await self.page.evaluate("place => { location.hash = place }", f"#/{place}")

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=name)

    async def bring(self, *files: Path | dict[str, Any]) -> None:
        """Choose files to upload."""
        await self.page.set_input_files("input[type=file][multiple]", list(files))  # type: ignore[arg-type]  # payloads

    async def sees(self, *texts: str, seconds: float = 20) -> None:
        for text in texts:
            await expect(self.page.get_by_text(text).first).to_be_visible(timeout=seconds * 1000)

    async def button(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def choose(self, item: str, deed: str) -> None:
        """A deed from an item's menu."""
        await self.button(f"What to do with {item}")
        await self.page.get_by_role("menuitem", name=deed, exact=True).click()

    async def is_accessible(self, name: str) -> None:
        """Axe finds nothing in the light, wide, or dark, on a phone, where nothing sticks out; pictures are kept."""
        before = self.page.viewport_size or WIDE
        await self.page.wait_for_timeout(100)  # what is drawn in steps is there; with less motion, nothing fades
        for size, schemes in ((PHONE, ("light", "dark")), (WIDE, ("dark", "light"))):
            await self.page.set_viewport_size(size)
            for scheme in schemes:
                await self.page.emulate_media(color_scheme=scheme)
                await shot(self.page, f"{name}-{'phone' if size is PHONE else 'wide'}-{scheme}")
            assert await violations(self.page) == [], f"{name} in the {schemes[-1]}"
            width = await self.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{name} sticks out by {width - size['width']} pixels"
        await self.page.set_viewport_size(before)

    async def slow(self, bytes_per_second: int) -> CDPSession:
        """A slow line upwards; 0 for a fast one again."""
        session = await self.page.context.new_cdp_session(self.page)
        rate = bytes_per_second or -1
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate}
        await session.send("Network.enable")
        await session.send("Network.emulateNetworkConditions", conditions)
        return session


async def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png")


async def violations(page: Page) -> list[str]:
    """What axe finds against the page as it is now, each in a line."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {each['help']}: {json.dumps([node['html'][:160] for node in each['nodes'][:3]])}"
        for each in found["violations"]
    ]


@asynccontextmanager
async def looking(browser: Browser, url: str, name: str, **options: Any) -> AsyncIterator[Visitor]:
    """Somebody at a fresh browser; at the end nothing may have been refused by the policy, run or thrown."""
    given = {"viewport": WIDE, "reduced_motion": "reduce"} | options
    context = await browser.new_context(**given)
    page = await context.new_page()
    visitor = Visitor(page, url, name)

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_AWAY):
            visitor.alarms.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: visitor.alarms.append(f"{error}"))
    page.on("dialog", lambda dialog: _accept(visitor, dialog))
    try:
        yield visitor
        assert visitor.alarms == []
    finally:
        await context.close()


@asynccontextmanager
async def visiting(browser: Browser, url: str, name: str, **options: Any) -> AsyncIterator[Visitor]:
    """Somebody who has signed in."""
    async with looking(browser, url, name, **options) as visitor:
        await visitor.page.goto(url)
        await sign_in(visitor)
        yield visitor


async def sign_in(visitor: Visitor) -> None:
    await visitor.button("Sign in")
    await visitor.page.get_by_role("button", name=f"{visitor.name}@").click()
    await expect(visitor.page.get_by_role("main")).to_be_visible(timeout=30_000)


async def _accept(visitor: Visitor, dialog: Any) -> None:
    if dialog.type != "beforeunload":
        visitor.alarms.append(f"{dialog.type}: {dialog.message}")
    await dialog.accept()
