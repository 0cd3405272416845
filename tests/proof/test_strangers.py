"""No way tells a stranger "not yours" from "not there": each is tried with somebody's id and with one of nothing."""

import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from doors import metadata

from tests.actions.growing import stored
from tests.actions.sharing_world import make_link, soon
from tests.proof import ways, worlds
from tests.proof.ways import Need, Way
from tests.proof.worlds import Doors, Given, Linked, State, World
from vaultstream import ids
from vaultstream.access import Role
from vaultstream.actions import account, download, link, organize, token
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FileId, FolderId, ItemId, UserId
from vaultstream.tokens import Scope
from vaultstream.versions import ScanStatus

STREAM = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


def unique() -> str:
    return ids.ulid(1_700_000_000_000, secrets.token_bytes(10))


def never_were() -> dict[str, str]:
    """A well-formed id of each thing that nothing ever had."""
    file_id, folder_id = FileId(f"file_{unique()}"), FolderId(f"folder_{unique()}")
    user_id = UserId(f"user_{unique()}")
    return {
        "user": user_id,
        "folder": folder_id,
        "outer": folder_id,
        "beside": folder_id,
        "file": file_id,
        "version": ids.version_id(file_id, unique()),
        "comment": ids.comment_id(file_id, unique()),
        "own comment": ids.comment_id(file_id, unique()),
        "share": ids.share_id(file_id, user_id),
        "link": ids.link_id(file_id, unique()),
        "upload": f"upload_{unique()}",
        "token": f"token_{unique()}",
    }


def parts_that_never_were(world: World) -> dict[str, str]:
    """As above, of the owner's own file and folder: what is not in them is not told from what is."""
    file_id = FileId(world.things["file"])
    return {
        "version": ids.version_id(file_id, unique()),
        "comment": ids.comment_id(file_id, unique()),
        "own comment": ids.comment_id(file_id, unique()),
        "share": ids.share_id(file_id, UserId(f"user_{unique()}")),
        "link": ids.link_id(file_id, unique()),
    }


@pytest.fixture(scope="module")
def doors(vault: Vault) -> Doors:
    return worlds.doors_of(worlds.looking(vault))


@pytest.fixture(scope="module", params=[None, "file", "outer"], ids=["there", "in the trash", "below the trash"])
async def world(vault: Vault, request: pytest.FixtureRequest) -> World:
    """Shared with others, with open links, live or thrown away; and the stranger has a folder and a file too."""

    async def newcomer() -> Actor:
        name = secrets.token_hex(6)
        origin = Origin(f"request-{name}", "127.0.0.1", "tests")
        return Actor(await account.sign_in(vault, f"{name}@example.com", name, origin), origin, soon())

    made = await worlds.new_world(vault, newcomer)
    owner, stranger = made.people["owner"], made.people["stranger"]
    wanted = token.Wanted("a program", [Scope.READ], soon(86_400))
    made.things["token"] = (await token.create(vault, owner, wanted)).token.id
    top = (await account.viewer(vault, stranger.user_id)).root_folder_id
    mine = await organize.create_folder(vault, stranger, top, "mine")
    file = await stored(vault, stranger, mine.id, "mine.txt", b"mine", scan=ScanStatus.CLEAN)
    made.things |= {"my folder": mine.id, "my file": file.id}
    shares = (Given("outer", "one", Role.MANAGER), Given("file", "other", Role.EDITOR))
    await worlds.put(made, State(shares, (Linked("file"),), request.param))
    return made


def pairs(world: World, need: Need) -> Iterator[tuple[str, str]]:
    """What is there and what is not, for one need; what belongs to a file also of that very file."""
    things = world.things | {
        "user": world.people["owner"].user_id,
        "own comment": world.things["comment of stranger"],
        "upload": world.things["upload of one"],
    }
    for nothing in (never_were(), parts_that_never_were(world)):
        if need.thing in nothing:
            yield things[need.thing], nothing[need.thing]


def own_of(world: World, need: Need) -> Any:
    """What the stranger gives in the other fields: their own."""
    return world.things["my folder" if need.thing in {"folder", "beside", "outer"} else "my file"]


def filled(world: World, way: Way, tried: Need, item_id: str) -> dict[str, Any]:
    """The ids of a way, one of them the tried one, the others the stranger's own."""
    ids_of = {need.field: item_id if need is tried else own_of(world, need) for need in way.needs}
    return {name: [given] if name.endswith("ds") else given for name, given in ids_of.items()}


Ask = Callable[[str], Awaitable[Any]]


