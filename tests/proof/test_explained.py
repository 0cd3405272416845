"""What `access` explains is what is enforced: on every query, mutation, subscription and route, for anybody."""

from typing import Any

import pytest
from doors import metadata
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.actions.sharing_world import soon
from tests.proof import ways, worlds
from tests.proof.worlds import Doors, Explained, Given, Linked, State, World
from vaultstream.access import Deed, Role, decide_link
from vaultstream.actions import download, reach
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code
from vaultstream.ids import FileId, UserId, kind_of

TRIED = tried(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
ROLES = st.sampled_from([Role.VIEWER, Role.COMMENTER, Role.EDITOR, Role.MANAGER])
ENDS = st.sampled_from(["never", "never", "later", "over"])
GIVEN = st.builds(Given, st.sampled_from(worlds.PLACES), st.sampled_from(worlds.GIVEN), ROLES, ENDS)
LINKED = st.builds(
    Linked, st.sampled_from(worlds.PLACES), st.sampled_from(["open", "open", "view only", "revoked", "later"])
)
STATES = st.builds(
    State,
    st.lists(GIVEN, max_size=4, unique_by=lambda one: (one.place, one.to)).map(tuple),
    st.lists(LINKED, max_size=2).map(tuple),
    st.sampled_from([None, None, None, "file", "folder", "outer"]),
)
STATUSES = {None: 200, Code.NOT_FOUND: 404, Code.FORBIDDEN: 403}
SEARCH = """query ($text: String!, $gone: Boolean!) {
    search(text: $text, first: 20, where: { inTrash: $gone }) { edges { node { id } } } }"""
LISTS = """{
    sharedWithMe(first: 20) { edges { node { item { ... on Node { id } } } } }
    trash(first: 20) { edges { node { ... on Node { id } } } }
    recent(first: 20) { edges { node { id } } } }"""
ABLE = "{ canRead canDownload canComment canEdit canShare canDelete }"
CAPABLE = f"query ($id: ID!) {{ node(id: $id) {{ ... on Item {{ capabilities {ABLE} }} }} }}"


@pytest.fixture(scope="module")
def doors(vault: Vault) -> Doors:
    return worlds.doors_of(worlds.looking(vault))


async def told(doors: Doors, world: World, who: str) -> dict[str, Explained]:
    """What the owner is told of this person, for each place; of the version, comments and links it is the file's."""
    owner, user_id = world.people["owner"], world.people[who].user_id
    found = {}
    for place in (*worlds.PLACES, "beside"):
        one = await worlds.explained(doors, owner, world.things[place], user_id)
        assert one is not None
        found[place] = one
    for part in ("version", "comment", "own comment", "share", "link"):
        found[part] = found["file"]
    return found


def expected(way: ways.Way, told: dict[str, Explained]) -> Code | None:
    """The first need that the explanation says is not met, and how that is told."""
    verdicts = (told[need.thing].verdict(need.deed, hidden=need.hidden) for need in way.needs if need.deed)
    return next((verdict for verdict in verdicts if verdict is not None), None)


def is_own(way: ways.Way) -> bool:
    return any(need.deed is None for need in way.needs)


async def mutate(doors: Doors, world: World, who: str, told: dict[str, Explained]) -> None:
    """As far as writing, or refused with the code that the explanation leads to; never anything between."""
    for way in ways.MUTATIONS:
        if way.name == "accessTokenRevoke":
            continue  # one's own account: no item is behind it
        text, variables = ways.mutation(way, ways.filled(way, world.things_of(who)))
        variables["input"] = {
            key: world.email if value == "?email" else value for key, value in variables["input"].items()
        }
        answer = await doors.ask(world.people[who], (text, variables))
        refused, wanted = worlds.refusal_of(answer, way.name), expected(way, told)
        if wanted is None:
            assert refused not in {Code.NOT_FOUND, Code.FORBIDDEN, Code.INVALID}, (str(way), answer)
        else:
            assert refused is wanted, (str(way), answer)


async def look(doors: Doors, world: World, who: str, told: dict[str, Explained]) -> None:
    """A query finds what may be read, a subscription begins there, and every other is told that there is nothing."""
    actor, things = world.people[who], world.things_of(who)
    for way in ways.QUERIES:
        if way.needs[0].thing in {"token", "user"}:
            continue  # as above
        found = (await doors.ask(actor, ways.query(way, ways.filled(way, things))))["data"][way.name]
        found = found[0] if way.name == "nodes" else found
        assert (found is not None) is (is_own(way) or expected(way, told) is None), str(way)
    for way in ways.SUBSCRIPTIONS:
        answer = await doors.hear(actor, ways.subscription(way, ways.filled(way, things)))
        assert worlds.refusal_of(answer, way.name) == (None if is_own(way) else expected(way, told)), str(way)
    for place in worlds.PLACES:
        shown = (await doors.ask(actor, (CAPABLE, {"id": things[place]})))["data"]["node"]
        deeds = told[place].deeds
        able = {name: deeds[Deed(name.removeprefix("can").upper())] for name in ABLE.strip("{} ").split()}
        assert (shown and shown["capabilities"]) == (able if deeds[Deed.READ] else None)


async def explain(doors: Doors, world: World, who: str, told: dict[str, Explained]) -> None:
    """Who is at least a manager is told of others, and of themselves the same as the owner is."""
    actor = world.people[who]
    for place in worlds.PLACES:
        found = await worlds.explained(doors, actor, world.things[place], actor.user_id)
        assert found == (told[place] if told[place].role in {"OWNER", "MANAGER"} else None)


async def find(doors: Doors, world: World, who: str, told: dict[str, Explained]) -> None:
    """Search finds what may be read, as one's lists do nothing else."""
    actor, gone = world.people[who], set()
    for in_trash in (False, True):
        for text in ("folder", world.things["name"]):
            answer = await doors.ask(actor, (SEARCH, {"text": text, "gone": in_trash}))
            gone |= {edge["node"]["id"] for edge in answer["data"]["search"]["edges"]}
    ours = {world.things[place]: told[place] for place in ("folder", "file")}
    assert gone & set(ours) == {item_id for item_id, one in ours.items() if one.deeds[Deed.READ]}
    lists = (await doors.ask(actor, (LISTS, {})))["data"]
    nodes = [edge["node"] for page in lists.values() for edge in page["edges"]]
    shown = {(node.get("item") or node)["id"] for node in nodes}
    known = {world.things[place]: told[place] for place in worlds.PLACES}
    assert all(known[item_id].deeds[Deed.READ] for item_id in shown & set(known))


async def fetch(doors: Doors, world: World, who: str, told: dict[str, Explained]) -> None:
    """An address that was signed for somebody gives what they may have when they use it."""
    holder, file_id = world.people[who], FileId(world.things["file"])
    wanted = told["file"].verdict(Deed.DOWNLOAD)
    url = download.address(doors.vault, holder, file_id, 1).url
    # To give bytes is to write down that they were given: as far as that, it is allowed.
    assert (await doors.send(None, "HEAD", url)).status_code == STATUSES[wanted]
    assert (await doors.send(None, "GET", url)).status_code == {**STATUSES, None: 503}[wanted]
    small = await doors.send(None, "GET", signed(doors.vault, f"{file_id}/1/thumbnail/64", f"for={holder.user_id}"))
    assert small.status_code == (403 if wanted is Code.FORBIDDEN else 404)
    assert ("thumbnail" in small.json()["detail"]) is (wanted is None)  # there is none, but that is told to few
    for place in worlds.PLACES:
        address = download.zip_address(doors.vault, holder, [world.item(place)], "x.zip").url
        assert (await doors.send(None, "HEAD", address)).status_code == STATUSES[told[place].verdict(Deed.DOWNLOAD)]


def signed(vault: Vault, place: str, query: str) -> str:
    return vault.signer.sign(f"{vault.settings.public_url}/content/{place}?{query}", soon())


async def bring(doors: Doors, world: World, who: str, told: dict[str, Explained]) -> None:
    """tus: to begin, and to bring more of one's own, takes EDIT at that moment; to look and to give up, nothing."""
    actor, mine = world.people[who], f"/uploads/{world.things[f'upload of {who}']}"
    for key, place in (("folderId", "folder"), ("fileId", "file")):
        named = {"filename": "new.txt", key: world.things[place]}
        headers = {"Upload-Length": "5"} | metadata(**named)
        answer = await doors.send(actor, "POST", "/uploads", headers=headers)
        assert answer.status_code == {**STATUSES, None: 503}[told[place].verdict(Deed.EDIT)]
    stream = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    edit = told["folder"].verdict(Deed.EDIT)
    # What an owner's upload brings is kept even where its folder went to the trash meanwhile.
    patched = None if who == "owner" else edit
    assert (await doors.send(actor, "PATCH", mine, headers=stream, content=b"12")).status_code == {
        **STATUSES,
        None: 503,
    }[patched]
    assert (await doors.send(actor, "HEAD", mine)).status_code == 200
    assert (await doors.send(actor, "DELETE", mine)).status_code == 503
    others = next(name for name in worlds.PEOPLE if name != who)
    for method in ("HEAD", "PATCH", "DELETE"):
        theirs = f"/uploads/{world.things[f'upload of {others}']}"
        assert (await doors.send(actor, method, theirs, headers=stream)).status_code == 404


SHOWN = "query ($token: String!, $item: ID) { shareLink(token: $token, itemId: $item) { name canDownload } }"


async def follow(doors: Doors, world: World) -> None:
    """Each link at each of its doors, for what it leads to and for what it does not."""
    guest = Actor(UserId("guest"), Origin("test"), soon())
    for linked, made in world.links:
        for place in (*worlds.PLACES, "beside"):
            item_id = world.item(place)
            (item,) = await reach.load(doors.vault, [item_id])
            assert item is not None
            (lineage,) = await reach.lineages(doors.vault, world.people["owner"], [item])
            now, link = doors.vault.now(), made.link
            read, have = (
                linked.state != "revoked" and decide_link(link, deed, lineage, now).allowed
                for deed in (Deed.READ, Deed.DOWNLOAD)
            )
            at, token = f"/s/{made.token}?item={item_id}", made.token
            answer = await doors.ask(guest, (SHOWN, {"token": token, "item": item_id}))
            assert (answer["data"]["shareLink"] is not None, "errors" in answer) == (read, False)
            assert (await doors.send(None, "GET", at)).status_code == (200 if read else 404)
            refused = 403 if read else 404
            taken = await doors.send(None, "GET", at.replace("?", "/download?"))
            assert taken.status_code == (503 if have else refused)
            holder = Actor(UserId(link.id), Origin("test"), soon())
            zipped = download.zip_address(doors.vault, holder, [item_id], "x.zip").url
            assert (await doors.send(None, "HEAD", zipped)).status_code == (200 if have else refused)
            if kind_of(item_id) == "file":
                url = download.address(doors.vault, holder, FileId(item_id), 1).url
                assert (await doors.send(None, "HEAD", url)).status_code == (200 if have else refused)
                small = await doors.send(
                    None, "GET", signed(doors.vault, f"{item_id}/1/thumbnail/64", f"link={link.id}")
                )
                assert ("thumbnail" in small.json()["detail"]) is read


@TRIED
@given(state=STATES, who=st.sampled_from(worlds.PEOPLE))
@example(State(), "stranger")
@example(State(trashed="outer"), "owner")
@example(State((Given("folder", "one", Role.EDITOR),)), "one")
@example(State((Given("outer", "one", Role.MANAGER, "later"), Given("file", "one", Role.VIEWER))), "one")
@example(State((Given("outer", "one", Role.MANAGER),), (Linked("folder"),), "folder"), "one")
async def test_the_explanation_is_the_verdict_on_every_way(
    vault: Vault, doors: Doors, newcomer: Any, state: State, who: str
) -> None:
    world = await worlds.new_world(vault, newcomer)
    await worlds.put(world, state)
    known = await told(doors, world, who)
    assert who != "stranger" or not any(any(one.deeds.values()) for one in known.values())
    for prove in (mutate, look, explain, find, fetch, bring):
        await prove(doors, world, who, known)
    await follow(doors, world)
