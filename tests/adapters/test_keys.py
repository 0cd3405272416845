"""Keys from a real KMS: bound to their context, asked for once, forgotten in time, and no format of our own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aws_encryption_sdk
import boto3
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk.identifiers import Algorithm
from faults import Fault, Faults, aws_error, cut_after, faulty, held_until, refused
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream import sealed
from vaultstream.actions import process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.keys import CACHED_KEYS_MAX, Keys
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.sealed import FrameKey, Opener
from vaultstream.settings import Settings
from vaultstream.versions import encryption_context

CONTEXT = {"vault": "vault-1", "file": "file_1", "version": "version_1"}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Wire:
    """Keys behind a proxy that counts what KMS is asked, with a clock of their own."""

    def __init__(self, faults: Faults, client: Any, kms_key: str) -> None:
        self.faults, self.client, self.kms_key = faults, client, kms_key
        self.clock = Clock()
        self.keys = Keys(client, kms_key, cache_seconds=60, clock=self.clock)

    @property
    def decrypts(self) -> int:
        return self.faults.calls["Decrypt"]


@pytest.fixture(scope="module")
async def asked_once(settings: Settings) -> AsyncIterator[tuple[Faults, Any]]:
    async with faulty(settings, "kms") as wire:
        yield wire


@pytest.fixture
def wire(asked_once: tuple[Faults, Any], settings: Settings) -> Wire:
    asked_once[0].heal()
    return Wire(*asked_once, settings.kms_key)


@pytest.fixture(scope="module")
async def header(vault: Vault) -> bytes:
    """The header of an object that never was."""
    _, header = await vault.keys.new(CONTEXT)
    return header


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


def same(one: FrameKey, other: FrameKey) -> bool:
    """Whether what one seals the other opens."""
    return other.frames.decrypt(bytes(12), one.frames.encrypt(bytes(12), b"x", None), None) == b"x"


async def test_a_new_key_opens_again_from_its_header(wire: Wire) -> None:
    made, header = await wire.keys.new(CONTEXT)
    assert same(made, await wire.keys.open(header, CONTEXT))
    assert wire.faults.calls == {"GenerateDataKey": 1, "Decrypt": 1}
    other, other_header = await wire.keys.new(CONTEXT)
    assert made.message_id != other.message_id
    assert made.commit_key != other.commit_key
    assert header != other_header


@pytest.mark.parametrize(
    "context",
    [{}, CONTEXT | {"version": "version_2"}, CONTEXT | {"more": "x"}, {"vault": "vault-1", "file": "file_1"}],
    ids=["none", "another version", "more", "less"],
)
async def test_another_context_is_refused(wire: Wire, header: bytes, context: dict[str, str]) -> None:
    assert await refusal(wire.keys.open(header, context)) is Code.UNREADABLE
    await wire.keys.open(header, CONTEXT)
    assert await refusal(wire.keys.open(header, context)) is Code.UNREADABLE, "a cached key is bound to its context"


async def test_every_changed_byte_of_a_header_is_refused(vault: Vault, header: bytes) -> None:
    async def opened(at: int, bit: int) -> Code:
        changed = header[:at] + bytes([header[at] ^ bit]) + header[at + 1 :]
        return await refusal(vault.keys.open(changed, CONTEXT))

    for at in range(0, len(header), 40):
        places = range(at, min(at + 40, len(header)))
        codes = await asyncio.gather(*(opened(place, 1 << place % 8) for place in places))
        assert set(codes) == {Code.UNREADABLE}


@tried(deadline=None, max_examples=60)
@given(st.data())
async def test_a_header_cut_or_filled_up_is_refused(vault: Vault, header: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(header)))
    stop = data.draw(st.integers(start, len(header)))
    changed = header[:start] + data.draw(st.binary(max_size=8)) + header[stop:]
    if changed != header:
        assert await refusal(vault.keys.open(changed, CONTEXT)) is Code.UNREADABLE


async def test_a_key_that_was_just_opened_costs_no_call_until_its_time_is_over(wire: Wire, header: bytes) -> None:
    first = await wire.keys.open(header, CONTEXT)
    wire.clock.seconds += 59.9
    assert await wire.keys.open(header, dict(reversed(CONTEXT.items()))) is first
    assert wire.decrypts == 1
    wire.clock.seconds += 0.1
    second = await wire.keys.open(header, CONTEXT)
    assert (wire.decrypts, same(first, second)) == (2, True)
    wire.clock.seconds += 59.9
    assert await wire.keys.open(header, CONTEXT) is second


async def test_many_who_want_one_key_at_once_make_one_call(wire: Wire, header: bytes) -> None:
    keys = await asyncio.gather(*(wire.keys.open(header, CONTEXT) for _ in range(50)))
    assert wire.decrypts == 1
    assert len(set(map(id, keys))) == 1


async def test_one_of_many_who_leaves_takes_the_key_from_nobody(wire: Wire, header: bytes) -> None:
    gate = asyncio.Event()
    wire.faults.plan("Decrypt", held_until(gate), times=1)
    wanting = [asyncio.create_task(wire.keys.open(header, CONTEXT)) for _ in range(3)]
    await wire.faults.called("Decrypt")
    wanting[0].cancel()
    gate.set()
    results = await asyncio.gather(*wanting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] is results[2] is await wire.keys.open(header, CONTEXT)
    assert wire.decrypts == 1


async def test_failures_are_not_kept(wire: Wire, header: bytes) -> None:
    wire.faults.plan("Decrypt", aws_error("ThrottlingException"), times=1)
    wanting = [refusal(wire.keys.open(header, CONTEXT)) for _ in range(5)]
    assert set(await asyncio.gather(*wanting)) == {Code.UNAVAILABLE}
    assert wire.decrypts == 1
    await wire.keys.open(header, CONTEXT)
    assert wire.decrypts == 2


async def test_no_more_than_a_thousand_keys_are_held_and_the_least_wanted_go(wire: Wire) -> None:
    headers = [(await wire.keys.new(CONTEXT))[1] for _ in range(3)]
    first, second, third = headers
    await wire.keys.open(first, CONTEXT)
    await wire.keys.open(second, CONTEXT)
    # A thousand opened keys would be a thousand calls: what fills the cache here was opened under other names.
    known = wire.keys._opened
    kept = known[next(iter(known))]
    for n in range(CACHED_KEYS_MAX - 2):
        known[(f"{n}".encode(), "")] = kept
    await wire.keys.open(first, CONTEXT)
    await wire.keys.open(third, CONTEXT)
    assert len(known) == CACHED_KEYS_MAX
    assert wire.decrypts == 3
    await wire.keys.open(first, CONTEXT)
    assert wire.decrypts == 3
    await wire.keys.open(second, CONTEXT)
    assert (wire.decrypts, len(known)) == (4, CACHED_KEYS_MAX)


async def test_a_flush_forgets_every_key(wire: Wire, header: bytes) -> None:
    await wire.keys.open(header, CONTEXT)
    wire.keys.flush()
    await wire.keys.open(header, CONTEXT)
    assert wire.decrypts == 2


async def test_a_flush_also_forgets_what_is_being_opened(wire: Wire, header: bytes) -> None:
    gate = asyncio.Event()
    wire.faults.plan("Decrypt", held_until(gate), times=1)
    early = asyncio.create_task(wire.keys.open(header, CONTEXT))
    await wire.faults.called("Decrypt")
    wire.keys.flush()
    late = asyncio.create_task(wire.keys.open(header, CONTEXT))
    await wire.faults.called("Decrypt", 2)
    gate.set()
    early_key, late_key = await asyncio.gather(early, late)
    assert await wire.keys.open(header, CONTEXT) is late_key is not early_key
    assert wire.decrypts == 2


@pytest.mark.parametrize(
    "fault",
    [aws_error("ThrottlingException"), aws_error("KMSInternalException", 500), refused, cut_after(5)],
    ids=["throttled", "500", "refused", "cut"],
)
async def test_a_kms_that_cannot_be_had_is_unavailable(wire: Wire, header: bytes, fault: Fault) -> None:
    wire.faults.plan("*", fault)
    wanted = [wire.keys.new(CONTEXT), wire.keys.open(header, CONTEXT), wire.keys.ping()]
    assert {await refusal(each) for each in wanted} == {Code.UNAVAILABLE}


@pytest.mark.parametrize(
    "code", ["DisabledException", "KMSInvalidStateException", "AccessDeniedException", "NotFoundException"]
)
async def test_a_key_that_kms_will_not_use_is_unreadable(wire: Wire, header: bytes, code: str) -> None:
    wire.faults.plan("Decrypt", aws_error(code))
    assert await refusal(wire.keys.open(header, CONTEXT)) is Code.UNREADABLE


async def test_a_throttle_that_passes_is_not_seen(settings: Settings, header: bytes) -> None:
    async with faulty(settings, "kms", attempts=4) as (faults, client):
        faults.plan("*", aws_error("ThrottlingException"), times=1)
        keys = Keys(client, settings.kms_key, cache_seconds=60)
        await keys.open(header, CONTEXT)
        assert faults.calls["Decrypt"] == 2


class Official:
    """The stock AWS Encryption SDK with the vault's own KMS key."""

    def __init__(self, settings: Settings, key_arn: str) -> None:
        kms = boto3.client(
            "kms",
            endpoint_url=settings.endpoint_kms,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key.reveal(),
        )
        providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
        wanted = CreateAwsKmsKeyringInput(kms_key_id=key_arn, kms_client=kms)
        self._keyring = providers.create_aws_kms_keyring(input=wanted)
        self._client = aws_encryption_sdk.EncryptionSDKClient()

    def write(self, plain: bytes, context: dict[str, str]) -> bytes:
        message, _ = self._client.encrypt(
            source=plain,
            keyring=self._keyring,
            encryption_context=context,
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
            frame_length=sealed.FRAME_BYTES,
        )
        return bytes(message)

    def read(self, message: bytes, context: dict[str, str]) -> bytes:
        plain, _ = self._client.decrypt(source=message, keyring=self._keyring, encryption_context=context)
        return bytes(plain)


