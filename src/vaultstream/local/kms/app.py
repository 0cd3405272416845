"""The KMS server as an ASGI application: JSON 1.1 with the operation in X-Amz-Target, every request signed."""

import hashlib
import json
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vaultstream.local.kms import aliases, encryption, lifecycle, rotation, signatures
from vaultstream.local.kms.faults import KmsFault
from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import Keyring
from vaultstream.local.s3.loopback import LoopbackHosts
from vaultstream.local.s3.signature import Credentials, Refused, Signable, verify

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES = 256 * 1024
_TARGET = "TrentService."
Operation: TypeAlias = Callable[[Keyring, Fields], dict[str, object]]
_OPERATIONS: dict[str, Operation] = {
    "CancelKeyDeletion": lifecycle.cancel_deletion,
    "CreateAlias": aliases.create,
    "CreateKey": lifecycle.create,
    "Decrypt": encryption.decrypt,
    "DeleteAlias": aliases.delete,
    "DescribeKey": lifecycle.describe,
    "DisableKey": lifecycle.disable,
    "DisableKeyRotation": rotation.disable,
    "EnableKey": lifecycle.enable,
    "EnableKeyRotation": rotation.enable,
    "Encrypt": encryption.encrypt,
    "GenerateDataKey": encryption.generate_data_key,
    "GenerateDataKeyWithoutPlaintext": encryption.generate_data_key_without_plaintext,
    "GenerateMac": signatures.generate_mac,
    "GenerateRandom": encryption.generate_random,
    "GetKeyPolicy": lifecycle.get_policy,
    "GetKeyRotationStatus": rotation.status,
    "GetPublicKey": signatures.get_public_key,
    "ListAliases": aliases.list_aliases,
    "ListKeyRotations": rotation.listed,
    "ListKeys": lifecycle.list_keys,
    "ListResourceTags": lifecycle.list_tags,
    "PutKeyPolicy": lifecycle.put_policy,
    "ReEncrypt": encryption.re_encrypt,
    "RotateKeyOnDemand": rotation.on_demand,
    "ScheduleKeyDeletion": lifecycle.schedule_deletion,
    "Sign": signatures.sign,
    "TagResource": lifecycle.tag,
    "UntagResource": lifecycle.untag,
    "UpdateAlias": aliases.update,
    "Verify": signatures.verify,
    "VerifyMac": signatures.verify_mac,
}
# What Signature Version 4 calls its refusals in S3, and in the JSON services.
_REFUSALS = {
    "AccessDenied": "MissingAuthenticationTokenException",
    "AuthorizationHeaderMalformed": "IncompleteSignatureException",
    "InvalidAccessKeyId": "UnrecognizedClientException",
}


def utc_now() -> datetime:
    """The clock of a KMS that is not given another."""
    return datetime.now(UTC)


def create_app(
    data_dir: Path,
    credentials: Credentials,
    *,
    clock: Callable[[], datetime] = utc_now,
    region: str = "us-east-1",
) -> Starlette:
    """The application over one data folder, which it opens when it starts and closes when it ends.

    `region` is that of the keys' ARNs; it must not change over the life of a folder.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        keyring = Keyring(data_dir, region, clock)
        app.state.keyring = keyring
        app.state.credentials = credentials
        try:
            keyring.reap()
            yield
        finally:
            keyring.close()

    routes = [Route("/_health", _health), Route("/", _serve, methods=["POST"])]
    return Starlette(routes=routes, middleware=[Middleware(LoopbackHosts)], lifespan=lifespan)


async def _health(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


async def _serve(request: Request) -> Response:
    """The one door: verifies, finds the operation, answers its errors."""
    request_id = str(uuid.uuid4())
    try:
        body = await _verified_body(request)
        told = await run_in_threadpool(_operation(request), request.app.state.keyring, _fields(body))
        response = _json(told, 200)
    except KmsFault as fault:
        response = _json({"__type": fault.code, "message": fault.message}, fault.status)
    except ClientDisconnect:
        response = _json({}, 400)  # nobody is there to read it
    except Exception:  # noqa: BLE001 - the door: the client gets KMSInternalException, the log gets the trace
        _log.exception("request %s failed", request_id)
        response = _json({"__type": "KMSInternalException", "message": "The request failed."}, 500)
    response.headers["x-amzn-requestid"] = request_id
    return response


async def _verified_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise KmsFault("ValidationException", "The request is too long.")
    raw_query = bytes(request.scope["query_string"]).decode("latin-1")
    # The digest of the body is the client's claim in S3 only; elsewhere it is recomputed and so verified.
    headers = {**request.headers, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    signable = Signable(request.method, request.url.path, raw_query, headers)
    try:
        verify(signable, request.app.state.credentials, request.app.state.keyring.clock())
    except Refused as refused:
        code = _REFUSALS.get(refused.code, "InvalidSignatureException")
        raise KmsFault(code, refused.message) from refused
    return bytes(body)


def _operation(request: Request) -> Operation:
    target = request.headers.get("x-amz-target", "")
    operation = _OPERATIONS.get(target.removeprefix(_TARGET))
    if operation is None or not target.startswith(_TARGET):
        raise KmsFault("UnknownOperationException", f"{target or 'an empty target'} is not served by the local KMS.")
    return operation


def _fields(body: bytes) -> Fields:
    try:
        values = json.loads(body or b"{}")
    except ValueError as error:
        raise KmsFault("SerializationException", "The body must be JSON.") from error
    if not isinstance(values, dict):
        raise KmsFault("SerializationException", "The body must be a JSON object.")
    return Fields({name: value for name, value in values.items() if value is not None})


def _json(told: dict[str, object], status: int) -> Response:
    return Response(json.dumps(told), status, media_type="application/x-amz-json-1.1")
