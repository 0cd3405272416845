"""Checkpoints: signed by KMS, kept where nobody removes them, and enough to prove an export."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from vaultstream.actions import checkpoint
from vaultstream.actions.checkpoint import KEPT_FOR, take, take_if_due
from vaultstream.adapters import clients
from vaultstream.adapters.vault import Vault
from vaultstream.audit_proof import Tampered, checkpoint_of, public_key_of
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName


async def a_deed(vault: Vault) -> None:
    event = Event(vault.unique(), EventName.DOWNLOAD_BEGUN, vault.now(), "user_1", "req_1", item_id="file_1")
    await vault.audit_log.append([event])


async def kept(vault: Vault) -> list[str]:
    """The names of the objects in the vault's checkpoint bucket."""
    session = clients.session(vault.settings)
    async with clients.client(session, vault.settings, "s3") as s3:
        listed = await s3.list_objects_v2(Bucket=vault.settings.audit_bucket)
    return [one["Key"] for one in listed.get("Contents", [])]


async def test_a_checkpoint_is_of_the_head_signed_by_the_key_and_kept_in_both_places(vault: Vault):
    await a_deed(vault)
    line = (await take(vault)).line

    head = await vault.audit_log.head()
    key = public_key_of((await vault.notary.public_key()).encode())
    signed = checkpoint_of(line, key)
    assert (signed.vault_id, signed.seq, signed.digest) == (vault.settings.vault_id, head.seq, head.digest)
    name = f"checkpoints/{head.seq:019d}.json"
    assert await vault.checkpoints.whole(name) == line.encode()
    assert (await vault.audit_log.last_checkpoint()).line == line
    with pytest.raises(Tampered):
        checkpoint_of(line.replace('"seq":', '"seq":1'), key)


async def test_where_nothing_happened_since_there_is_no_other(vault: Vault):
    await a_deed(vault)
    first = await take(vault)
    before = await kept(vault)

    assert await take(vault) == first
    assert await kept(vault) == before


async def test_a_kept_checkpoint_cannot_be_removed_by_the_vaults_own_key(vault: Vault):
    await a_deed(vault)
    await take(vault)
    name = (await kept(vault))[-1]
    session = clients.session(vault.settings)
    async with clients.client(session, vault.settings, "s3") as s3:
        where = {"Bucket": vault.settings.audit_bucket, "Key": name}
        head = await s3.head_object(**where)
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert abs(head["ObjectLockRetainUntilDate"] - vault.now() - KEPT_FOR) < timedelta(minutes=10)
        with pytest.raises(ClientError, match="AccessDenied"):
            await s3.delete_object(**where, VersionId=head["VersionId"])


async def test_one_is_taken_when_it_falls_due_and_not_before(vault: Vault, monkeypatch):
    await a_deed(vault)
    await take(vault)
    before = await kept(vault)
    await a_deed(vault)

    await take_if_due(vault)
    assert await kept(vault) == before

    monkeypatch.setattr(checkpoint, "EVERY", timedelta(0))
    await take_if_due(vault)
    assert len(await kept(vault)) == len(before) + 1


async def test_two_at_once_end_with_one_checkpoint_of_the_row(vault: Vault):
    await a_deed(vault)
    taken = await asyncio.gather(take(vault), take(vault))
    assert await vault.audit_log.last_checkpoint() in taken


async def test_a_key_that_cannot_sign_keeps_nothing(vault: Vault):
    await a_deed(vault)
    before = await kept(vault)
    keyless = replace(vault, notary=type(vault.notary)(vault.notary._client, "alias/nobodys"))
    with pytest.raises(VaultError) as caught:
        await take(keyless)
    assert caught.value.code is Code.UNAVAILABLE
    assert await kept(vault) == before
