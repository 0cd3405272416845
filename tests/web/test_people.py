"""Stories of people: one shares, the other says something, both see it; what is taken back is gone at once."""

from asking import Person
from looking import Visitor, looking, shot, violations, visiting
from playwright.async_api import Browser, expect
from test_bringing import text


async def test_alice_shares_bob_comments_alice_sees_it_live_revokes_and_bob_loses_it(
    at_alices: Visitor, web_stack, browser: Browser
) -> None:
    alice = at_alices
    async with visiting(browser, web_stack.url, "bob") as bob:
        await alice.bring(text("budget.txt", b"one, two, three"))
        await expect(alice.row("budget.txt")).to_contain_text("Clean", timeout=30_000)
        await alice.choose("budget.txt", "Details")
        await alice.sees("one, two, three")
        await alice.is_accessible("details-about")
        await alice.page.get_by_role("tab", name="Sharing").click()
        await alice.page.get_by_label("E-mail address").fill("bob@example.com")
        await alice.page.get_by_label("What they may do").select_option("COMMENTER")
        await alice.button("Share")
        await expect(alice.page.get_by_role("button", name="Revoke what")).to_be_visible()
        await alice.is_accessible("details-sharing")
        await alice.page.get_by_role("tab", name="Comments").click()
        await alice.sees("Nobody has said anything yet.")

        await bob.open("shared")
        await bob.row("budget.txt").click()
        await bob.page.get_by_role("tab", name="Comments").click()
        await bob.page.get_by_label("Say something").fill("<img src=x onerror=alert(1)> looks good, @alice@example.com")
        await bob.button("Send")
        await alice.sees("<img src=x onerror=alert(1)> looks good")  # live, and as text
        await alice.is_accessible("details-comments")
        await bob.button("Change the comment")
        await (
            bob.page.get_by_label("Change the comment", exact=True).and_(bob.page.locator("textarea")).fill("better so")
        )
        await bob.button("Save")
        await bob.sees("(edited)", "better so")

        await alice.page.get_by_role("tab", name="Sharing").click()
        await alice.button("Change what Bob has")
        change = alice.page.get_by_role("dialog", name="Change what Bob has")
        await change.get_by_label("What they may do").select_option("EDITOR")
        await alice.is_accessible("share-terms")
        await alice.button("Save")
        await expect(change).to_be_hidden()
        await expect(alice.page.get_by_role("listitem").filter(has_text="bob@example.com")).to_contain_text("May edit")
        await alice.page.get_by_role("button", name="Revoke what").click()
        await alice.sees("It is shared with nobody.")
        await bob.page.get_by_label("Say something").fill("still there?")
        await bob.button("Send")
        await expect(bob.page.get_by_role("alert").filter(has_text="There is no such")).to_be_visible()
        assert await bob.page.get_by_label("Say something").input_value() == "still there?"
        await bob.page.keyboard.press("Escape")
        await bob.open("recent")
        await bob.open("shared")
        await bob.sees("Nothing is shared with you yet")


async def test_a_link_with_a_password_opens_for_whoever_knows_it_and_ends_when_it_is_revoked(
    at_alices: Visitor, web_stack, browser: Browser
) -> None:
    alice = at_alices
    await alice.bring(text("plans.txt", b"for the one who knows"))
    await expect(alice.row("plans.txt")).to_contain_text("Clean", timeout=30_000)
    await alice.choose("plans.txt", "Details")
    await alice.page.get_by_role("tab", name="Sharing").click()
    await alice.page.get_by_label("Password (optional").fill("open sesame")
    await alice.page.get_by_label("Downloads at most").fill("1")
    await alice.button("Make a link")
    address = await alice.page.get_by_label("The link.").input_value()
    async with looking(browser, web_stack.url, "a guest") as guest:
        await guest.page.goto(address)
        await guest.sees("This link asks for a password")
        assert await violations(guest.page) == []
        await shot(guest.page, "link-locked")
        await guest.page.get_by_label("Password of the link").fill("wrong password")
        await guest.button("Open")
        await guest.sees("This link asks for its password.")
        await guest.page.get_by_label("Password of the link").fill("open sesame")
        await guest.button("Open")
        await expect(guest.page.get_by_role("heading", name="plans.txt")).to_be_visible()
        await guest.is_accessible("link")
        async with guest.page.expect_download() as begun:
            await guest.button("Download")
        with open(await (await begun.value).path(), "rb") as file:  # noqa: ASYNC230  # a few bytes, and they are here
            assert file.read() == b"for the one who knows"
        await guest.button("Download")
        await expect(guest.page.get_by_role("alert").filter(has_text="download")).to_be_visible()
        await alice.button("Change the link")
        change = alice.page.get_by_role("dialog", name="Change the link")
        await change.get_by_label("Downloads at most").fill("2")
        await alice.is_accessible("link-terms")
        await alice.button("Save")
        await alice.sees("1 of 2 downloads")
        async with guest.page.expect_download():
            await guest.button("Download")
        await alice.button("Revoke the link")
        await expect(alice.page.get_by_role("button", name="Revoke the link")).to_be_hidden()
        await guest.page.reload()
        await guest.sees("This link is not open")


