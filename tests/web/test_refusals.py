"""What must not happen does not: a picture that is a program runs nothing, and what does not fit is refused plainly."""

from pathlib import Path

import pytest
from asking import Person
from looking import Visitor
from playwright.async_api import Error, expect
from test_bringing import text
from vault_use import link

HOSTILE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" onload="alert(1)">
<script>alert(2)</script><rect width="200" height="100" fill="green"/>
<foreignObject width="100" height="50"><p xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(3)"/></p>
</foreignObject><a href="javascript:alert(4)"><text y="50">click</text></a></svg>"""


async def test_a_hostile_svg_runs_nothing_in_the_browser(at_alices: Visitor, alice: Person) -> None:
    page, folder = at_alices.page, await alice.folder("Pictures")
    await at_alices.open(f"folder/{folder}")
    await expect(page.get_by_role("heading", name="Pictures")).to_be_visible()
    await at_alices.bring(text("hostile.svg", HOSTILE, "image/svg+xml"))
    row = at_alices.row("hostile.svg")
    await expect(row).to_contain_text("Clean", timeout=30_000)
    file_id = await row.get_attribute("data-id") or ""
    await row.click()
    await expect(page.locator(".preview")).to_be_visible()
    await page.locator(".preview").click()
    assert await page.locator(".preview svg script, .preview object, .preview iframe, .preview embed").count() == 0

    tab = await page.context.new_page()  # whoever opens its address gets a file, and no page
    tab.on("dialog", lambda dialog: at_alices.alarms.append(dialog.message))
    with pytest.raises(Error, match="Download is starting"):
        await tab.goto(await link(alice, file_id))
    await tab.close()


async def test_what_does_not_fit_is_refused_with_what_can_be_done(
    at_alices: Visitor, alice: Person, tmp_path: Path
) -> None:
    folder = await alice.folder("Full")
    taken = []
    for name in ("one", "other"):
        wanted = {"name": name, "folderId": folder, "sizeBytes": 40 << 30}
        begun = await alice.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted)
        taken.append(begun["upload"]["id"])
    await at_alices.bring(hollow(tmp_path / "whale.bin", 30 << 30))
    await at_alices.sees("There is not enough room left. Empty the trash, or ask for a larger quota.")
    await at_alices.is_accessible("quota")
    await at_alices.button("Dismiss")
    await at_alices.bring(hollow(tmp_path / "leviathan.bin", 60 << 30))
    await at_alices.sees("This file is larger than any that the vault takes.")
    await at_alices.button("Dismiss")
    for name in ("whale.bin", "leviathan.bin"):
        await expect(at_alices.row(name)).to_have_count(0)
    for upload in taken:
        await alice.done("uploadAbort", "UploadAbortInput", "upload { id }", uploadId=upload)


def hollow(path: Path, size_bytes: int) -> Path:
    """A file of that size without a byte on the disk."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path
