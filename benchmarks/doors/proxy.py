"""The floor: a bare Starlette server that streams a body to S3 as a multipart object, and objects back.

No vault: no keys, no frames, no table, no leases, no access, no audit. The S3 client is configured as the vault's.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from vaultstream.adapters import clients
from vaultstream.settings import Settings

PART_BYTES = 8 * 2**20
READ_BYTES = 256 * 1024


async def upload(request: Request) -> Response:
    """PUT: the body becomes an object, in parts of 8 MiB or a chunk more, none of which is copied."""
    s3, place = request.app.state.s3, request.app.state.place(request)
    upload_id = (await s3.create_multipart_upload(**place))["UploadId"]
    parts: list[dict[str, Any]] = []
    waiting = BytesIO()

    async def send() -> None:
        number = len(parts) + 1
        waiting.seek(0)
        answer = await s3.upload_part(**place, UploadId=upload_id, PartNumber=number, Body=waiting)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    async for chunk in request.stream():
        if waiting.write(chunk) and waiting.tell() >= PART_BYTES:
            await send()
            waiting = BytesIO()
    if waiting.tell():
        await send()
    await s3.complete_multipart_upload(**place, UploadId=upload_id, MultipartUpload={"Parts": parts})
    return Response(status_code=204)


async def download(request: Request) -> Response:
    """GET: the object, or the range that was asked for."""
    asked = {"Range": request.headers["range"]} if "range" in request.headers else {}
    answer = await request.app.state.s3.get_object(**request.app.state.place(request), **asked)

    async def body() -> AsyncIterator[bytes]:
        async with answer["Body"] as stream:
            async for chunk in stream.content.iter_chunked(READ_BYTES):
                yield chunk

    headers = {"Content-Length": str(answer["ContentLength"])}
    return StreamingResponse(body(), answer["ResponseMetadata"]["HTTPStatusCode"], headers)


async def health(request: Request) -> Response:
    """It serves."""
    del request
    return PlainTextResponse("ok")


def create_app(settings: Settings) -> Starlette:
    """The application over one bucket."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with clients.client(clients.session(settings), settings, "s3") as s3:
            app.state.s3 = s3
            app.state.place = lambda request: {"Bucket": settings.bucket, "Key": request.path_params["key"]}
            yield

    routes = [
        Route("/health", health),
        Route("/{key}", upload, methods=["PUT"]),
        Route("/{key}", download, methods=["GET"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Serve as the vault's own API is served."""
    settings = Settings.from_env(os.environ)
    app = create_app(settings)
    uvicorn.run(app, host=settings.host, port=settings.port, loop="uvloop", http="httptools", access_log=False)


if __name__ == "__main__":
    main()
