"""People who ask GraphQL questions over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from vaultstream.adapters.telemetry.tracer import Tracer
from vaultstream.adapters.vault import Vault
from vaultstream.http.envelope import Envelope
from vaultstream.http.graphql import GraphQLEndpoint

GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"
Event = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """One person's requests: nothing unseen is added but the token and, unless another is named, the media types."""

    client: httpx.AsyncClient
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept": GRAPHQL, "Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}

    async def post(self, content: Any, **headers: str) -> httpx.Response:
        """Send a body as it is, or a mapping as JSON; header names are written with `_`."""
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        body = orjson.dumps(content) if isinstance(content, dict) else content
        return await self.client.post("/graphql", headers=self.headers | spelt, content=body)

    async def get(self, **parameters: str) -> httpx.Response:
        """Ask by a query string."""
        return await self.client.get("/graphql", headers=self.headers, params=parameters)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The whole answer to an operation."""
        return (await self.post({"query": query, "variables": variables})).json()

    async def data(self, query: str, **variables: Any) -> Any:
        """The data of an answer that has no errors."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def done(self, mutation: str, kind: str, selection: str, **wanted: Any) -> Any:
        """The payload of one mutation."""
        text = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} {ERRORS} }} }}"
        return (await self.data(text, input=wanted))[mutation]

    async def root(self) -> str:
        """The id of this person's top folder."""
        return (await self.data("{ viewer { rootFolder { id } } }"))["viewer"]["rootFolder"]["id"]

    async def folder(self, name: str, parent_id: str | None = None) -> str:
        """A new folder's id."""
        parent_id = parent_id or await self.root()
        made = await self.done("folderCreate", "FolderCreateInput", "folder { id }", parentId=parent_id, name=name)
        assert made["errors"] == []
        return made["folder"]["id"]

    async def empty_file(self, name: str, folder_id: str | None = None) -> str:
        """The id of a new file of no bytes: it is stored as soon as it is begun."""
        wanted = {"name": name, "folderId": folder_id, "sizeBytes": 0, "contentType": "text/plain"}
        made = await self.done("uploadBegin", "UploadBeginInput", "upload { file { id } }", **wanted)
        assert made["errors"] == []
        return made["upload"]["file"]["id"]

    @asynccontextmanager
    async def following(self, query: str, **variables: Any) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of a stream, while it is followed."""
        body = orjson.dumps({"query": query, "variables": variables})
        headers = self.headers | {"Accept": EVENTS}
        async with self.client.stream("POST", "/graphql", headers=headers, content=body) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            yield events(answer.aiter_lines())


ERRORS = "errors { __typename message path code }"


async def events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Server-sent events as (name, data); comments are left out."""
    name, data = "", ""
    async for line in lines:
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            data += line.removeprefix("data:").strip()
        elif not line and name:
            yield name, orjson.loads(data) if data else None
            name, data = "", ""


def enveloped(vault: Vault, endpoint: GraphQLEndpoint) -> Envelope:
    """A door as it is served: with what it knows before it."""
    envelope = Envelope(endpoint, asked=[], meters=vault.meters, tracer=Tracer(0))
    envelope.recall = endpoint.recall
    return envelope
