"""The door for uploads: tus 1.0 (tus.io/protocols/resumable-upload) over the deeds in `actions.upload`."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from vaultstream.actions import upload as deeds
from vaultstream.actor import Actor
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.http import tus
from vaultstream.http.answers import problem, problem_of
from vaultstream.http.auth import bearer_of, origin_of
from vaultstream.http.preconditions import http_date
from vaultstream.ids import UploadId, kind_of
from vaultstream.metrics import TRANSFER_BYTES
from vaultstream.uploads import Upload, UploadStatus

Deed = Callable[[Request], Awaitable[Response]]
BODY_IDLE_SECONDS = 30  # a sender that is silent for so long has gone; what it brought is kept


def routes() -> list[Route]:
    """`/uploads` and `/uploads/{id}`; methods are told apart here, for X-HTTP-Method-Override may name them."""
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [
        Route("/uploads", _answering({"OPTIONS": _options, "POST": _create}), methods=methods),
        Route(
            "/uploads/{upload_id}",
            _answering({"OPTIONS": _options, "HEAD": _head, "PATCH": _patch, "DELETE": _delete}),
            methods=methods,
        ),
    ]


def _answering(deeds_by_method: Mapping[str, Deed]) -> Deed:
    async def endpoint(request: Request) -> Response:
        try:
            response = await _answer(request, deeds_by_method)
        except VaultError as error:
            response = problem(error)
        response.headers["Tus-Resumable"] = tus.VERSION
        response.headers["Cache-Control"] = "no-store"
        return response

    return endpoint


async def _answer(request: Request, deeds_by_method: Mapping[str, Deed]) -> Response:
    method = request.headers.get("x-http-method-override", request.method).upper()
    deed = deeds_by_method.get(method)
    if deed is None:
        return problem_of(405, "tus has no such method here.", headers={"Allow": ", ".join(deeds_by_method)})
    if method != "OPTIONS" and request.headers.get("tus-resumable") != tus.VERSION:
        return problem_of(412, f"This is tus {tus.VERSION}: say so.", headers={"Tus-Version": tus.VERSION})
    return await deed(request)


async def _options(request: Request) -> Response:
    settings = _vault(request).settings
    return Response(
        status_code=204,
        headers={
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(settings.upload_bytes_max),
            "Tus-Checksum-Algorithm": tus.ALGORITHMS,
        },
    )


async def _create(request: Request) -> Response:
    vault, actor = _vault(request), await _actor(request)
    wanted = _wanted(request, vault)
    checksum, sending = tus.checksum(request.headers), tus.has_body(request.headers)
    if sending and not tus.is_offset_stream(request.headers):
        return _wrong_type()
    upload = await deeds.begin(vault, actor, wanted)
    location = {"Location": f"{vault.settings.public_url.rstrip('/')}/uploads/{upload.id}"}
    # A creation that is sent again finds what came the first time, and is told how far it had got.
    if sending and upload.status is UploadStatus.RECEIVING and upload.progress.offset_bytes == 0:
        try:
            async with aclosing(_body(request, vault.meters)) as body:
                upload = await deeds.receive(vault, actor, upload.id, 0, body, checksum=checksum)
        except VaultError as error:
            return problem(error, location)
    return Response(status_code=201, headers={**location, **_progress(upload)})


async def _head(request: Request) -> Response:
    vault, actor = _vault(request), await _actor(request)
    upload = await deeds.find(vault, actor, _upload_id(request))
    _require_alive(vault, upload)
    headers = _progress(upload)
    if upload.length_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length_bytes)
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    return Response(status_code=200, headers=headers)


async def _patch(request: Request) -> Response:
    vault, actor, upload_id = _vault(request), await _actor(request), _upload_id(request)
    if not tus.is_offset_stream(request.headers):
        return _wrong_type()
    offset_bytes, checksum = tus.offset(request.headers), tus.checksum(request.headers)
    length_bytes = tus.late_length(request.headers, vault.settings.upload_bytes_max)
    try:
        async with aclosing(_body(request, vault.meters)) as body:
            upload = await deeds.receive(
                vault, actor, upload_id, offset_bytes, body, length_bytes=length_bytes, checksum=checksum
            )
    except VaultError as error:
        return problem(error, await _where(vault, actor, upload_id, error))
    return Response(status_code=204, headers=_progress(upload))


async def _delete(request: Request) -> Response:
    await deeds.abort(_vault(request), await _actor(request), _upload_id(request))
    return Response(status_code=204)


def _wanted(request: Request, vault: Vault) -> deeds.Wanted:
    headers = request.headers
    size_bytes = tus.new_length(headers, vault.settings.upload_bytes_max)
    metadata = tus.metadata(headers.get("upload-metadata"))
    # Clients name the file they send in any case; a new version keeps the name and the place of its file.
    return deeds.Wanted(
        folder_id=None if metadata.file_id else metadata.folder_id,
        file_id=metadata.file_id,
        name=None if metadata.file_id else metadata.name,
        size_bytes=size_bytes,
        content_type=metadata.content_type,
        sha256=metadata.sha256,
        idempotency_key=tus.idempotency_key(headers),
        metadata=metadata.text,
    )


async def _body(request: Request, meters: Meters) -> AsyncGenerator[bytes, None]:
    """The body as it comes, never gathered; it ends early where the sender goes away or falls silent."""
    async with aclosing(request.stream()) as chunks:
        while True:
            try:
                async with asyncio.timeout(BODY_IDLE_SECONDS):
                    chunk = await anext(chunks, None)
            except (ClientDisconnect, TimeoutError):
                return
            if chunk is None:
                return
            if chunk:
                meters.count(TRANSFER_BYTES, "upload", by=len(chunk))
                yield chunk


async def _where(vault: Vault, actor: Actor, upload_id: UploadId, error: VaultError) -> dict[str, str]:
    """Where the upload stands, for a sender that was wrong about it."""
    if error.code is not Code.OFFSET_MISMATCH:
        return {}
    return _progress(await deeds.find(vault, actor, upload_id))


def _progress(upload: Upload) -> dict[str, str]:
    headers = {"Upload-Offset": str(upload.progress.offset_bytes)}
    if upload.status is UploadStatus.RECEIVING:
        headers["Upload-Expires"] = http_date(upload.expires_at)
    return headers


def _require_alive(vault: Vault, upload: Upload) -> None:
    expired = upload.status is UploadStatus.RECEIVING and upload.expires_at <= vault.now()
    if expired or upload.status is UploadStatus.ABORTED:
        raise VaultError(Code.UPLOAD_GONE, "This upload was ended: begin a new one.")


def _wrong_type() -> Response:
    return problem_of(415, f"Send the bytes as {tus.OFFSET_STREAM}.")


def _upload_id(request: Request) -> UploadId:
    text = request.path_params["upload_id"]
    if kind_of(text) != "upload":
        raise not_found("upload")
    return UploadId(text)


async def _actor(request: Request) -> Actor:
    actor: Actor = await request.app.state.authenticator.bearer(bearer_of(request.headers), origin_of(request.scope))
    return actor


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault
