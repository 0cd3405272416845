"""Serving on this machine only: a bound loopback socket, and refusal of requests that name another host."""

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOSTS = ("127.0.0.1", "localhost", "::1")


class LoopbackHosts:
    """Answers 421 to a Host that is not this machine, so a web page cannot reach the server by its own name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets loopback names pass."""
        if scope["type"] == "http" and _host_name(Headers(scope=scope).get("host", "")) not in _HOSTS:
            await PlainTextResponse("only loopback names are served", 421)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM, waiting up to four seconds for open requests."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        http="httptools",
        timeout_graceful_shutdown=4,
        timeout_keep_alive=75,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _host_name(host: str) -> str:
    name, separator, port = host.rpartition(":")
    if separator and port.isdigit() and not (host.count(":") > 1 and not name.endswith("]")):
        host = name
    return host.strip("[]").lower()
