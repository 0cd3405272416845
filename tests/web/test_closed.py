"""What cannot be had says so before anybody tries: the archived, what nobody could look into; and what it all costs."""

import asyncio
import os
from dataclasses import replace

from asking import Person
from doors import until
from looking import Visitor
from playwright.async_api import expect
from test_bringing import text
from test_scanner_archives import encrypted_zip

from vaultstream.actions import process
from vaultstream.adapters.vault import opened
from vaultstream.events import EventName
from vaultstream.local.aging import advance
from vaultstream.versions import ScanStatus, StoredVersion

EXPOSED = "query ($id: ID!) { exposure(fileId: $id) { readers { times } } }"


async def test_what_is_archived_is_restored_from_the_page_which_tells_when_it_is_there(
    at_alices: Visitor, alice: Person, web_stack
) -> None:
    page, folder = at_alices.page, await alice.folder("Archive")
    await at_alices.open(f"folder/{folder}")
    await expect(page.get_by_role("heading", name="Archive")).to_be_visible()
    await at_alices.bring(text("old.bin", os.urandom(3 << 20), "application/octet-stream"))
    row = at_alices.row("old.bin")
    await expect(row).to_contain_text("Clean", timeout=30_000)
    await asyncio.to_thread(advance, web_stack.folder, 200)
    await expect(row).to_contain_text("Archived", timeout=30_000)  # without a reload
    await at_alices.button("What to do with old.bin")
    await expect(page.get_by_role("menuitem", name="Download")).to_be_disabled()
    await page.get_by_role("menuitem", name="Details").click()
    await at_alices.sees("It lies in the deep archive.")
    await expect(page.get_by_role("button", name="Download", exact=True)).to_be_disabled()
    await at_alices.is_accessible("archived")
    with web_stack.frozen("workers"):
        await at_alices.button("Restore from the archive")
        await at_alices.sees("It is being restored, and expected by")
    await at_alices.sees("Restored from the archive: it can be read until", seconds=40)  # without a reload
    await expect(page.get_by_role("button", name="Download", exact=True)).to_be_enabled()


async def test_what_it_costs_is_drawn_and_told_in_figures(at_alices: Visitor, alice: Person) -> None:
    folder = await alice.folder("Costly")
    await alice.empty_file("nothing", folder)
    cheap = await alice.folder("Costs nothing")
    await at_alices.page.get_by_role("link", name="What it costs").click()
    bills = at_alices.page.get_by_role("table")
    await expect(bills).to_have_count(3)
    await expect(bills.first.get_by_role("row", name="Together")).to_contain_text("$")
    await at_alices.page.get_by_label("How long").select_option("12 months")
    await expect(bills.nth(1)).to_contain_text("12 months")
    by_folder = at_alices.page.get_by_role("table", name="A month, folder by folder")
    await expect(by_folder.get_by_role("row", name="Costs nothing")).to_contain_text("$0")
    names = await by_folder.get_by_role("button").all_inner_texts()
    assert names.index("Costly") < names.index("Costs nothing")  # the dearest first
    await at_alices.is_accessible("costs")
    await by_folder.get_by_role("button", name="Costs nothing").click()
    await expect(at_alices.page.get_by_role("dialog", name="Costs nothing")).to_be_visible()
    assert f"open={cheap}" in at_alices.page.url


async def test_what_nobody_could_look_into_is_let_out_with_a_reason_and_who_had_it_is_told(
    at_alices: Visitor, alice: Person, web_stack
) -> None:
    page, folder = at_alices.page, await alice.folder("Sealed")
    await at_alices.open(f"folder/{folder}")
    await expect(page.get_by_role("heading", name="Sealed")).to_be_visible()
    await at_alices.bring(text("letters.zip", encrypted_zip(), "application/zip"))
    row = at_alices.row("letters.zip")
    await expect(row).to_contain_text("Cannot be scanned", timeout=30_000)
    await row.click()
    await page.get_by_label("Why it is let out").fill("<i>we packed it ourselves")
    await at_alices.is_accessible("quarantine")
    await at_alices.button("Let it out")
    await at_alices.sees("Let out by Alice on", "<i>we packed it ourselves")
    async with page.expect_download() as begun:
        await at_alices.button("Download")
    await (await begun.value).path()
    await page.keyboard.press("Escape")
    await expect(row).to_contain_text("Released")
    file_id = await row.get_attribute("data-id") or ""

    async def is_recorded() -> bool:  # the log is written from the queue
        return (await alice.data(EXPOSED, id=file_id))["exposure"]["readers"] != []

    await until(is_recorded)
    await _found_infected(web_stack, file_id)
    await expect(row).to_contain_text("Infected", timeout=30_000)
    await row.click()
    had = page.get_by_role("region", name="Who has downloaded it").get_by_role("listitem")
    await expect(had).to_contain_text("alice@example.com · once, on")
    await at_alices.is_accessible("exposed")


async def _found_infected(stack, file_id: str) -> None:
    """As newer rules would find it."""

    def find(stored: StoredVersion) -> StoredVersion:
        scan = replace(
            stored.version.scan, status=ScanStatus.INFECTED, signature="Test.Late", reason=None, release=None
        )
        return replace(stored, version=replace(stored.version, scan=scan))

    async with opened(stack.settings) as vault:
        told = process.worker_event(vault, "scan", EventName.VERSION_SCANNED, "rescan", status="INFECTED")
        assert await process.advance(vault, file_id, 1, find, told) is not None
