"""Where a Redis is and how to sign in there, from the URL that redis-py takes too."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

Word = str | bytes | int | float
Command = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """One Redis: the primary's endpoint where there are replicas. A cluster's slots are not followed."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    database: int = 0
    user: str = "default"
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> "Server":
        """`redis[s]://[user][:password]@host[:port][/database]`; with `?ssl_ca_certs=PATH` those authorities alone."""
        parts = urlsplit(url)
        if parts.scheme not in {"redis", "rediss"}:
            raise ValueError("a Redis URL begins with redis:// or rediss://")
        authorities = parse_qs(parts.query).get("ssl_ca_certs", [None])[0]
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or 6379,
            tls=ssl.create_default_context(cafile=authorities) if parts.scheme == "rediss" else None,
            database=int(parts.path.strip("/") or 0),
            user=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
        )

    def greeting(self) -> Iterator[Command]:
        """What a new connection says before anything else."""
        yield ("HELLO", 3, *(("AUTH", self.user, self.password) if self.password else ()))
        if self.database:
            yield ("SELECT", self.database)
