"""Bob is told of Alice's things exactly what he is told of things that never were."""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import orjson
import pytest
from asking import EVENTS, Person
from contents import photo
from doors import Tus, metadata, until
from sockets import talking
from vault_use import bring, children, link

from vaultstream import ids

JPEG_STATE = "... on File { scan { status } thumbnail { status url(size: 256) } currentVersion { id } }"
OFFSET_STREAM = "application/offset+octet-stream"


@dataclass(frozen=True, slots=True)
class Things:
    """Ids of one of each noun."""

    user: str
    folder: str
    file: str
    version: str
    upload: str

    def of(self, noun: str) -> str:
        found: str = getattr(self, noun)
        return found


def never_were() -> Things:
    """Well-formed ids that nothing ever had."""

    def unique() -> str:
        return ids.ulid(1_700_000_000_000, secrets.token_bytes(10))

    file_id = ids.FileId(f"file_{unique()}")
    version_id = ids.version_id(file_id, unique())
    return Things(f"user_{unique()}", f"folder_{unique()}", file_id, version_id, f"upload_{unique()}")


@pytest.fixture(scope="module")
async def things(_stack, tmp_path_factory) -> Things:
    """Alice's: a folder, a picture in it that is ready to be seen, and an upload of which half has come."""
    _stack.wait_ready()
    async with httpx.AsyncClient(base_url=_stack.url, timeout=30) as client:
        alice = Person(client, _stack.token("alice@example.com"))
        folder_id = await alice.folder(f"private {secrets.token_hex(4)}")
        source = photo(tmp_path_factory.mktemp("picture") / "secret.jpg", 300, 200)
        bring(_stack.url, alice.token, source, folder_id)

        async def is_ready() -> bool:
            return (await children(alice, folder_id))["secret.jpg"]["thumbnail"]["status"] == "READY"

        await until(is_ready, 60)
        item = (await children(alice, folder_id))["secret.jpg"]
        half = await Tus(client, alice.token).create(2000, b"x" * 1000, **metadata(filename="half", folderId=folder_id))
        user_id = (await alice.data("{ viewer { id } }"))["viewer"]["id"]
    upload_id = half.headers["Location"].rpartition("/")[2]
    return Things(user_id, folder_id, item["id"], item["currentVersion"]["id"], upload_id)


@pytest.fixture
def tus(client, bob: Person) -> Tus:
    return Tus(client, bob.token)


QUERIES = {
    "node": ("query ($id: ID!) { node(id: $id) { __typename id } }", ["user", "folder", "file", "version", "upload"]),
    "nodes": ("query ($id: ID!) { nodes(ids: [$id, $id]) { id } }", ["user", "folder", "file", "version", "upload"]),
    "file": (f"query ($id: ID!) {{ file(id: $id) {{ id name {JPEG_STATE} }} }}", ["file", "folder"]),
    "folder": ("query ($id: ID!) { folder(id: $id) { id children(first: 10) { edges { cursor } } } }", ["folder"]),
}
ERRORS = "errors { __typename code message path }"
MUTATIONS = {
    "downloadCreate": ("DownloadCreateInput", ["file"], {"fileId": "?"}),
    "downloadCreate of a version": ("DownloadCreateInput", ["file"], {"fileId": "?", "versionNumber": 1}),
    "downloadCreate of none": ("DownloadCreateInput", ["file"], {"fileId": "?", "versionNumber": 7}),
    "folderCreate": ("FolderCreateInput", ["folder"], {"parentId": "?", "name": "mine now"}),
    "folderRename": ("FolderRenameInput", ["folder"], {"folderId": "?", "name": "mine now"}),
    "folderRename as seen": ("FolderRenameInput", ["folder"], {"folderId": "?", "name": "mine", "ifVersion": 1}),
    "folderMove": ("FolderMoveInput", ["folder"], {"folderId": "?", "parentId": "OWN"}),
    "folderMove into": ("FolderMoveInput", ["folder"], {"folderId": "OWN", "parentId": "?"}),
    "scanRetry": ("ScanRetryInput", ["file"], {"fileId": "?"}),
    "thumbnailRetry": ("ThumbnailRetryInput", ["file"], {"fileId": "?", "versionNumber": 1}),
    "uploadAbort": ("UploadAbortInput", ["upload"], {"uploadId": "?"}),
    "uploadBegin": ("UploadBeginInput", ["folder"], {"folderId": "?", "name": "secret.jpg", "sizeBytes": 5}),
    "uploadBegin of a version": ("UploadBeginInput", ["file"], {"fileId": "?", "sizeBytes": 5}),
}

VARYING = {"date", "x-request-id"}
FILLING = re.compile('"remaining":[0-9]+,"resetAt":"[^"]+"')  # the budget fills as time goes by

Ask = Callable[[str], Awaitable[httpx.Response]]


async def same_answers(things: Things, noun: str, ask: Ask) -> tuple[int, str]:
    """The one answer to both ids, but for the ids themselves and what differs every time."""
    seen = []
    for item_id in (things.of(noun), never_were().of(noun)):
        answer = await ask(item_id)
        text, fillings = FILLING.subn('"full":true', answer.text.replace(item_id, "THE ID"))
        varying = VARYING | ({"content-length"} if fillings else set())
        headers = {name: value for name, value in answer.headers.items() if name not in varying}
        seen.append((answer.status_code, headers, text))
    assert seen[0] == seen[1]
    return seen[0][0], seen[0][2]


