"""`vaultstream audit`: exports the audit log as evidence, proves an export offline, and looks after the log."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from pathlib import Path

from vaultstream.actions import checkpoint, deeds, export, personal
from vaultstream.actions.export import Form
from vaultstream.adapters.audit_log import KeptCheckpoint
from vaultstream.adapters.vault import Vault, opened
from vaultstream.audit_proof import NoPublicKey, Prover, Tampered, public_key_of
from vaultstream.commands.plainly import plainly
from vaultstream.errors import VaultError
from vaultstream.events import EventName
from vaultstream.settings import Settings, SettingsError

Deed = Callable[[Vault, argparse.Namespace], Coroutine[None, None, None]]


class NothingRecorded(Exception):
    """The log has no row yet."""


def main() -> None:
    """Do what the arguments say."""
    asked = _parser().parse_args(sys.argv[1:])
    plainly(lambda: asked.deed(asked), SettingsError, VaultError, Tampered, NoPublicKey, NothingRecorded)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vaultstream audit", description=__doc__)
    deeds = parser.add_subparsers(required=True, metavar="DEED")

    def add(name: str, purpose: str, deed: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        made = deeds.add_parser(name, help=purpose, description=purpose)
        made.set_defaults(deed=deed)
        return made

    taking = add("export", "write every row with its checkpoints, as lines that prove themselves", _with_vault(_export))
    taking.add_argument("file", help="where to; - for the standard output")
    taking.add_argument(
        "--csv",
        dest="form",
        action="store_const",
        const=Form.CSV,
        default=Form.NDJSON,
        help="a table for spreadsheets instead, which proves nothing",
    )
    taking.add_argument("--after", type=int, default=0, metavar="SEQ", help="only rows after this one")
    verify = add("verify", "prove an export whole and unchanged; needs no vault and no network", _verify)
    verify.add_argument("file", help="the export; - for the standard input")
    verify.add_argument("--key", required=True, metavar="PEM", help="the public key of the checkpoints (`audit key`)")
    verify.add_argument("--after", type=int, default=0, metavar="SEQ", help="the export begins after this row")
    verify.add_argument(
        "--checkpoint", action="append", default=[], metavar="FILE", help="one from the bucket that must hold too"
    )
    add("checkpoint", "sign where the chain stands now, keep that, and print it", _with_vault(_checkpoint))
    erase = add("erase", "drop a person's key: where they came from can never be read again", _with_vault(_erase))
    erase.add_argument("person", help="the id: user_…, or link_… for a link's visitors")
    drop = add(
        "drop-month",
        "drop a month after its time; the chain tells of it",
        _with_vault(_drop),
    )
    drop.add_argument("month", type=_month, metavar="YYYY-MM", help="in UTC")
    hold = add("hold", "put a month under legal hold; only the database's owner ends it", _with_vault(_hold))
    hold.add_argument("month", type=_month, metavar="YYYY-MM", help="in UTC")
    hold.add_argument("reason", help="why, for whoever is to end it; no names")
    add("key", "print the public key that verifies checkpoints", _with_vault(_key))
    return parser


def _with_vault(deed: Deed) -> Callable[[argparse.Namespace], None]:
    async def run(asked: argparse.Namespace) -> None:
        async with opened(Settings.from_env(os.environ)) as vault:
            await deed(vault, asked)

    return lambda asked: asyncio.run(run(asked))


async def _export(vault: Vault, asked: argparse.Namespace) -> None:
    end, written = await _taken(vault), 0
    told = deeds.by_operator(vault, EventName.AUDIT_EXPORTED, after=asked.after, until=end.seq, form=asked.form.value)
    await vault.commit([], [told])  # before the first line
    place = sys.stdout.fileno() if asked.file == "-" else asked.file
    with open(place, "wb") as out:  # noqa: ASYNC230  # nothing else waits here
        async for piece in export.written(vault, asked.form, end, after=asked.after):
            out.write(piece)
            written += piece.count(b"\n")
            _tell(f"\r{written:,} lines")
    _tell(f"\r{written:,} lines, up to row {end.seq}\n")


async def _taken(vault: Vault) -> KeptCheckpoint:
    taken = await checkpoint.take(vault)
    if taken is None:
        raise NothingRecorded("nothing is recorded yet")
    return taken


async def _checkpoint(vault: Vault, _asked: argparse.Namespace) -> None:
    sys.stdout.write(f"{(await _taken(vault)).line}\n")


async def _key(vault: Vault, _asked: argparse.Namespace) -> None:
    sys.stdout.write(await vault.notary.public_key())


async def _erase(vault: Vault, asked: argparse.Namespace) -> None:
    await personal.erase(vault, asked.person)


async def _hold(vault: Vault, asked: argparse.Namespace) -> None:
    told = deeds.by_operator(vault, EventName.AUDIT_MONTH_HELD, month=f"{asked.month:%Y-%m}", why=asked.reason)
    await vault.commit([], [told])  # before it is so
    await vault.audit_log.hold_month(asked.month, asked.reason)


async def _drop(vault: Vault, asked: argparse.Namespace) -> None:
    told = deeds.by_operator(vault, EventName.AUDIT_MONTH_DROPPED, month=f"{asked.month:%Y-%m}")
    row = await vault.audit_log.drop_month(asked.month, told)
    sys.stdout.write(f"{asked.month:%Y-%m} is gone; row {row.seq} tells of it\n")


def _month(text: str) -> date:
    return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  # a month has no zone


def _verify(asked: argparse.Namespace) -> None:
    prover = Prover(public_key_of(Path(asked.key).read_bytes()), after=asked.after)
    for path in asked.checkpoint:
        prover.trust(Path(path).read_bytes().removesuffix(b"\n"))
    with open(sys.stdin.fileno() if asked.file == "-" else asked.file, "rb") as lines:  # either
        for line in lines:
            prover.take(line.removesuffix(b"\n"))
    proof = prover.finish()
    gone = f", {proof.dropped_rows:,} more went with their months" if proof.dropped_rows else ""
    sys.stdout.write(
        f"rows {proof.first} to {proof.last} are whole and unchanged as of {proof.as_of:%Y-%m-%d %H:%M:%S} UTC: "
        f"{proof.rows:,} of them{gone}\n"
    )


def _tell(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