async def same(pair: tuple[str, str], ask: Ask) -> Any:
    """The one answer to both, but for the ids themselves."""
    answers = []
    for item_id in pair:
        answer = await ask(item_id)
        if isinstance(answer, httpx.Response):
            answer = {"status": answer.status_code, "headers": dict(answer.headers), "body": answer.text}
        answers.append(_without(answer, item_id))
    assert answers[0] == answers[1]
    return answers[0]


def _without(answer: Any, item_id: str) -> Any:
    """The answer as values, without the id that was asked for and what the budget says."""
    if isinstance(answer, dict):
        return {key: _without(value, item_id) for key, value in answer.items() if key not in {"cost", "x-request-id"}}
    if isinstance(answer, list):
        return [_without(value, item_id) for value in answer]
    return answer.replace(item_id, "THE ID") if isinstance(answer, str) else answer


NEEDED = [(way, need) for way in ways.MUTATIONS for need in way.needs]


def named(value: object) -> str:
    return str(value) if isinstance(value, Way) else getattr(value, "field", "")


@pytest.mark.parametrize(("way", "need"), NEEDED, ids=named)
async def test_a_mutation_finds_nothing_to_change(doors: Doors, world: World, way: Way, need: Need) -> None:
    stranger = world.people["stranger"]
    given = {key: world.email if value == "?email" else value for key, value in way.given.items()}

    async def ask(item_id: str) -> Any:
        asked = ways.mutation(replace(way, given=given), filled(world, way, need, item_id))
        return await doors.ask(stranger, asked)

    for pair in pairs(world, need):
        answer = await same(pair, ask)
        (error,) = answer["data"][way.name]["errors"]
        # That a reply is on another file than its comment shows by the ids alone, whoever asks.
        wanted = ("InputError", "INVALID") if need.field == "replyToId" else ("AccessError", "NOT_FOUND")
        assert (error["__typename"], error["code"]) == wanted, error


@pytest.mark.parametrize("way", ways.QUERIES, ids=str)
async def test_a_query_finds_nothing(doors: Doors, world: World, way: Way) -> None:
    (need,) = way.needs
    for pair in pairs(world, need):
        answer = await same(
            pair,
            lambda item_id: doors.ask(world.people["stranger"], ways.query(way, filled(world, way, need, item_id))),
        )
        assert ("errors" in answer, answer["data"][way.name]) == (False, [None] if way.name == "nodes" else None)


HIDDEN = [
    (way, need) for way in (*ways.MUTATIONS, *ways.QUERIES) for need in way.needs if need.thing in {"share", "link"}
]


@pytest.mark.parametrize(("way", "need"), HIDDEN, ids=named)
async def test_who_may_edit_a_file_is_not_told_with_whom_else_it_is_shared(
    doors: Doors, world: World, way: Way, need: Need
) -> None:
    editor, ask = world.people["other"], ways.query if way in ways.QUERIES else ways.mutation
    for pair in pairs(world, need):
        await same(pair, lambda it: doors.ask(editor, ask(way, filled(world, way, need, it))))


async def test_nobody_is_explained_to_a_stranger(doors: Doors, world: World) -> None:
    stranger, owner = world.people["stranger"], world.people["owner"]
    text = "query ($item: ID!, $user: ID!) { access(itemId: $item, userId: $user) { role why } }"
    for thing in ("file", "folder"):
        for user_id in (owner.user_id, stranger.user_id, never_were()["user"]):
            pair = (world.things[thing], never_were()[thing])
            answer = await same(
                pair, lambda it, user_id=user_id: doors.ask(stranger, (text, {"item": it, "user": user_id}))
            )
            assert answer["data"] == {"access": None}
    # Who may ask about the item learns nothing of who is here and who never was.
    pair = (stranger.user_id, never_were()["user"])
    asked = {"item": world.things["file"]}
    await same(pair, lambda it: doors.ask(owner, (text.replace("why", "user { id }"), asked | {"user": it})))


async def test_a_search_finds_nothing_of_somebody_elses(doors: Doors, world: World) -> None:
    stranger, owner = world.people["stranger"], world.people["owner"]
    text = """query ($text: String!, $owner: ID, $gone: Boolean!) {
        search(text: $text, first: 20, where: { ownerId: $owner, inTrash: $gone }) {
            edges { cursor } pageInfo { hasNextPage endCursor } } }"""
    for gone in (True, False):
        pair = (world.things["name"], f"file {secrets.token_hex(4)}")
        await same(pair, lambda it, gone=gone: doors.ask(stranger, (text, {"text": it, "gone": gone})))
        pair = (owner.user_id, never_were()["user"])
        asked = {"text": "file", "gone": gone}
        await same(pair, lambda it, asked=asked: doors.ask(stranger, (text, {**asked, "owner": it})))