@pytest.mark.parametrize(("query", "noun"), [(query, noun) for query, (_, nouns) in QUERIES.items() for noun in nouns])
async def test_a_query_finds_nothing(things, bob: Person, query: str, noun: str) -> None:
    async def ask(item_id: str) -> httpx.Response:
        return await bob.post({"query": QUERIES[query][0], "variables": {"id": item_id}})

    status, text = await same_answers(things, noun, ask)
    found = [None, None] if query == "nodes" else None
    answer = orjson.loads(text)
    assert (status, answer["data"], "errors" in answer) == (200, {query: found}, False)


@pytest.mark.parametrize(
    ("name", "noun"), [(name, noun) for name, (_, nouns, _) in MUTATIONS.items() for noun in nouns]
)
async def test_a_mutation_finds_nothing_to_change(things, bob: Person, name: str, noun: str) -> None:
    kind, _, wanted = MUTATIONS[name]
    own = await bob.folder(f"own {secrets.token_hex(4)}")
    mutation = name.partition(" ")[0]

    async def ask(item_id: str) -> httpx.Response:
        given = {field: {"?": item_id, "OWN": own}.get(value, value) for field, value in wanted.items()}
        query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {ERRORS} }} }}"
        return await bob.post({"query": query, "variables": {"input": given}})

    status, text = await same_answers(things, noun, ask)
    (error,) = orjson.loads(text)["data"][mutation]["errors"]
    assert (status, error["__typename"], error["code"]) == (200, "AccessError", "NOT_FOUND")


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("offset", [0, 1000])
async def test_tus_knows_no_such_upload(things, tus: Tus, method: str, offset: int) -> None:
    async def ask(upload_id: str) -> httpx.Response:
        sent = {"Upload_Offset": f"{offset}", "Content_Type": OFFSET_STREAM}
        return await tus.send(method, f"/uploads/{upload_id}", b"y" * 1000 if method == "PATCH" else b"", **sent)

    status, text = await same_answers(things, "upload", ask)
    assert status == 404
    assert method == "HEAD" or orjson.loads(text)["code"] == "NOT_FOUND"


@pytest.mark.parametrize(("key", "noun"), [("folderId", "folder"), ("fileId", "file")])
async def test_tus_creates_nothing_there(things, tus: Tus, key: str, noun: str) -> None:
    async def ask(item_id: str) -> httpx.Response:
        return await tus.create(5, b"12345", **metadata(filename="secret.jpg", **{key: item_id}))

    status, text = await same_answers(things, noun, ask)
    assert (status, orjson.loads(text)["code"]) == (404, "NOT_FOUND")


WATCH = "subscription ($id: ID!) { fileStatus(%s: $id) { file { name } } }"


@pytest.mark.parametrize(("argument", "noun"), [("fileId", "file"), ("folderId", "folder")])
async def test_there_is_nothing_to_watch_over_a_socket(things, stack, bob: Person, argument: str, noun: str) -> None:
    heard = []
    async with talking(stack.url) as talk:
        await talk.init(bob.token)
        for item_id in (things.of(noun), never_were().of(noun)):
            await talk.subscribe("1", WATCH % argument, id=item_id)
            messages = [await talk.hear()]
            while messages[-1]["type"] == "next":
                messages.append(await talk.hear())
            heard.append(messages)
    assert heard[0] == heard[1]
    assert '"NOT_FOUND"' in orjson.dumps(heard[0]).decode()
    assert "secret" not in orjson.dumps(heard[0]).decode()


@pytest.mark.parametrize(("argument", "noun"), [("fileId", "file"), ("folderId", "folder")])
async def test_there_is_nothing_to_watch_in_a_stream(things, bob: Person, argument: str, noun: str) -> None:
    async def ask(item_id: str) -> httpx.Response:
        return await bob.post({"query": WATCH % argument, "variables": {"id": item_id}}, Accept=EVENTS)

    _, text = await same_answers(things, noun, ask)
    assert "NOT_FOUND" in text


async def test_an_address_without_a_signature_tells_nothing_of_what_is_there(things, client) -> None:
    for path in ("/content/{}/1", "/content/{}/1?for=" + things.user, "/content/{}/1/thumbnail/256"):
        status, _ = await same_answers(things, "file", lambda item_id, path=path: client.get(path.format(item_id)))
        assert status == 403


async def test_a_signature_for_one_thing_opens_no_other(things, client, alice: Person) -> None:
    own = await link(alice, things.file)
    for changed in (re.sub("file_[0-9A-Z]+", never_were().file, own), own.replace("/1?", "/2?")):
        assert changed != own
        assert (await client.get(changed)).status_code == 403


async def test_after_all_that_everything_is_as_alice_left_it(things, client, alice: Person) -> None:
    left = await children(alice, things.folder)
    assert (list(left), left["secret.jpg"]["revision"]) == (["secret.jpg"], 1)
    answer = await Tus(client, alice.token).head(f"/uploads/{things.upload}")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "1000")
