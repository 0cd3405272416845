"""What time does to objects: they move to colder classes, restored copies end, abandoned uploads go.

S3 looks once a day at midnight; this store looks every minute, and counts days to the second. `advance` makes
everything in a bucket older instead of moving a clock, so that what comes after it is as young as it should be.
"""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from starlette.responses import Response

from vaultstream.local.s3 import lifecycle_rules, settings, uploads, versions
from vaultstream.local.s3.answers import empty
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.lifecycle_rules import Rule
from vaultstream.local.s3.objects import STORAGE_CLASSES, milliseconds
from vaultstream.local.s3.store import Store, Tell

LOOK_SECONDS = 60
_DAY = timedelta(days=1)
_DAYS_MAX = 36_500
_DUE = (
    "SELECT * FROM objects WHERE bucket = ? AND NOT is_marker AND substr(key, 1, length(?)) = ?"
    " AND size_bytes > ? AND size_bytes < ? AND stored_at_ms <= ?"
    " AND json_extract(attributes, '$.storage_class') IN (SELECT value FROM json_each(?))"
)
_log = logging.getLogger(__name__)


async def look_after(store: Store) -> None:
    """Look now and then, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await look(store)
        except Exception:  # noqa: BLE001 - the edge of a task nobody waits for: it is logged, and the next look comes
            _log.exception("the lifecycle rules were not looked at")


async def look(store: Store) -> None:
    """Do in every bucket what has fallen due, and tell of it."""
    buckets = await store.ledger.run(lambda tx: [row["name"] for row in tx.run("SELECT name FROM buckets").fetchall()])
    for bucket in buckets:
        await _tell_after(store, partial(_fall_due, store=store, bucket=bucket, now=store.clock()))


async def advance(call: Call) -> Response:
    """Makes all that is in the bucket older by some days, one after the other, as if they had gone by."""
    days = call.query["advance"]
    if not (days.isascii() and days.isdigit()) or not 1 <= int(days) <= _DAYS_MAX:
        raise S3Fault("InvalidArgument", f"advance takes 1 to {_DAYS_MAX} days.")
    await call.store.ledger.run(lambda tx: versions.need_bucket(tx, call.bucket))
    for _ in range(int(days)):
        await _tell_after(call.store, partial(_one_day, store=call.store, bucket=call.bucket, now=call.store.clock()))
    return empty(204)


async def _tell_after(store: Store, job: "partial[list[Tell]]") -> None:
    for tell in await store.ledger.run(job):
        tell()


def _one_day(tx: Transaction, store: Store, bucket: str, now: datetime) -> list[Tell]:
    day = _DAY // timedelta(milliseconds=1)
    tx.run(
        "UPDATE objects SET stored_at_ms = stored_at_ms - ?,"
        " restore_ready_at_ms = max(restore_ready_at_ms - ?, min(restore_ready_at_ms, 1)),"
        " restore_until_ms = restore_until_ms - ? WHERE bucket = ?",
        *(day, day, day, bucket),
    )
    tx.run("UPDATE uploads SET begun_at_ms = begun_at_ms - ? WHERE bucket = ?", day, bucket)
    return _fall_due(tx, store, bucket, now)


def _fall_due(tx: Transaction, store: Store, bucket: str, now: datetime) -> list[Tell]:
    tells = _restores(tx, store, bucket, now)
    body = settings.read(tx, bucket, "lifecycle")
    for rule in lifecycle_rules.rules(body) if body else ():
        tells += _move(tx, store, bucket, rule, now)
        _drop_abandoned(tx, bucket, rule, now)
    return tells


def _restores(tx: Transaction, store: Store, bucket: str, now: datetime) -> list[Tell]:
    """Tell of copies that became ready, then end those whose days are over."""
    sql = "SELECT * FROM objects WHERE bucket = ? AND restore_ready_at_ms > 0 AND restore_ready_at_ms <= ?"
    ready = [versions.from_row(row) for row in tx.run(sql, bucket, milliseconds(now)).fetchall()]
    for one in ready:
        tx.run("UPDATE objects SET restore_ready_at_ms = 0 WHERE seq = ?", one.seq)
    sql = "SELECT * FROM objects WHERE bucket = ? AND restore_until_ms <= ?"
    ended = [versions.from_row(row) for row in tx.run(sql, bucket, milliseconds(now)).fetchall()]
    for one in ended:
        tx.run("UPDATE objects SET restore_ready_at_ms = NULL, restore_until_ms = NULL WHERE seq = ?", one.seq)
    completed = [store.tell(tx, "ObjectRestore:Completed", one) for one in ready]
    return completed + [store.tell(tx, "ObjectRestore:Delete", one) for one in ended]


def _move(tx: Transaction, store: Store, bucket: str, rule: Rule, now: datetime) -> list[Tell]:
    """The coldest first: what is due for more than one class moves once."""
    tells = []
    sizes = (rule.over_bytes, 1 << 62 if rule.under_bytes is None else rule.under_bytes)
    for days, storage_class in reversed(rule.transitions):
        warmer = json.dumps(STORAGE_CLASSES[: STORAGE_CLASSES.index(storage_class)])
        since = milliseconds(now - days * _DAY)
        for row in tx.run(_DUE, bucket, rule.prefix, rule.prefix, *sizes, since, warmer).fetchall():
            found = versions.from_row(row)
            moved = replace(found, attributes=replace(found.attributes, storage_class=storage_class))
            versions.amend(tx, found, moved.attributes)
            tells.append(store.tell(tx, "LifecycleTransition", moved))
    return tells


def _drop_abandoned(tx: Transaction, bucket: str, rule: Rule, now: datetime) -> None:
    if rule.abandoned_days is None:
        return
    sql = "SELECT * FROM uploads WHERE bucket = ? AND substr(key, 1, length(?)) = ? AND begun_at_ms <= ?"
    since = milliseconds(now - rule.abandoned_days * _DAY)
    for row in tx.run(sql, bucket, rule.prefix, rule.prefix, since).fetchall():
        uploads.abort(tx, uploads.from_row(row))
