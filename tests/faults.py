"""An HTTP proxy in front of an AWS endpoint that answers AWS's own failures by a plan, and counts every operation."""

import asyncio
import json
import logging
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, repeat
from typing import Any, Self

import aiohttp
from aiohttp import web
from aiohttp.client_exceptions import ClientConnectionResetError
from botocore.config import Config
from yarl import URL

from vaultstream.adapters import clients
from vaultstream.settings import Settings

_BODY_BYTES_MAX = 64 * 2**20
_silent = logging.getLogger("faults")
_silent.disabled = True  # connections that die here die by plan
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}


@dataclass(frozen=True)
class Call:
    """One request as it came, whole."""

    operation: str
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One answer; of `body` only the first `sent` bytes leave before the connection is cut, where that is given."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    sent: int | None = None


Forward = Callable[[Call], Awaitable[Answer]]
Fault = Callable[[Call, Forward], Awaitable[Answer | None]]
"""What happens to a call: an answer of its own, one that was forwarded and maimed, or None for a dead connection."""


def aws_error(code: str, status: int = 400, **fields: Any) -> Fault:
    """A failure as DynamoDB and KMS tell it; nothing reaches the server."""

    async def answer(_: Call, __: Forward) -> Answer:
        body = {"__type": f"com.amazonaws.fault#{code}", "message": f"injected {code}"} | fields
        return _json(body, status)

    return answer


def cancelled(*codes: str) -> Fault:
    """A TransactionCanceledException with a reason for each item ("None" for the innocent); nothing is written."""
    reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": "injected"} for code in codes]
    return aws_error("TransactionCanceledException", CancellationReasons=reasons)


def s3_error(code: str, status: int) -> Fault:
    """A failure as S3 tells it; nothing reaches the server. With status 200 it is a completion that failed late."""

    async def answer(_: Call, __: Forward) -> Answer:
        body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>injected</Message></Error>'.encode()
        return Answer(status, [("Content-Type", "application/xml")], body)

    return answer


async def refused(_: Call, __: Forward) -> None:
    """The connection dies before the server hears of the call."""


async def lost(call: Call, forward: Forward) -> None:
    """The server does what it was asked; its answer never comes."""
    await forward(call)


def cut_after(count: int) -> Fault:
    """The answer begins, promises all of its bytes, and ends after so many of its body."""

    async def answer(call: Call, forward: Forward) -> Answer:
        return replace(await forward(call), sent=count)

    return answer


def held_until(gate: asyncio.Event) -> Fault:
    """A slow server: the call waits at the gate, then goes through."""

    async def answer(call: Call, forward: Forward) -> Answer:
        await gate.wait()
        return await forward(call)

    return answer


def taking_only(count: int) -> Fault:
    """Of a batch only the first so many entries are worked on; the rest comes back as unprocessed."""

    async def answer(call: Call, forward: Forward) -> Answer:
        request = json.loads(call.body)
        ((name, wanted),) = request["RequestItems"].items()
        reads = call.operation == "BatchGetItem"
        entries = wanted["Keys"] if reads else wanted
        kept, left = entries[:count], entries[count:]
        body = {"Responses": {name: []}, "UnprocessedKeys": {}} if reads else {"UnprocessedItems": {}}
        if kept:
            request["RequestItems"][name] = wanted | {"Keys": kept} if reads else kept
            body = json.loads((await forward(replace(call, body=json.dumps(request).encode()))).body)
        if left:
            rest = wanted | {"Keys": left} if reads else left
            body["UnprocessedKeys" if reads else "UnprocessedItems"] = {name: rest}
        return _json(body, 200)

    return answer


def _json(body: object, status: int) -> Answer:
    raw = json.dumps(body).encode()
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amz-crc32", f"{zlib.crc32(raw)}")]
    return Answer(status, headers, raw)


