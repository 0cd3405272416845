"""The search index in PostgreSQL: it proposes items and decides nothing; the table says what they are."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaultstream.adapters import search_statements
from vaultstream.errors import Code, VaultError
from vaultstream.ids import ItemId, UserId
from vaultstream.postgres import Init, Pool
from vaultstream.search import Indexed, Place, Scope, Sought, grams

_STATEMENT_MILLISECONDS = 10_000


class SearchUnavailable(VaultError):
    """PostgreSQL cannot be reached or cannot work now; the same call may succeed later."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "Search cannot be reached. Try again in a moment; all else works.")


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be what is sought, each with its place; `end` is where to go on, None where the index has no more."""

    found: tuple[Place, ...]
    end: Place | None


class SearchIndex:
    """A pool of connections with the application's role."""

    def __init__(self, dsn: str, *, init: Init | None = None) -> None:
        """Takes the application role's DSN; connects when first used, so a vault starts without the server.

        `init` is given each new connection.
        """
        settings = {
            "application_name": "vaultstream-search",
            "statement_timeout": f"{_STATEMENT_MILLISECONDS}",
            **search_statements.PLANNING,
        }
        self._pool = Pool("the search index", dsn, SearchUnavailable, init=init, settings=settings)

    async def close(self) -> None:
        """Let what runs end, then disconnect."""
        await self._pool.close()

    async def put(self, rows: Sequence[Indexed], *, anew: bool = False) -> None:
        """Keep these rows where the index has none or an older state; `anew` also writes the same state again.

        One statement. Rows have one order by id, so that batches which share rows wait for each other instead of
        deadlocking. Raises SearchUnavailable.
        """
        newest = {row.id: row for row in sorted(rows, key=lambda row: row.stamp)}
        if not newest:
            return
        plain = [_plain(newest[item_id]) for item_id in sorted(newest)]
        async with self._pool.connection() as connection:
            await connection.execute(search_statements.PUT, json.dumps(plain), anew)

    async def remove(self, item_ids: Sequence[ItemId]) -> None:
        """These items are no more. Raises SearchUnavailable."""
        if item_ids:
            async with self._pool.connection() as connection:
                await connection.execute(search_statements.REMOVE, sorted(item_ids))

    async def ids(self, after: str, limit: int, *, owner_id: UserId | None = None) -> list[ItemId]:
        """The next ids of the index, of one owner or of all, in their order. Raises SearchUnavailable."""
        async with self._pool.connection() as connection:
            return [row["id"] for row in await connection.fetch(search_statements.IDS, after, owner_id, limit)]

    async def candidates(
        self, sought: Sought, scope: Scope, after: Place | None, limit: int, *, examined: int
    ) -> Candidates:
        """At most `limit` items that may be what is sought: of the next `examined` that match by themselves, those
        that are in the trash or not, as it is wanted, and the viewer's own or shared with them.

        The index may lag, so whoever shows them looks at the items themselves. Raises SearchUnavailable.
        """
        statement, values = search_statements.candidates(sought, scope, after, limit, examined=examined)
        async with self._pool.connection() as connection:
            rows = await connection.fetch(statement, *values)
        found = tuple(Place(row["lead"], row["name"], row["id"]) for row in rows if row["is_proposed"])
        has_more = len(rows) == limit or (bool(rows) and rows[-1]["nth"] == examined)
        last = rows[-1] if has_more else None
        return Candidates(found, Place(last["lead"], last["name"], last["id"]) if last else None)


def _plain(row: Indexed) -> dict[str, Any]:  # Any: JSON values
    return asdict(row) | {"grams": grams(row.name), "updated_at": row.updated_at.isoformat()}
