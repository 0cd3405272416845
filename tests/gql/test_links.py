"""Links as the contract has them, and their door: without an account, and with no way to anything else."""

import secrets

import httpx
import pytest
from asking import GRAPHQL, Person

from tests.actions.growing import stored
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId, UserId
from vaultstream.versions import ScanStatus

CREATE = """shareLink { id role hasPassword maxDownloads viewOnly downloads revokedAt startsAt expiresAt item { id }
    createdBy { email } } token url"""
OPEN = """
query ($token: String!, $password: String, $item: ID) {
  shareLink(token: $token, password: $password, itemId: $item) {
    itemId name isFolder canDownload sizeBytes contentType downloadUrl thumbnailUrl updatedAt
    children(first: 10) { edges { node { itemId name } } pageInfo { hasNextPage } }
  }
}
"""


async def create(person: Person, item_id: str, **terms: object):
    return await person.done("shareLinkCreate", "ShareLinkCreateInput", CREATE, itemId=item_id, **terms)


async def ask(client: httpx.AsyncClient, query: str, **variables: object) -> httpx.Response:
    """A question of somebody without an account."""
    headers = {"Accept": GRAPHQL, "Content-Type": "application/json"}
    return await client.post("/graphql", headers=headers, json={"query": query, "variables": variables})


async def folder_with_file(vault: Vault, alice: Person) -> tuple[str, str]:
    """A new folder of Alice's with a clean file in it."""
    folder_id = await alice.folder(f"linked {secrets.token_hex(4)}")
    user_id = UserId((await alice.data("{ viewer { id } }"))["viewer"]["id"])
    actor = Actor(user_id, Origin("test"), vault.now())
    file = await stored(vault, actor, FolderId(folder_id), "note.txt", b"hello", scan=ScanStatus.CLEAN)
    return folder_id, file.id


async def test_a_link_leads_somebody_without_an_account_to_the_contents(vault, client, alice: Person):
    folder_id, file_id = await folder_with_file(vault, alice)
    made = await create(alice, folder_id)
    assert made["errors"] == []
    assert made["shareLink"]["createdBy"] == {"email": "alice@example.com"}
    assert made["url"].endswith(f"/s/{made['token']}")
    answer = await ask(client, OPEN, token=made["token"])
    assert answer.status_code == 200
    seen = answer.json()["data"]["shareLink"]
    assert (seen["itemId"], seen["isFolder"], seen["canDownload"]) == (folder_id, True, True)
    assert seen["children"]["edges"] == [{"node": {"itemId": file_id, "name": "note.txt"}}]
    file = (await ask(client, OPEN, token=made["token"], item=file_id)).json()["data"]["shareLink"]
    assert (file["sizeBytes"], file["children"]) == (5, None)
    redirect = await client.get(file["downloadUrl"])
    assert redirect.status_code == 303
    assert (await client.get(redirect.headers["Location"])).content == b"hello"
    assert redirect.headers["Referrer-Policy"] == "no-referrer"
    counted = "query ($id: ID!) { node(id: $id) { ... on ShareLink { downloads } } }"
    assert (await alice.data(counted, id=made["shareLink"]["id"]))["node"] == {"downloads": 1}


async def test_the_door_tells_the_same_as_json(vault, client, alice: Person):
    folder_id, file_id = await folder_with_file(vault, alice)
    made = await create(alice, folder_id, maxDownloads=1)
    body = (await client.get(f"/s/{made['token']}")).json()
    assert (body["id"], body["isFolder"], body["after"]) == (folder_id, True, None)
    (child,) = body["children"]
    assert (child["id"], child["name"], child["sizeBytes"]) == (file_id, "note.txt", 5)
    assert (await client.get(f"/s/{made['token']}?item={file_id}")).json()["name"] == "note.txt"
    head = await client.head(f"/s/{made['token']}/download?item={file_id}")
    assert (head.status_code, head.headers["Allow"]) == (405, "GET")
    assert (await client.get(f"/s/{made['token']}/download?item={file_id}")).status_code == 303
    used_up = await client.get(f"/s/{made['token']}/download?item={file_id}")
    assert (used_up.status_code, used_up.json()["code"]) == (410, "EXPIRED")