async def test_what_is_thrown_away_is_undone_restored_and_gone_for_ever(at_alices: Visitor, alice: Person) -> None:
    folder = await alice.folder("Attic")
    for name in ("chair", "lamp", "table"):
        await alice.empty_file(name, folder)
    page = at_alices.page
    await at_alices.open(f"folder/{folder}")
    await at_alices.row("chair").focus()
    await page.keyboard.press("Control+a")
    await at_alices.button("Move to the trash")
    await at_alices.sees("Nothing here yet", "3 moved to the trash")
    await at_alices.button("Undo")
    await expect(at_alices.row("lamp")).to_be_visible()
    await at_alices.choose("lamp", "Move to the trash")
    await expect(at_alices.row("lamp")).to_be_hidden()
    await at_alices.open("trash")
    await expect(at_alices.row("lamp")).to_be_visible()
    await at_alices.is_accessible("trash")
    await at_alices.choose("lamp", "Restore")
    await at_alices.open(f"folder/{folder}")
    await expect(at_alices.row("lamp")).to_be_visible()
    await at_alices.choose("table", "Move to the trash")
    await expect(at_alices.row("table")).to_be_hidden()
    await at_alices.open("trash")
    await page.get_by_label("Select table").check()
    await at_alices.button("Delete for ever")
    await at_alices.sees("Nobody can bring that back.")
    await at_alices.is_accessible("purge")
    await page.get_by_role("dialog").get_by_role("button", name="Delete for ever").click()
    await expect(at_alices.row("table")).to_be_hidden()


async def test_an_older_version_becomes_the_newest_again(at_alices: Visitor) -> None:
    for words in (b"the first words", b"other words"):
        await at_alices.bring(text("draft.txt", words))
        if words == b"other words":
            await at_alices.button("Add as a new version")
        await expect(at_alices.row("draft.txt")).to_contain_text(f"{len(words)} bytes", timeout=30_000)
        await expect(at_alices.row("draft.txt")).to_contain_text("Clean", timeout=30_000)
    await at_alices.choose("draft.txt", "Details")
    await at_alices.page.get_by_role("tab", name="Versions").click()
    await at_alices.button("Restore version 1")
    await at_alices.sees("Version 3")
    await at_alices.is_accessible("details-versions")
    versions = at_alices.page.get_by_role("tabpanel").get_by_role("listitem")
    await at_alices.button("Label version 1")
    await at_alices.page.get_by_label("Label: a version").fill("<b>first")
    await at_alices.button("Save")
    await expect(versions.nth(2)).to_contain_text("Version 1 <b>first")
    await at_alices.button("Delete version 2 for ever")
    await at_alices.sees("Nobody can bring that back.")
    await at_alices.page.get_by_role("dialog", name="Delete version 2").locator(".danger").click()
    await expect(versions).to_have_count(2)
    await at_alices.page.get_by_role("tab", name="About").click()
    await at_alices.sees("the first words", seconds=60)


async def test_files_are_renamed_and_moved(at_alices: Visitor, alice: Person) -> None:
    folder = await alice.folder("Moving")
    await alice.folder("Boxes", await alice.root())
    await alice.empty_file("old name.txt", folder)
    await at_alices.open(f"folder/{folder}")
    await at_alices.choose("old name.txt", "Rename")
    await at_alices.page.get_by_label("Another name for old name.txt").click()
    await at_alices.is_accessible("rename")
    await at_alices.page.keyboard.press("Control+a")
    await at_alices.page.keyboard.type('"><img src=x onerror=alert(1)>.svg')
    await at_alices.page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    row = at_alices.row('"><img src=x onerror')
    await expect(row).to_be_visible()
    await row.get_by_role("checkbox").check()
    await at_alices.is_accessible("selection")
    await at_alices.button("Move")
    await expect(at_alices.page.get_by_role("dialog").get_by_role("button", name="Boxes")).to_be_visible()
    await at_alices.is_accessible("move")
    await at_alices.page.get_by_role("dialog").get_by_role("button", name="Boxes").click()
    await at_alices.button("Move here")
    await at_alices.sees("Nothing here yet")
    await at_alices.button("Undo")
    await expect(row).to_be_visible()


async def test_files_are_dragged_into_a_folder(at_alices: Visitor, alice: Person) -> None:
    folder = await alice.folder("Desk")
    await alice.folder("Drawer", folder)
    for name in ("pen", "ruler", "stays"):
        await alice.empty_file(name, folder)
    await at_alices.open(f"folder/{folder}")
    for name in ("pen", "ruler"):
        await at_alices.page.get_by_label(f"Select {name}").check()
    await at_alices.row("pen").drag_to(at_alices.row("Drawer"))
    await at_alices.sees("2 moved")
    await expect(at_alices.row("ruler")).to_be_hidden()
    await at_alices.row("Drawer").drag_to(at_alices.row("stays"))  # a file holds nothing
    await expect(at_alices.page.get_by_role("row")).to_have_count(2)
    await at_alices.row("Drawer").click()
    await expect(at_alices.row("ruler")).to_be_visible()
    await expect(at_alices.row("pen")).to_be_visible()
