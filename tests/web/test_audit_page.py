"""Who is an auditor sees the whole log on the page, narrows it, and sees that it is signed; nobody else is shown it."""

from pathlib import Path

from asking import Person
from doors import until
from looking import Visitor, visiting
from playwright.async_api import Browser, expect

from vaultstream.actions import checkpoint
from vaultstream.adapters.vault import opened

SEEN = "query ($where: AuditWhere) { auditEvents(first: 2, where: $where) { edges { node { id } } } }"


async def test_an_auditor_narrows_the_log_down_and_sees_that_it_is_signed(
    at_alices: Visitor, alice: Person, web_stack, browser: Browser
) -> None:
    page, folder = at_alices.page, await alice.folder("<b>Ledger")
    await alice.done("folderRename", "FolderRenameInput", "folder { id }", folderId=folder, name="Ledgers")

    async def is_recorded() -> bool:  # the log is written from the queue
        return len((await alice.data(SEEN, where={"itemId": folder}))["auditEvents"]["edges"]) == 2

    await until(is_recorded)
    async with opened(web_stack.settings) as vault:
        await checkpoint.take(vault)
    await page.get_by_role("link", name="Audit log").click()
    entries = page.get_by_role("list", name="Audit log").get_by_role("listitem")
    await expect(page.get_by_text("The signature holds.")).to_be_visible()
    await entries.filter(has_text="Created").get_by_role("button", name="Ledgers").first.click()
    await expect(entries.locator("b")).to_have_text(["Renamed", "Created"])
    await expect(entries.first).to_contain_text("You")
    await expect(entries.first).to_contain_text("<b>Ledger → Ledgers")
    await entries.first.get_by_text("Row ").click()
    await expect(entries.first).to_contain_text("127.0.0.1")
    await at_alices.is_accessible("audit")

    for name, first in (("evidence", b'{"checkpoint"'), ("a table", b'"seq"')):
        async with page.expect_download() as saved:
            await at_alices.button(f"Export as {name}")
        export = Path(await (await saved.value).path()).read_bytes()  # noqa: ASYNC240  # nothing else waits here
        assert export.startswith(first)
        assert folder.encode() in export

    await page.get_by_label("Whether it happened").select_option("Refused")
    await at_alices.button("Look")
    await at_alices.sees("Nothing recorded fits.")
    await expect(page.get_by_label("Done to (id")).to_have_value(folder)

    await page.route("**/graphql", forged)
    await at_alices.open("recent")
    await at_alices.open("audit")
    await at_alices.sees("does not hold. Tell the operator.")
    await page.unroute_all()
    async with visiting(browser, web_stack.url, "bob") as bob:
        await expect(bob.page.get_by_role("link", name="Trash")).to_be_visible()
        await expect(bob.page.get_by_role("link", name="Audit log")).to_have_count(0)
        await bob.open("audit")
        await expect(bob.page.get_by_role("alert")).to_have_text("Only an auditor may read the audit log.")


async def forged(route) -> None:
    """The checkpoint of a chain that is another by one digit; all else as it is."""
    if "AuditCheckpoint" not in (route.request.post_data or ""):
        await route.continue_()
        return
    answer = await route.fetch()
    found = (await answer.json())["data"]["auditCheckpoint"]
    line = found["line"].replace('"seq":', '"seq":1', 1)
    await route.fulfill(json={"data": {"auditCheckpoint": {**found, "line": line}}})
