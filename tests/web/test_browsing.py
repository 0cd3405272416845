"""The page as a place: by keyboard, for those who do not see it, on a small screen, in a folder of any length."""

import json
from typing import Any

from asking import Person
from looking import Visitor, shot, visiting
from playwright.async_api import Browser, Route, expect

MANY = 100_000
_BATCH = 2_000  # the vault gives 100 at most


async def test_no_page_shuts_anybody_out(web_stack, browser: Browser, alice: Person) -> None:
    folder = await alice.folder("For axe")
    await alice.empty_file("report.txt", folder)
    await alice.folder("Below", folder)
    async with visiting(browser, web_stack.url, "alice") as visitor:
        await visitor.open(f"folder/{folder}")
        await expect(visitor.row("report.txt")).to_be_visible()
        await visitor.is_accessible("folder-list")
        await visitor.button("Show as a grid")
        await visitor.is_accessible("folder-grid")
        await visitor.button("Show as a list")
        await visitor.button("New folder")
        await visitor.is_accessible("new-folder")
        await visitor.button("Cancel")
        await visitor.button("What to do with report.txt")
        await visitor.is_accessible("item-menu")
        await visitor.page.keyboard.press("Escape")
        for place in ("shared", "recent", "search?text=report", "folder/folder_none"):
            await visitor.open(place)
            await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
            await visitor.is_accessible(place.partition("?")[0].replace("/", "-"))


async def test_the_way_in_and_the_small_screen(web_stack, browser: Browser) -> None:
    small = {"width": 390, "height": 780}
    async with visiting(browser, web_stack.url, "alice", viewport=small) as visitor:
        await visitor.button("Menu")
        await visitor.is_accessible("small-menu")
        await visitor.page.get_by_role("dialog").get_by_role("link", name="Recent").click()
        await expect(visitor.page.get_by_role("heading", name="Recent")).to_be_visible()
        await visitor.is_accessible("small-recent")
        width = await visitor.page.evaluate("document.documentElement.scrollWidth")
        assert width <= small["width"]
        await visitor.button("Account: Alice")
        await visitor.is_accessible("account-menu")
        await visitor.page.get_by_role("menuitemradio", name="Dark", exact=True).click()
        assert await visitor.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
        await visitor.button("Account: Alice")
        await visitor.page.get_by_role("menuitem", name="Sign out").click()
        await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible(timeout=20_000)
        await visitor.is_accessible("welcome")


async def test_everything_can_be_done_by_keyboard(at_alices: Visitor, alice: Person) -> None:
    folder = await alice.folder("Keys")
    for name in ("a.txt", "b.txt", "c.txt"):
        await alice.empty_file(name, folder)
    await alice.folder("deeper", folder)
    page, press = at_alices.page, at_alices.page.keyboard.press
    await at_alices.open(f"folder/{folder}")
    await expect(at_alices.row("a.txt")).to_be_visible()
    await at_alices.row("a.txt").focus()
    await press("Space")
    await press("Shift+ArrowDown")
    await at_alices.sees("2 selected")
    await press("Control+a")
    await at_alices.sees("4 selected")
    await press("Escape")
    await press("End")
    await expect(at_alices.row("deeper")).to_be_focused()
    await press("Enter")
    await expect(page.get_by_role("heading", name="deeper")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Keys")).to_be_visible()


_SHIFTS = """
() => new Promise(done => {
  new PerformanceObserver(list => done(list.getEntries().map(it => it.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done([]), 300);
})
"""


async def test_nothing_jumps_while_a_folder_comes_in(at_alices: Visitor, alice: Person) -> None:
    folder = await alice.folder("Still")
    for name in ("one", "two", "three"):
        await alice.empty_file(name, folder)
    await at_alices.open(f"folder/{folder}")
    await expect(at_alices.row("three")).to_be_visible()
    assert sum(await at_alices.page.evaluate(_SHIFTS)) < 0.1  # what Web Vitals call good


_TO_THE_END = """
async (grid) => {
  while (grid.ariaRowCount === "-1") {
    grid.scrollTop = grid.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
  grid.scrollTop = grid.scrollHeight;
}
"""


async def test_a_folder_of_100_000_items_scrolls_and_draws_only_what_is_seen(at_alices: Visitor, alice: Person) -> None:
    """All pages but the first are made on the way to the browser: the vault's own part in it has tests elsewhere."""
    folder = await alice.folder("Long")
    await alice.empty_file("0", folder)
    page = at_alices.page
    await page.route("**/graphql", Lengthened().answer)
    await at_alices.open(f"folder/{folder}")
    await expect(at_alices.row("item 000000")).to_be_visible()
    grid = page.get_by_role("grid")
    await grid.evaluate(_TO_THE_END)
    assert int(await grid.get_attribute("aria-rowcount") or 0) >= MANY
    await expect(at_alices.row("item 099999")).to_be_visible()
    assert await page.get_by_role("row").count() < 60
    await grid.evaluate("it => { it.scrollTop = it.scrollHeight / 2 }")
    await expect(at_alices.row("item 0500").first).to_be_visible()
    await shot(page, "long-folder")


class Lengthened:
    """Answers for the pages of a folder of one file as if it had many."""

    def __init__(self) -> None:
        self._first: dict[str, Any] = {}

    async def answer(self, route: Route) -> None:
        sent = json.loads(route.request.post_data or "{}")
        if sent.get("operationName") != "FolderPage":
            await route.continue_()
            return
        if not self._first:
            self._first = await (await route.fetch()).json()
        folder = self._first["data"]["folder"]
        (edge,) = folder["children"]["edges"]
        start = int(sent["variables"].get("after") or 0)
        stop = start + _BATCH
        nodes = [{**edge["node"], "id": f"file_{at:06}", "name": f"item {at:06}"} for at in range(start, stop)]
        page_info = folder["children"]["pageInfo"] | {"hasNextPage": stop < MANY, "endCursor": f"{stop}"}
        children = folder["children"] | {"edges": [{**edge, "node": node} for node in nodes], "pageInfo": page_info}
        await route.fulfill(json={"data": {"folder": {**folder, "children": children}}})