async def test_a_link_to_one_thing_shows_no_other(doors: Doors, world: World) -> None:
    guest = Actor(UserId("guest"), Origin("test"), soon())
    _, made = world.links[0]
    text = "query ($token: String!, $item: ID) { shareLink(token: $token, itemId: $item) { name } }"
    for thing in ("folder", "outer"):
        pair = (world.things[thing], never_were()[thing])
        answer = await same(pair, lambda it: doors.ask(guest, (text, {"token": made.token, "item": it})))
        assert answer["data"] == {"shareLink": None}
        for door in ("", "/download"):
            found = await same(pair, lambda it, door=door: doors.send(None, "GET", f"/s/{made.token}{door}?item={it}"))
            assert found["status"] == 404


async def test_a_link_that_is_closed_is_like_one_that_never_was(vault: Vault, doors: Doors, world: World) -> None:
    gone = await organize.create_folder(vault, world.people["stranger"], FolderId(world.things["my folder"]), unique())
    later = await make_link(vault, world.people["stranger"], gone.id, starts_at=soon(600))
    revoked = await make_link(vault, world.people["stranger"], gone.id)
    await link.revoke(vault, world.people["stranger"], revoked.link.id)
    for made in (later, revoked):
        for door in ("", "/download"):
            pair = (made.token or "", secrets.token_urlsafe(32))
            found = await same(pair, lambda it, door=door: doors.send(None, "GET", f"/s/{it}{door}"))
            assert found["status"] == 404


@pytest.mark.parametrize("way", ways.SUBSCRIPTIONS, ids=str)
async def test_there_is_nothing_to_watch(doors: Doors, world: World, way: Way) -> None:
    (need,) = way.needs
    for pair in pairs(world, need):
        answer = await same(
            pair, lambda it: doors.hear(world.people["stranger"], ways.subscription(way, filled(world, way, need, it)))
        )
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
async def test_tus_knows_no_such_upload(doors: Doors, world: World, method: str) -> None:
    (pair,) = pairs(world, Need("", "upload", None))
    stranger = world.people["stranger"]
    found = await same(pair, lambda it: doors.send(stranger, method, f"/uploads/{it}", headers=STREAM))
    assert found["status"] == 404


@pytest.mark.parametrize(("key", "thing"), [("folderId", "folder"), ("fileId", "file")])
async def test_tus_creates_nothing_there(doors: Doors, world: World, key: str, thing: str) -> None:
    stranger = world.people["stranger"]

    async def ask(item_id: str) -> httpx.Response:
        headers = {"Upload-Length": "5"} | metadata(filename="new.txt", **{key: item_id})
        return await doors.send(stranger, "POST", "/uploads", headers=headers)

    assert (await same((world.things[thing], never_were()[thing]), ask))["status"] == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_even_a_signed_address_gives_a_stranger_nothing(doors: Doors, world: World, method: str) -> None:
    """Nobody signs such an address for them; should one come about all the same, it tells nothing."""
    stranger, vault = world.people["stranger"], doors.vault
    link_holder = Actor(UserId(world.things["link"]), Origin("test"), soon())
    nothing = never_were()

    def content(holder: Actor) -> Ask:
        return lambda it: doors.send(None, method, download.address(vault, holder, FileId(it), 1).url)

    def thumbnail(query: str) -> Ask:
        def signed(item_id: str) -> str:
            url = f"{vault.settings.public_url}/content/{item_id}/1/thumbnail/64?{query}"
            return vault.signer.sign(url, soon())

        return lambda it: doors.send(None, method, signed(it))

    def zipped(holder: Actor) -> Ask:
        def address(item_id: str) -> str:
            wanted: ItemId = FolderId(item_id) if item_id.startswith("folder") else FileId(item_id)
            return download.zip_address(vault, holder, [wanted], "x.zip").url

        return lambda it: doors.send(None, method, address(it))

    for ask, thing in (
        (content(stranger), "file"),
        (thumbnail(f"for={stranger.user_id}"), "file"),
        (zipped(stranger), "file"),
        (zipped(stranger), "folder"),
        (zipped(link_holder), "folder"),
    ):
        assert (await same((world.things[thing], nothing[thing]), ask))["status"] == 404


async def test_an_address_without_a_signature_is_refused_whatever_it_names(doors: Doors, world: World) -> None:
    pair = (world.things["file"], never_were()["file"])
    for path in ("/content/{}/1", "/content/{}/1/thumbnail/64", "/zip?items={}&name=x&for=me"):
        found = await same(pair, lambda it, path=path: doors.send(None, "GET", path.format(it)))
        assert found["status"] == 403
