"""A program gets a token of its own through the page, and loses it there."""

import httpx
from asking import Person
from looking import Visitor
from playwright.async_api import expect


async def test_a_program_acts_by_a_token_that_is_shown_once_until_it_is_revoked(
    at_alices: Visitor, alice: Person, client: httpx.AsyncClient
) -> None:
    page = at_alices.page
    folder = await alice.folder("For the robot")
    await at_alices.button("Account: Alice")
    await page.get_by_role("menuitem", name="Tokens for programs").click()
    await at_alices.sees("There is none yet.")
    await page.get_by_label("Name: which program").fill("robot")
    await page.get_by_label("Comment, change, upload").check()
    await at_alices.button("One folder only")
    await page.get_by_role("dialog").get_by_role("button", name="For the robot").click()
    await at_alices.button("Choose this folder")
    await at_alices.button("Make a token")
    secret = await page.get_by_label("The token. It is shown this once").input_value()
    made = page.get_by_role("listitem").filter(has_text="robot")
    await expect(made).to_contain_text("only the folder For the robot")
    await expect(made).to_contain_text("never used")
    await expect(made.locator(".tag")).to_have_text(["See", "Change"])
    await at_alices.is_accessible("tokens")

    program = Person(client, secret)
    await program.folder("By the robot", folder)  # it may change what lies there
    seen = await program.data("query ($id: ID!) { folder(id: $id) { id } }", id=await alice.root())
    assert seen == {"folder": None}

    await at_alices.button("Revoke the token robot")
    await expect(made).to_contain_text("Revoked")
    await expect(made.get_by_role("button")).to_have_count(0)
    refused = await client.post("/graphql", json={"query": "{ viewer { id } }"}, headers=program.headers)
    assert refused.status_code == 401
    await at_alices.open("recent")
    await at_alices.open("tokens")
    await expect(made).to_be_visible()
    await expect(page.get_by_label("The token. It is shown this once")).to_have_count(0)