class Faults:
    """Stands at `url` for the server at `target`; signatures stay whole, for the Host header goes through as it came.

    async with Faults(settings.endpoint_dynamodb) as faults:
        faults.plan("TransactWriteItems", cancelled("TransactionConflict"), times=2, after=1)
        ...
        assert faults.calls["TransactWriteItems"] == 4
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._plans: dict[str, Iterator[Fault | None]] = {}
        self._came = asyncio.Condition()
        self.calls: Counter[str] = Counter()
        self.url = ""

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=30)
        connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=2)
        self._client = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        server = web.Server(self._handle, access_log=None, logger=_silent)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()

    def plan(self, operation: str, fault: Fault, *, times: int | None = None, after: int = 0) -> None:
        """The next `after` calls pass, the `times` after them fail so (all, for None); "*" is every operation."""
        failing = repeat(fault) if times is None else repeat(fault, times)
        self._plans[operation] = chain(self._plans.get(operation, ()), repeat(None, after), failing)

    def heal(self) -> None:
        """Everything passes again, and the count begins anew."""
        self._plans.clear()
        self.calls.clear()

    async def called(self, operation: str, times: int = 1) -> None:
        """Return once the operation was called so often; whether it was answered is not asked."""
        async with asyncio.timeout(60), self._came:
            await self._came.wait_for(lambda: self.calls[operation] >= times)

    def _fault_for(self, operation: str) -> Fault | None:
        planned = (next(self._plans[name], None) for name in (operation, "*") if name in self._plans)
        return next((fault for fault in planned if fault is not None), None)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        body = await _read(request)
        call = Call(_operation(request), request.method, request.raw_path, headers, body)
        async with self._came:
            self.calls[call.operation] += 1
            self._came.notify_all()
        fault = self._fault_for(call.operation)
        answer = await (self._forward(call) if fault is None else fault(call, self._forward))
        return await _answered(request, answer)

    async def _forward(self, call: Call) -> Answer:
        url = URL(self._target + call.path, encoded=True)
        headers = [(name, value) for name, value in call.headers if name.lower() != "content-length"]
        skip = {"Accept", "Accept-Encoding", "User-Agent", "Content-Type"}
        async with self._client.request(
            call.method, url, headers=headers, data=call.body or None, skip_auto_headers=skip, allow_redirects=False
        ) as response:
            kept = [(name, value) for name, value in response.headers.items() if name.lower() not in _HOP_BY_HOP]
            return Answer(response.status, kept, await response.read())


async def _read(request: web.BaseRequest) -> bytes:
    if "Expect" in request.headers and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        assert len(body) <= _BODY_BYTES_MAX, "tests send less than this"
    return bytes(body)


async def _answered(request: web.BaseRequest, answer: Answer | None) -> web.StreamResponse:
    transport = request.transport
    if answer is None or transport is None:
        return _dead(request)
    response = web.StreamResponse(status=answer.status)
    for name, value in answer.headers:
        response.headers.add(name, value)
    body = b"" if request.method == "HEAD" else answer.body
    if request.method != "HEAD" or "Content-Length" not in response.headers:
        response.headers["Content-Length"] = f"{len(body)}"
    try:
        await response.prepare(request)
        if body:
            await response.write(body if answer.sent is None else body[: answer.sent])
        if answer.sent is not None:
            return _dead(request)
        await response.write_eof()
    except ClientConnectionResetError:
        return response
    return response


def _dead(request: web.BaseRequest) -> web.StreamResponse:
    """End the connection without another byte."""
    if request.transport is not None:
        request.transport.close()
    raise ConnectionResetError("by plan")


_S3_BY_QUERY = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}


def _operation(request: web.BaseRequest) -> str:
    """The operation's own name, from the target header of the JSON protocols or from the shape of an S3 request."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    for (method, parameter), name in _S3_BY_QUERY.items():
        if request.method == method and parameter in request.query:
            return name
    is_bucket = request.path.strip("/").count("/") == 0
    return request.method.title() + ("Bucket" if is_bucket else "Object")


@cache
def _session(settings: Settings) -> Any:
    """One for each world: a session reads its services' models once, and that takes long."""
    return clients.session(settings)


@asynccontextmanager
async def faulty(settings: Settings, service: str, *, attempts: int = 1) -> AsyncIterator[tuple[Faults, Any]]:
    """A proxy before the settings' own endpoint and the vault's client through it, which tries so often (4 is ours)."""
    target: str = getattr(settings, f"endpoint_{service}")
    once = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    async with Faults(target) as faults:
        config = clients._config(service).merge(once)
        made = _session(settings).client(service, region_name=settings.region, endpoint_url=faults.url, config=config)
        async with made as client:
            yield faults, client