@pytest.fixture(scope="module")
def official(settings: Settings, header: bytes) -> Official:
    return Official(settings, sealed.parse_header(header).edks[0].key_arn)


@pytest.mark.parametrize("size", [0, 1, sealed.FRAME_BYTES, 200_001])
async def test_the_official_sdk_opens_a_stored_version_and_only_under_its_context(
    vault: Vault, alice: Actor, official: Official, size: int
) -> None:
    plain = bytes(n % 251 for n in range(size))

    async def body() -> AsyncIterator[bytes]:
        yield plain

    begun = await upload.begin(vault, alice, Wanted(name="a.bin", size_bytes=size))
    done = await upload.receive(vault, alice, begun.id, 0, body()) if size else begun
    found = await process.load(vault, done.target.file_id, done.version_number)
    assert found is not None
    stored = found[1]
    message = stored.body.header + await vault.blobs.whole(stored.body.object_key)
    context = encryption_context(vault.settings.vault_id, stored.version.id)
    assert await asyncio.to_thread(official.read, message, context) == plain
    with pytest.raises(Exception, match="ncryption context"):
        await asyncio.to_thread(official.read, message, context | {"version": "version_2"})


@pytest.mark.parametrize("size", [0, 1, sealed.FRAME_BYTES, 200_001])
async def test_we_open_what_the_official_sdk_sealed_under_the_same_kms_key(
    vault: Vault, official: Official, size: int
) -> None:
    plain = bytes(n % 251 for n in range(size))
    message = await asyncio.to_thread(official.write, plain, CONTEXT)
    header = message[: len(message) - sealed.body_size(size)]
    opener = Opener(await vault.keys.open(header, CONTEXT), size)
    pieces = opener.update(message[len(header) :])
    opener.finish()
    assert b"".join(pieces) == plain
    assert await refusal(vault.keys.open(header, CONTEXT | {"vault": "vault-2"})) is Code.UNREADABLE
