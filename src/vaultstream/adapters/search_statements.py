"""The search index's SQL: constant words, with every value of the caller's behind a placeholder."""

from collections.abc import Callable
from functools import partial

from vaultstream.listing import ItemOrderField, ItemWhere
from vaultstream.search import Place, Scope, Sought, grams_of

# How the server is to plan these statements.
PLANNING = {
    "plan_cache_mode": "force_custom_plan",  # which index is best depends on the text
    "random_page_cost": "1.1",  # of an SSD: an index is worth its while for a tenth of the rows too
    "jit": "off",  # it takes longer than these statements do
}

_LEADS = {
    None: "(NOT name ^@ {text})::int::bigint",
    ItemOrderField.NAME: "",
    ItemOrderField.UPDATED: "(extract(epoch FROM updated_at) * 1000000)::bigint",
    ItemOrderField.SIZE: "size_bytes",
}

# What lies above each row, and so whether it is shared or in the trash, comes from the index too: one look for each
# level. UNION, so that rows of different moments that form a circle end it. The last row that was examined comes
# along whatever it is, to say where to go on.
_CANDIDATES = """
SELECT item.id, item.lead, item.name, item.nth, above.is_proposed
FROM (
    SELECT ordered.*, row_number() OVER (ORDER BY {columns}) AS nth
    FROM (
        SELECT * FROM (
            SELECT id, owner_id, parent_id, name, is_trashed, {lead} AS lead FROM search.items WHERE {conditions}
        ) matching
        {after}
        ORDER BY {columns} LIMIT {examined}
    ) ordered
) item
CROSS JOIN LATERAL (
    WITH RECURSIVE way (id, parent_id, is_trashed) AS (
        SELECT item.id, item.parent_id, item.is_trashed
        UNION
        SELECT over.id, over.parent_id, over.is_trashed FROM way JOIN search.items over ON over.id = way.parent_id
    )
    SELECT bool_or(way.is_trashed) = {in_trash} AND (item.owner_id = {viewer} OR bool_or(way.id = ANY ({shared})))
        AS is_proposed
    FROM way
) above
WHERE above.is_proposed OR item.nth = {examined}
ORDER BY {columns} LIMIT {limit}
"""

PUT = """
INSERT INTO search.items
    (id, owner_id, parent_id, kind, name, grams, content_type, tags, scan_status, size_bytes, updated_at, is_trashed,
     stamp)
SELECT id, owner_id, parent_id, kind, name, grams, content_type, tags, scan_status, size_bytes, updated_at, is_trashed,
    stamp
FROM json_to_recordset($1::json) AS item(
    id text, owner_id text, parent_id text, kind text, name text, grams text[], content_type text, tags text[],
    scan_status text, size_bytes bigint, updated_at timestamptz, is_trashed boolean, stamp bigint)
ON CONFLICT (id) DO UPDATE SET
    owner_id = excluded.owner_id, parent_id = excluded.parent_id, kind = excluded.kind, name = excluded.name,
    grams = excluded.grams, content_type = excluded.content_type, tags = excluded.tags,
    scan_status = excluded.scan_status, size_bytes = excluded.size_bytes, updated_at = excluded.updated_at,
    is_trashed = excluded.is_trashed, stamp = excluded.stamp
WHERE items.stamp < excluded.stamp OR ($2::boolean AND items.stamp = excluded.stamp)
"""
REMOVE = "DELETE FROM search.items WHERE id = ANY ($1::text[])"
IDS = """
SELECT id FROM search.items WHERE id > $1 AND ($2::text IS NULL OR owner_id = $2) ORDER BY id LIMIT $3
"""


def candidates(
    sought: Sought, scope: Scope, after: Place | None, limit: int, *, examined: int
) -> tuple[str, list[object]]:
    """The statement that proposes items, and its values."""
    values: list[object] = []
    value = partial(_placed, values)
    field = sought.order.field if sought.order else None
    descending = sought.order is not None and sought.order.descending
    keys = ["name", "id"] if field is ItemOrderField.NAME else ["lead", "name", "id"]
    statement = _CANDIDATES.format(
        columns=", ".join(f"{key} DESC" if descending else key for key in keys),
        lead=_LEADS[field].format(text=value(sought.text, "text")) if field is None else _LEADS[field] or "0::bigint",
        conditions="\n    AND ".join(_conditions(sought, scope, value)),
        after=_after(after, keys, value, descending=descending) if after else "",
        examined=value(examined, "int"),
        in_trash=value(sought.where.in_trash, "boolean"),
        viewer=value(scope.viewer_id, "text"),
        shared=value(list(scope.shared_ids), "text[]"),
        limit=value(limit, "int"),
    )
    return statement, values


_Value = Callable[[object, str], str]


def _placed(values: list[object], value: object, kind: str) -> str:
    values.append(value)
    return f"${len(values)}::{kind}"


def _conditions(sought: Sought, scope: Scope, value: _Value) -> list[str]:
    where = sought.where
    conditions = [_owned(scope, value)]
    if sought.text:
        conditions.append(f"strpos(name, {value(sought.text, 'text')}) > 0")
    if grams := grams_of(sought.text):
        conditions.append(f"grams @> {value(grams, 'text[]')}")
    if where.folded_prefix:
        conditions.append(f"name ^@ {value(where.folded_prefix, 'text')}")
    return conditions + _of_contents(where, value)


def _owned(scope: Scope, value: _Value) -> str:
    if len(scope.owner_ids) == 1:  # as an equality, it lets an index give the order as well
        return f"owner_id = {value(scope.owner_ids[0], 'text')}"
    return f"owner_id = ANY ({value(list(scope.owner_ids), 'text[]')})"


def _of_contents(where: ItemWhere, value: _Value) -> list[str]:
    conditions = []
    if where.kind is not None:
        conditions.append(f"kind = {value(where.kind.value, 'text')}")
    if where.content_type_prefix is not None:
        conditions.append(f"content_type ^@ {value(where.content_type_prefix.lower(), 'text')}")
    if where.tags:
        conditions.append(f"tags @> {value(list(where.tags), 'text[]')}")
    if where.scan_status is not None:
        conditions.append(f"scan_status = {value(where.scan_status.value, 'text')}")
    if where.updated_from is not None:
        conditions.append(f"updated_at >= {value(where.updated_from, 'timestamptz')}")
    if where.updated_before is not None:
        conditions.append(f"updated_at < {value(where.updated_before, 'timestamptz')}")
    return conditions


def _after(place: Place, keys: list[str], value: _Value, *, descending: bool) -> str:
    kinds = {"lead": "bigint", "name": "text", "id": "text"}
    given = ", ".join(value(getattr(place, key), kinds[key]) for key in keys)
    return f"WHERE ({', '.join(keys)}) {'<' if descending else '>'} ({given})"
