"""The page as a place: by keyboard, for those who do not see it, on a small screen, in a folder of any length."""

from urllib.parse import parse_qs, urlsplit

from asking import Person
from looking import PHONE, Visitor, shot, visiting
from playwright.async_api import Browser, expect

MANY = 100_000


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
    async with visiting(browser, web_stack.url, "alice", viewport=PHONE) as visitor:
        await visitor.button("Menu")
        await visitor.is_accessible("small-menu")
        await visitor.page.get_by_role("dialog").get_by_role("link", name="Recent").click()
        await expect(visitor.page.get_by_role("heading", name="Recent")).to_be_visible()
        await visitor.is_accessible("small-recent")
        await visitor.button("Account: Alice")
        await visitor.is_accessible("account-menu")
        await visitor.page.get_by_role("menuitem", name="Settings").click()
        await expect(visitor.page.get_by_role("heading", name="Settings")).to_be_visible()
        await visitor.is_accessible("settings")
        await visitor.page.get_by_role("radio", name="A list").check()
        await visitor.page.get_by_role("radio", name="Dark", exact=True).check()
        assert await visitor.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
        await visitor.button("Account: Alice")
        async with visitor.page.expect_request("**/end_session?**") as leaving:
            await visitor.page.get_by_role("menuitem", name="Sign out").click()
        said = parse_qs(urlsplit((await leaving.value).url).query)
        assert said["post_logout_redirect_uri"] == said["logout_uri"] == [f"{web_stack.url}/"]
        await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)
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


_LENGTHEN = """
many => {
  const known = window.fetch;
  let folder = null;
  window.fetch = async (url, options) => {
    const sent = url === "/graphql" && typeof options?.body === "string" ? JSON.parse(options.body) : {};
    if (sent.operationName !== "FolderPage") return known(url, options);
    folder ??= (await (await known(url, options)).json()).data.folder;
    const [edge] = folder.children.edges;
    const start = Number(sent.variables.after ?? 0);
    const stop = start + 2000; // the vault gives 100 at most
    const edges = Array.from({ length: 2000 }, (_, at) => {
      const digits = `${start + at}`.padStart(6, "0");
      return { ...edge, node: { ...edge.node, id: `file_${digits}`, name: `item ${digits}` } };
    });
    const pageInfo = { ...folder.children.pageInfo, hasNextPage: stop < many, endCursor: `${stop}` };
    return Response.json({ data: { folder: { ...folder, children: { ...folder.children, edges, pageInfo } } } });
  };
}
"""
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
    """All pages are made of the first one, in the browser: the vault's own part in it has tests elsewhere."""
    folder = await alice.folder("Long")
    await alice.empty_file("0", folder)
    page = at_alices.page
    await page.evaluate(_LENGTHEN, MANY)
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
