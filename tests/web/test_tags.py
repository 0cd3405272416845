"""A file gets words by which it is found again, and loses them."""

from asking import Person
from looking import Visitor
from playwright.async_api import expect


async def test_tags_are_added_refused_with_what_was_typed_and_taken_away(at_alices: Visitor, alice: Person) -> None:
    page = at_alices.page
    file_id = await alice.empty_file("invoice.txt", await alice.folder("For tags"))

    async def tags() -> list[str]:
        seen = await alice.data("query ($id: ID!) { file(id: $id) { tags } }", id=file_id)
        return sorted(seen["file"]["tags"])

    await at_alices.open(f"files?open={file_id}")
    add = page.get_by_label("Add tags, with commas between")
    await add.fill("Tax, <b>2026</b>")
    await at_alices.button("Add")
    await expect(page.get_by_role("button", name="Remove the tag tax")).to_be_visible()
    await expect(page.get_by_role("button", name="Remove the tag <b>2026</b>")).to_be_visible()
    await expect(add).to_have_value("")
    assert await tags() == ["<b>2026</b>", "tax"]
    await at_alices.is_accessible("details-tags")

    await add.fill("x" * 51)
    await at_alices.button("Add")
    await expect(page.get_by_role("alert").filter(has_text="50")).to_be_visible()
    await expect(add).to_have_value("x" * 51)

    await at_alices.button("Remove the tag tax")
    await expect(page.get_by_role("button", name="Remove the tag tax")).to_have_count(0)
    assert await tags() == ["<b>2026</b>"]
