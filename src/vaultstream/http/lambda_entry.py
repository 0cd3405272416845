"""AWS Lambda's way into the ASGI app, behind an Application Load Balancer: one app and one vault a container.

The shapes are those of the Elastic Load Balancing guide, "Lambda functions as targets", with multi-value headers.
"""

import asyncio
import base64
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from vaultstream.adapters.secret_store import revealed
from vaultstream.adapters.telemetry.logs import log_to_stderr
from vaultstream.http.answers import problem_of
from vaultstream.settings import Settings

ANSWER_BYTES_MAX = 1_000_000  # the balancer takes 1 MB of JSON: body, headers and all
Event = Mapping[str, Any]  # Any: JSON as Lambda gives it
Answer = dict[str, Any]  # Any: JSON as the balancer takes it
_T = TypeVar("_T")


class Handler:
    """What Lambda calls, always from one thread. The app is opened by the first call, or by `open`, and stays open."""

    def __init__(self, make_app: Callable[[Settings], ASGIApp]) -> None:
        self._make_app = make_app
        self._runner: asyncio.Runner | None = None
        self._app: ASGIApp | None = None
        self._closing = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def __call__(self, event: Event, context: object) -> Answer:  # noqa: ARG002  # Lambda gives both
        """One request."""
        self.open()
        return self._run(self._answer(event))

    def open(self) -> None:
        """Open the vault, unless it is open; raises what keeps it closed."""
        if self._app is None:
            self._run(self._open())

    def close(self) -> None:
        """Close the vault and the loop, for a process that goes on without them; Lambda itself never does."""
        if self._runner is not None:
            self._run(self._close())
            self._runner.close()
        self._runner, self._app, self._life = None, None, None

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:  # Any: nobody sends it anything
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)

    async def _open(self) -> None:
        """The lifespan protocol of ASGI, in a task that sleeps between requests."""
        settings = Settings.from_env(await revealed(os.environ))
        if not settings.is_local:
            log_to_stderr(as_json=True)
        app = self._make_app(settings)
        self._closing = asyncio.Event()
        opened = asyncio.Event()
        messages = iter(({"type": "lifespan.startup"},))

        async def receive() -> Message:
            for message in messages:
                return message
            await self._closing.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                opened.set()

        self._life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))  # type: ignore[arg-type]  # an async def, which ASGIApp does not say
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait({self._life, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not opened.is_set():
            waiting.cancel()
            await self._life  # it raises why
        self._app = app

    async def _close(self) -> None:
        self._closing.set()
        if self._life is not None:
            await self._life

    async def _answer(self, event: Event) -> Answer:
        assert self._app is not None  # noqa: S101  # `open` comes first
        body = event.get("body") or ""
        content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        requests = iter(({"type": "http.request", "body": content, "more_body": False},))
        answered = asyncio.Event()
        start: Message = {}
        pieces: list[bytes] = []

        async def receive() -> Message:
            for request in requests:
                return request
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                pieces.append(message.get("body", b""))

        scope = scope_of(event)
        try:
            await self._app(scope, receive, send)
        finally:
            answered.set()
            await scope["app"].state.vault.exporter.flush()  # between two invocations nothing runs
        return answer_of(start["status"], start["headers"], b"".join(pieces))


def scope_of(event: Event) -> Scope:
    """The request of an event; the balancer leaves path and parameters as they were sent."""
    said = event.get("multiValueQueryStringParameters") or {}
    query = "&".join(f"{name}={value}" for name, values in said.items() for value in values)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, values in (event.get("multiValueHeaders") or {}).items()
        for value in values
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": event["httpMethod"],
        "scheme": "https",
        "path": unquote(event["path"]),
        "raw_path": event["path"].encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": None,
    }


def answer_of(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Answer:
    """What the balancer makes a response of; an answer that it would not carry says so instead."""
    if len(body) > ANSWER_BYTES_MAX:
        instead = problem_of(413, "The answer is too long for one response: ask for less at once.")
        return answer_of(instead.status_code, instead.raw_headers, bytes(instead.body))
    shown: dict[str, list[str]] = {}
    for name, value in headers:
        shown.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    answer: Answer = {"statusCode": status, "multiValueHeaders": shown}
    try:
        return answer | {"isBase64Encoded": False, "body": body.decode()}
    except UnicodeDecodeError:
        return answer | {"isBase64Encoded": True, "body": base64.b64encode(body).decode()}
