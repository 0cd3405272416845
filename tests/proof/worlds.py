"""A world to prove access in: an owner's tree, three others, and doors behind which nothing can be written."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import httpx
from starlette.applications import Starlette

from tests.actions.growing import stored
from tests.actions.sharing_world import email_of, give, make_link, run_out, soon
from vaultstream import ids, table
from vaultstream.access import Deed, Role
from vaultstream.actions import account, indexing, link, organize, trash, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import changes, comment_changes, upload_items
from vaultstream.adapters.records.records import Records
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.errors import Code, VaultError
from vaultstream.gql import schema
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Ask, Engine
from vaultstream.http.app import create_app
from vaultstream.ids import FileId, FolderId, ItemId, UserId
from vaultstream.versions import ScanStatus

Newcomer = Callable[[], Awaitable[Actor]]
PEOPLE = ("owner", "one", "other", "stranger")
GIVEN = ("one", "other")  # the stranger is given nothing, ever
PLACES = ("outer", "folder", "file")
WRITES = VaultError(Code.UNAVAILABLE, "It would have been written.")


class Looking(Records):
    """The table to look at: who comes as far as writing is stopped there, and so was let to."""

    async def commit(self, *_: object, **__: object) -> NoReturn:
        """Write nothing, and tell so."""
        raise WRITES


def looking(vault: Vault) -> Vault:
    """The same vault, in which nothing can be changed."""
    return replace(vault, records=Looking(vault.records._client, vault.records._table))


@dataclass(frozen=True, slots=True)
class Given:
    """A share of the world: on which place, with whom, as what, and whether its end comes or has come."""

    place: str
    to: str
    role: Role
    end: str = "never"  # "later", "over"


@dataclass(frozen=True, slots=True)
class Linked:
    """A link of the world: to which place, and how it stands."""

    place: str
    state: str = "open"  # "view only", "revoked", "later"


@dataclass(frozen=True, slots=True)
class State:
    """What a world is like: its shares and links, and what of it was thrown away."""

    shares: tuple[Given, ...] = ()
    links: tuple[Linked, ...] = ()
    trashed: str | None = None


@dataclass
class World:
    """outer/folder/file and outer/beside of the owner's, and ways to ask for them as anybody."""

    vault: Vault
    people: dict[str, Actor]
    things: dict[str, str] = field(default_factory=dict)
    links: list[tuple[Linked, link.Made]] = field(default_factory=list)
    email: str = ""

    def item(self, place: str) -> ItemId:
        """The id of a folder or file."""
        wanted = self.things[place]
        return FileId(wanted) if place == "file" else FolderId(wanted)

    def things_of(self, who: str) -> dict[str, str]:
        """What the ways are tried with by this person: all of the owner's, and what is theirs."""
        own = {"own comment": self.things[f"comment of {who}"], "upload": self.things[f"upload of {who}"]}
        return self.things | own | {"user": self.people["owner"].user_id}


async def new_world(vault: Vault, newcomer: Newcomer) -> World:
    """The tree with nothing shared: a file of one clean version, a comment and an upload under way of everybody."""
    world = World(vault, {name: await newcomer() for name in PEOPLE})
    owner, things = world.people["owner"], world.things
    root = (await account.viewer(vault, owner.user_id)).root_folder_id
    outer = await organize.create_folder(vault, owner, root, f"outer {secrets.token_hex(4)}")
    folder = await organize.create_folder(vault, owner, outer.id, "folder")
    beside = await organize.create_folder(vault, owner, outer.id, "beside")
    file = await stored(vault, owner, folder.id, f"file {secrets.token_hex(4)}", b"hello", scan=ScanStatus.CLEAN)
    things |= {"outer": outer.id, "folder": folder.id, "beside": beside.id, "file": file.id, "root": root}
    things["version"], things["name"], things["outer name"] = file.current.id, file.name, outer.name
    things["comment"] = await said(vault, owner, file.id)
    for name, actor in world.people.items():
        things[f"comment of {name}"] = await said(vault, actor, file.id)
        things[f"upload of {name}"] = await coming(vault, owner, actor, folder.id)
    dora, erin = await newcomer(), await newcomer()
    things["share"] = (await give(vault, owner, file.id, dora)).id
    world.email = await email_of(vault, erin)
    made = await make_link(vault, owner, file.id)
    things["link"], things["link token"] = made.link.id, made.token or ""
    things["token"] = vault.new_id("token")
    return world


async def said(vault: Vault, author: Actor, file_id: FileId) -> str:
    """The id of a comment by somebody, as if they had been let to make it."""
    comment = Comment(ids.comment_id(file_id, vault.unique()), file_id, author.user_id, "words", vault.now())
    await vault.commit([comment_changes.add_comment(comment)])
    return comment.id


