"""Ways to see whether a part serves yet; each asks once and answers at once."""

import http.client
import random
import socket
from collections.abc import Callable

import psutil

_TIMEOUT_SECONDS = 1.0
# Below the range from which the system takes a port for each outgoing connection: none of these is taken by chance
_PORTS = range(20_000, 32_768)


def answers_http(port: int, path: str) -> Callable[[], bool]:
    """Whether a GET on loopback is answered with anything but a server's own failure."""

    def ask() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def answers_redis(port: int) -> Callable[[], bool]:
    """Whether the server has loaded its data; it asks for a password only then."""

    def ask() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"-NOAUTH", b"+PONG"))
        except OSError:
            return False

    return ask


def answers_postgres(port: int) -> Callable[[], bool]:
    """Whether PostgreSQL takes log-ins: it answers a start-up message with a demand for a password ("R").

    While it recovers it answers "E" (the database system is starting up).
    """
    body = (196608).to_bytes(4) + b"user\0vaultstream\0database\0postgres\0\0"
    message = (len(body) + 4).to_bytes(4) + body

    def ask() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as connection:
                connection.sendall(message)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    return ask


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port nobody listens on now, and that no outgoing connection will take either."""
    while not is_free(port := random.choice(_PORTS)):  # noqa: S311  # it is no secret
        continue
    return port


def listens(pid: int, port: int) -> bool:
    """Whether that process, or one that it started, is who listens on a port: an answer alone may be a stranger's."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return False
    return any(port in _listening(member) for member in family)


def _listening(process: psutil.Process) -> set[int]:
    try:
        return {
            connection.laddr.port
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # only root may look at one that ended and is not waited for
        return set()
