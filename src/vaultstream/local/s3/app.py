"""The S3 server as an ASGI application: one door, a table of operations, errors in S3's form."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vaultstream.local.s3 import answers, archive, buckets, copying, lifecycle, multipart, reading, settings, writing
from vaultstream.local.s3.bridge import Target, bridge
from vaultstream.local.s3.call import Call, read_call
from vaultstream.local.s3.events import Listener, ignore
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.loopback import LoopbackHosts
from vaultstream.local.s3.signature import Credentials
from vaultstream.local.s3.store import Store

_log = logging.getLogger(__name__)
_METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
Operation: TypeAlias = Callable[[Call], Awaitable[Response]]

# What a query may hold without naming another operation than the bare method does.
_MODIFIERS = {
    *("versionId", "partNumber", "x-id", "list-type", "prefix", "delimiter", "max-keys", "start-after", "marker"),
    *("continuation-token", "encoding-type", "fetch-owner", "key-marker", "upload-id-marker", "version-id-marker"),
    *("max-uploads", "max-parts", "part-number-marker"),
}
_FREE_PREFIXES = ("X-Amz-", "response-")

_OBJECT_OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", ""): reading.get_object,
    ("HEAD", ""): reading.head_object,
    ("PUT", ""): writing.put_object,
    ("DELETE", ""): writing.delete_object,
    ("POST", "uploads"): multipart.create_upload,
    ("PUT", "uploadId"): multipart.upload_part,
    ("GET", "uploadId"): multipart.list_parts,
    ("POST", "uploadId"): multipart.complete_upload,
    ("DELETE", "uploadId"): multipart.abort_upload,
    ("POST", "restore"): archive.restore_object,
    ("GET", "tagging"): archive.get_tags,
    ("PUT", "tagging"): archive.put_tags,
    ("DELETE", "tagging"): archive.delete_tags,
}
_BUCKET_OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", ""): buckets.list_objects,
    ("HEAD", ""): buckets.head_bucket,
    ("PUT", ""): buckets.create_bucket,
    ("DELETE", ""): buckets.delete_bucket,
    ("GET", "location"): buckets.get_location,
    ("GET", "uploads"): multipart.list_uploads,
    ("GET", "versions"): buckets.list_versions,
    ("POST", "delete"): writing.delete_objects,
    ("POST", "advance"): lifecycle.advance,
    **{("GET", name): partial(buckets.get_setting, name=name) for name in settings.SETTINGS},
    **{("PUT", name): partial(buckets.put_setting, name=name) for name in settings.SETTINGS},
    **{("DELETE", name): partial(buckets.delete_setting, name=name) for name in settings.SETTINGS},
}


def utc_now() -> datetime:
    """The clock of a store that is not given another."""
    return datetime.now(UTC)


def create_app(
    data_dir: Path,
    credentials: Credentials,
    *,
    clock: Callable[[], datetime] = utc_now,
    on_event: Listener = ignore,
    events_to: Target | None = None,
    restore_delay: timedelta = timedelta(seconds=1),
) -> Starlette:
    """The application over one data folder, which it opens when it starts and closes when it ends.

    `on_event` is called on the event loop after the commit, for buckets whose notification configuration names
    EventBridge; it must return at once. `events_to` sends them to a queue instead. An archived object is readable
    `restore_delay` after RestoreObject.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with bridge(events_to) if events_to else nullcontext(on_event) as listener:
            store = Store(data_dir, credentials, clock, listener, restore_delay)
            app.state.store = store
            time_goes_by = asyncio.create_task(lifecycle.look_after(store))
            try:
                yield
            finally:
                time_goes_by.cancel()
                store.close()

    routes = [Route("/_health", _health), Route("/{path:path}", _serve, methods=_METHODS)]
    return Starlette(routes=routes, middleware=[Middleware(LoopbackHosts)], lifespan=lifespan)


async def _health(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


async def _serve(request: Request) -> Response:
    """The one door: finds the operation, answers its errors, names every answer with a request id."""
    request_id = uuid.uuid4().hex[:16].upper()
    path = bytes(request.scope["raw_path"]).decode("latin-1")  # still encoded: fit for XML whatever the key
    try:
        call = read_call(request.app.state.store, request)
        response = await _operation(call)(call)
    except S3Fault as fault:
        response = answers.error(fault, request.method, path, request_id)
    except ClientDisconnect:
        response = answers.empty(400)  # nobody is there to read it
    except Exception:  # noqa: BLE001 - the door: the client gets InternalError, the log gets the trace
        _log.exception("request %s failed", request_id)
        response = answers.error(S3Fault("InternalError"), request.method, path, request_id)
    response.headers["x-amz-request-id"] = request_id
    return response


def _operation(call: Call) -> Operation:
    if not call.bucket:
        return buckets.list_buckets
    named = [name for name in call.query if name not in _MODIFIERS and not name.startswith(_FREE_PREFIXES)]
    table = _OBJECT_OPERATIONS if call.key else _BUCKET_OPERATIONS
    method = call.request.method
    if not named and method == "PUT" and "x-amz-copy-source" in call.headers:
        return copying.copy_object
    operation = table.get((method, "".join(named)))
    if operation is None and named:
        raise S3Fault("NotImplemented", f"{method} with {', '.join(named)} is not served by the local store.")
    if operation is None:
        raise S3Fault("MethodNotAllowed")
    return operation
