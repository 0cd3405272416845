"""The limit: raw ASGI on uvicorn and one Redis GET by the vault's own client. `python -m … PORT REDIS_URL`."""

import sys
from hashlib import blake2b

import uvicorn
from starlette.types import Receive, Scope, Send

from vaultstream.pipelined import Pipelined

PREFIX = "limit:"
_HEADERS = [(b"content-type", b"application/graphql-response+json; charset=utf-8")]


def key_of(body: bytes) -> str:
    """Where the answer to a request is."""
    return PREFIX + blake2b(body, digest_size=16).hexdigest()


class Limit:
    """Nothing but the way in, one look and the way out."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis: Pipelined | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Any request is a POST with a body that was asked before."""
        if scope["type"] != "http":
            return
        if self._redis is None:
            self._redis = Pipelined.from_url(self._url, timeout_seconds=5)
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        answer = await self._redis.call("GET", key_of(body)) or b""
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(
        Limit(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