async def coming(vault: Vault, owner: Actor, sender: Actor, folder_id: FolderId) -> str:
    """The id of an upload to a folder under way by somebody, as if they had been let to begin it."""
    wanted = Wanted(folder_id=folder_id, name=f"coming {secrets.token_hex(4)}", size_bytes=5)
    begun = await upload.begin(vault, owner, wanted)
    item = await vault.records.item(table.upload(begun.id))
    assert item is not None
    theirs = replace(upload_items.upload_from(item), user_id=sender.user_id)
    await vault.commit([changes.replace_upload(theirs)])
    return begun.id


async def put(world: World, state: State) -> None:
    """Make the world as it is to be, by its owner's own deeds; then tell the index."""
    vault, owner = world.vault, world.people["owner"]
    for given in state.shares:
        until = None if given.end == "never" else soon(2 * 86400)  # after `ways.SOON`: nobody grants for longer
        share = await give(vault, owner, world.item(given.place), world.people[given.to], given.role, until)
        if given.end == "over":
            await run_out(vault, share)
    for linked in state.links:
        terms = {"view_only": linked.state == "view only"} | (
            {"starts_at": soon(600)} if linked.state == "later" else {}
        )
        made = await make_link(vault, owner, world.item(linked.place), **terms)
        if linked.state == "revoked":
            await link.revoke(vault, owner, made.link.id)
        world.links.append((linked, made))
    if state.trashed is not None:
        await trash.throw_away(vault, owner, world.item(state.trashed))
    await indexing.refresh(vault, [world.item(place) for place in (*PLACES, "beside")])


@dataclass(frozen=True, slots=True)
class Doors:
    """Every door of the app over one vault; whoever comes is known by the name of their user id, without a sign-in."""

    vault: Vault
    engine: Engine
    client: httpx.AsyncClient

    async def ask(self, actor: Actor, asked: tuple[str, Mapping[str, Any]]) -> Any:
        """The whole answer of GraphQL."""
        operation = self.engine.operation(Ask(asked[0], None, asked[1]))
        return (await self.engine.run(operation, Context(self.vault, actor))).body

    async def hear(self, actor: Actor, asked: tuple[str, Mapping[str, Any]]) -> Any:
        """The first answer of a subscription."""
        operation = self.engine.operation(Ask(asked[0], None, asked[1]))
        async with aclosing(self.engine.stream(operation, Context(self.vault, actor))) as answers:
            return (await anext(answers)).body

    async def send(self, actor: Actor | None, method: str, url: str, **more: Any) -> httpx.Response:
        """One request to a route."""
        headers = {"Tus-Resumable": "1.0.0"} | more.pop("headers", {})
        if actor is not None:
            headers["Authorization"] = f"Bearer {actor.user_id}"
        return await self.client.request(method, url, headers=headers, **more)


class SignedIn:
    """Lets everybody in by their user id: what follows on a sign-in is tried here, not the sign-in."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def bearer(self, token: str, origin: Origin) -> Actor:
        """Whoever says so."""
        return Actor(UserId(token), origin, soon())


def doors_of(vault: Vault) -> Doors:
    """The app's own routes over this vault, without a server between."""
    app: Starlette = create_app(vault.settings)._app._app  # type: ignore[attr-defined]  # within the envelope
    app.state.vault, app.state.authenticator = vault, SignedIn(vault)
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url=vault.settings.public_url)
    return Doors(vault, Engine(schema.executable(), introspection=True), client)


def refusal_of(answer: Any, name: str) -> Code | None:
    """Why a mutation or a subscription was refused; None where it was done, or came as far as writing."""
    errors = [*answer.get("errors", ()), *((answer.get("data") or {}).get(name) or {}).get("errors", ())]
    codes: Sequence[str] = [each.get("code") or each["extensions"]["code"] for each in errors]
    return Code(codes[0]) if codes else None


@dataclass(frozen=True, slots=True)
class Explained:
    """What the contract tells of one person and one item."""

    role: str | None
    deeds: Mapping[Deed, bool]

    def verdict(self, deed: Deed, *, hidden: bool = False) -> Code | None:
        """How a deed is refused by it; None where it is allowed."""
        if self.deeds[deed]:
            return None
        return Code.NOT_FOUND if hidden or self.role is None else Code.FORBIDDEN


_EXPLAIN = "query ($item: ID!, $user: ID!) { access(itemId: $item, userId: $user) { role deeds { deed allowed } } }"


async def explained(doors: Doors, asker: Actor, item_id: str, user_id: str) -> Explained | None:
    """What `access` answers to somebody; None where it tells them nothing."""
    answer = await doors.ask(asker, (_EXPLAIN, {"item": item_id, "user": user_id}))
    found = (answer.get("data") or {}).get("access")
    if found is None:
        return None
    return Explained(found["role"], {Deed(each["deed"]): each["allowed"] for each in found["deeds"]})