@pytest.mark.parametrize("path", ["/s/{}", "/s/{}/download", "/s/{}?item=nonsense", "/s/{}?item=folder_01H"])
async def test_what_is_no_token_has_one_answer(client, path: str):
    for token in ("x", secrets.token_urlsafe(32), "%ff", "A" * 3000):
        answer = await client.get(path.format(token))
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await ask(client, OPEN, token=token)).json()["data"] == {"shareLink": None}


async def test_a_password_is_given_by_argument_or_by_basic_authentication(vault, client, alice: Person):
    _, file_id = await folder_with_file(vault, alice)
    made = await create(alice, file_id, password="correct horse")
    assert made["shareLink"]["hasPassword"] is True
    for password in (None, "wrong one"):
        answer = (await ask(client, OPEN, token=made["token"], password=password)).json()
        assert answer["data"] == {"shareLink": None}
        assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "argument": ["password"]}
    seen = (await ask(client, OPEN, token=made["token"], password="correct horse")).json()["data"]["shareLink"]
    for auth in (None, ("", "wrong one"), ("correct horse", "")):
        asked = await client.get(seen["downloadUrl"], auth=auth)
        assert (asked.status_code, asked.headers["WWW-Authenticate"]) == (401, 'Basic realm="link", charset="UTF-8"')
    let_in = await client.get(seen["downloadUrl"], auth=("anybody", "correct horse"))
    assert let_in.status_code == 303
    assert "correct" not in let_in.headers["Location"]
    assert (await client.get(let_in.headers["Location"])).content == b"hello"


async def test_too_many_guesses_are_told_to_wait(vault, client, alice: Person):
    _, file_id = await folder_with_file(vault, alice)
    made = await create(alice, file_id, password="correct horse")
    for _ in range(10):
        assert (await client.get(f"/s/{made['token']}", auth=("", "wrong one"))).status_code == 401
    answer = await client.get(f"/s/{made['token']}", auth=("", "correct horse"))
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer.headers) == (429, "LIMITED", True)
    asked = (await ask(client, OPEN, token=made["token"], password="correct horse")).json()
    assert asked["errors"][0]["extensions"]["code"] == "LIMITED"


async def test_a_revoked_link_is_over_with_the_addresses_it_gave(vault, client, alice: Person):
    _, file_id = await folder_with_file(vault, alice)
    made = await create(alice, file_id)
    address = (await client.get(f"/s/{made['token']}/download")).headers["Location"]
    assert (await client.get(address, headers={"Range": "bytes=1-2"})).content == b"el"
    gone = await alice.done(
        "shareLinkRevoke", "ShareLinkRevokeInput", "shareLink { revokedAt }", shareLinkId=made["shareLink"]["id"]
    )
    assert gone["errors"] == []
    assert gone["shareLink"]["revokedAt"] is not None
    for path in (address, f"/s/{made['token']}", f"/s/{made['token']}/download"):
        assert (await client.get(path)).status_code == 404


