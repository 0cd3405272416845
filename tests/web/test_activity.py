"""Whoever may share an item sees what was done to it, and nobody else does."""

from asking import Person
from doors import until
from looking import Visitor, visiting
from playwright.async_api import Browser, expect

HISTORY = "query ($id: ID!) { folder(id: $id) { history(first: 10) { edges { node { action } } } } }"


async def test_an_items_activity_is_told_to_who_may_share_it(
    at_alices: Visitor, alice: Person, web_stack, browser: Browser
) -> None:
    folder = await alice.folder("Sketches")
    wanted = {"folderId": folder, "name": "<i>Plans"}
    renamed = await alice.done("folderRename", "FolderRenameInput", "folder { id }", **wanted)
    assert renamed["errors"] == []

    async def is_recorded() -> bool:  # the log is written from the queue
        return len((await alice.data(HISTORY, id=folder))["folder"]["history"]["edges"]) == 3

    async with visiting(browser, web_stack.url, "bob") as bob:
        granted = {"itemId": folder, "email": "bob@example.com", "role": "EDITOR"}
        share = (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **granted))["share"]
        await until(is_recorded)

        await at_alices.open(f"files?open={folder}")
        await at_alices.page.get_by_role("tab", name="Activity").click()
        entries = at_alices.page.get_by_label("Activity", exact=True).get_by_role("listitem")
        await expect(entries.locator("b")).to_have_text(["Shared", "Renamed", "Created"])
        await expect(entries.nth(1)).to_contain_text("You")
        await expect(entries.nth(1)).to_contain_text("Sketches → <i>Plans")
        await at_alices.is_accessible("details-activity")

        page = at_alices.page
        await page.get_by_text("Who could read it, and who did").click()
        await at_alices.button("Look")
        could = page.get_by_label("Could read it").get_by_role("listitem")
        await expect(could.locator("b").first).to_have_text("You")
        await expect(could.first).to_contain_text("owner · Owner · ")
        await expect(could.nth(1)).to_contain_text("by a share · May edit · ")
        await at_alices.sees("Nothing is missing from ", "Nobody did.")
        await at_alices.is_accessible("details-report")

        await bob.open(f"files?open={folder}")
        await expect(bob.page.get_by_role("tab", name="Sharing")).to_be_visible()
        await expect(bob.page.get_by_role("tab", name="Activity")).to_have_count(0)
    ended = await alice.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=share["id"])
    assert ended["errors"] == []  # nobody else here is to find it among what is shared