async def test_an_address_given_by_one_link_is_of_no_other_use(vault, client, alice: Person):
    folder_id, file_id = await folder_with_file(vault, alice)
    made, other = await create(alice, file_id), await create(alice, folder_id, viewOnly=True)
    address = (await client.get(f"/s/{made['token']}/download")).headers["Location"]
    for changed in (
        address.replace(made["shareLink"]["id"], other["shareLink"]["id"]),
        address.replace("link=", "for="),
        address.replace("?link=", "/thumbnail/256?link="),
    ):
        assert changed != address
        assert (await client.get(changed)).status_code == 403
    assert (await client.get(f"/s/{other['token']}/download?item={file_id}")).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { id } }",
        "{ __schema { types { name } } }",
        '{ shareLink(token: "x") { name } viewer { id } }',
        '{ a: node(id: "x") { id } }',
        '{ ... { shareLink(token: "x") { name } } }',
        '{ ...F } fragment F on Query { shareLink(token: "x") { name } }',
        'query A { shareLink(token: "x") { name } } query B { viewer { id } }',
        '{ shareLink(token: "x") { owner { email } } }',
        'mutation { shareRevoke(input: {shareId: "x"}) { errors { code } } }',
        'subscription { fileStatus(fileId: "x") { at } }',
        "{",
        "",
    ],
)
async def test_nothing_else_is_answered_without_a_token(client, query: str):
    for accept in (GRAPHQL, "application/json", "text/event-stream"):
        headers = {"Accept": accept, "Content-Type": "application/json"}
        answer = await client.post("/graphql", headers=headers, json={"query": query})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_bad_token_is_refused_where_none_would_do(client):
    headers = {"Accept": GRAPHQL, "Content-Type": "application/json", "Authorization": "Bearer x"}
    answer = await client.post("/graphql", headers=headers, json={"query": '{ shareLink(token: "x") { name } }'})
    assert answer.status_code == 401


async def test_links_are_listed_for_who_may_share(vault, alice: Person, bob: Person):
    folder_id, file_id = await folder_with_file(vault, alice)
    made = [await create(alice, file_id, viewOnly=view_only) for view_only in (False, True)]
    await bob.root()
    wanted = {"itemId": folder_id, "email": "bob@example.com", "role": "EDITOR"}
    await alice.done("shareGrant", "ShareGrantInput", "share { id }", **wanted)
    query = """query ($id: ID!, $after: String) { node(id: $id) { ... on Item { links(first: 1, after: $after) {
        edges { node { id viewOnly } } pageInfo { hasNextPage endCursor } } } } }"""
    first = (await alice.data(query, id=file_id))["node"]["links"]
    second = (await alice.data(query, id=file_id, after=first["pageInfo"]["endCursor"]))["node"]["links"]
    nodes = [page["edges"][0]["node"] for page in (first, second)]
    assert nodes == [{"id": one["shareLink"]["id"], "viewOnly": one["shareLink"]["viewOnly"]} for one in made]
    assert (await bob.data(query, id=file_id))["node"]["links"]["edges"] == []
    assert (await bob.data("query ($id: ID!) { node(id: $id) { id } }", id=made[0]["shareLink"]["id"]))["node"] is None
    refused = await create(bob, file_id)
    assert [error["code"] for error in refused["errors"]] == ["FORBIDDEN"]


async def test_what_is_not_given_stays_and_null_takes_away(vault, client, alice: Person):
    _, file_id = await folder_with_file(vault, alice)
    made = await create(alice, file_id, password="correct horse", maxDownloads=3, expiresAt="2100-01-01T00:00:00Z")
    terms = "shareLink { id revision hasPassword maxDownloads viewOnly expiresAt }"
    link_id = made["shareLink"]["id"]

    async def update(**wanted: object):
        return await alice.done("shareLinkUpdate", "ShareLinkUpdateInput", terms, shareLinkId=link_id, **wanted)

    shown = (await update(viewOnly=True))["shareLink"]
    assert shown == {
        "id": link_id,
        "revision": 2,
        "hasPassword": True,
        "maxDownloads": 3,
        "viewOnly": True,
        "expiresAt": "2100-01-01T00:00:00Z",
    }
    cleared = await update(password=None, maxDownloads=None, expiresAt=None, viewOnly=None, ifVersion=2)
    assert cleared["shareLink"] == {
        **shown,
        "revision": 3,
        "hasPassword": False,
        "maxDownloads": None,
        "expiresAt": None,
    }
    stale = await update(viewOnly=False, ifVersion=2)
    assert (stale["shareLink"], stale["errors"][0]["code"], stale["errors"][0]["path"]) == (
        None,
        "STALE",
        ["ifVersion"],
    )
    assert (await client.get(f"/s/{made['token']}")).json()["canDownload"] is False
