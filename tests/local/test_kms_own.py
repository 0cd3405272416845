"""Our KMS alone: tampering, deadlines, rotation by the clock, what lies on the disk, who may ask."""

import json
import sqlite3

import aiohttp
import parts as world
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.local import parts
from vaultstream.local.kms import aliases, encryption, lifecycle, rotation, sealing
from vaultstream.local.kms.faults import KmsFault
from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import Keyring
from vaultstream.local.kms.root_key import open_root_key
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.local.s3.signature import Credentials

from .conftest import OWN_KEY, boto

KEY_ID = "11111111-2222-3333-4444-555555555555"
CONTEXTS = st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5)
MATERIAL = bytes(range(32))
NONCE = bytes(12)


def sealed(context, plaintext=b"secret"):
    return sealing.seal(MATERIAL, KEY_ID, 7, NONCE, plaintext, context)


def opened(blob, context):
    return sealing.open_sealed(MATERIAL, sealing.take_apart(blob), context)


@given(CONTEXTS, st.binary(min_size=1, max_size=4096))
def test_what_is_sealed_opens_under_the_same_context(context, plaintext):
    blob = sealed(context, plaintext)
    assert opened(blob, dict(reversed(context.items()))) == plaintext
    assert (sealing.take_apart(blob).key_id, sealing.take_apart(blob).version) == (KEY_ID, 7)


@given(CONTEXTS, CONTEXTS)
def test_two_contexts_have_the_same_bytes_only_if_they_are_the_same(first, second):
    assert (sealing.encode_context(first) == sealing.encode_context(second)) == (first == second)


@given(CONTEXTS, CONTEXTS)
def test_another_context_is_refused(first, second):
    if first != second:
        with pytest.raises(ValueError, match="changed"):
            opened(sealed(first), second)


@given(CONTEXTS, st.data())
def test_any_changed_bit_is_refused(context, data):
    blob = bytearray(sealed(context))
    at = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[at // 8] ^= 1 << at % 8
    with pytest.raises(ValueError, match=r"changed|not a ciphertext"):
        opened(bytes(blob), context)


@given(st.binary(max_size=64))
def test_what_was_never_sealed_is_refused(blob):
    with pytest.raises(ValueError, match=r"changed|not a ciphertext"):
        opened(blob, {})


async def test_a_tampered_blob_is_refused_wherever_it_was_changed(own_kms, expect):
    key = (await own_kms.client.create_key())["KeyMetadata"]["KeyId"]
    blob = (await own_kms.client.generate_data_key(KeyId=key, KeySpec="AES_256"))["CiphertextBlob"]
    for at in (0, 1, 16, 20, 21, 33, len(blob) - 1):
        changed = bytearray(blob)
        changed[at] ^= 1
        async with expect("InvalidCiphertextException", 400):
            await own_kms.client.decrypt(CiphertextBlob=bytes(changed))


async def test_a_context_above_its_limit_is_refused(own_kms, expect):
    key = (await own_kms.client.create_key())["KeyMetadata"]["KeyId"]
    fits = {"k": "x" * 8191}
    made = await own_kms.client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=fits)
    await own_kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=fits)
    async with expect("ValidationException", 400):
        over = {"k": "x" * 8192}
        await own_kms.client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=over)


async def test_a_key_does_only_what_it_is_for(own_kms, expect):
    symmetric = (await own_kms.client.create_key())["KeyMetadata"]["KeyId"]
    made = await own_kms.client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    signer = made["KeyMetadata"]["KeyId"]
    async with expect("InvalidKeyUsageException", 400):
        await own_kms.client.sign(KeyId=symmetric, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
    async with expect("InvalidKeyUsageException", 400):
        await own_kms.client.encrypt(KeyId=signer, Plaintext=b"x")
    async with expect("UnsupportedOperationException", 400):
        await own_kms.client.enable_key_rotation(KeyId=signer)
    async with expect("ValidationException", 400):
        await own_kms.client.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")


async def test_a_mac_verifies_and_another_does_not(own_kms, expect):
    made = await own_kms.client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    key = made["KeyMetadata"]["KeyId"]
    mac = (await own_kms.client.generate_mac(KeyId=key, Message=b"said", MacAlgorithm="HMAC_SHA_256"))["Mac"]
    told = await own_kms.client.verify_mac(KeyId=key, Message=b"said", Mac=mac, MacAlgorithm="HMAC_SHA_256")
    assert told["MacValid"] is True
    async with expect("KMSInvalidMacException", 400):
        await own_kms.client.verify_mac(KeyId=key, Message=b"else", Mac=mac, MacAlgorithm="HMAC_SHA_256")


async def test_a_digest_is_signed_as_its_message_would_be(own_kms, expect):
    made = await own_kms.client.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    key = made["KeyMetadata"]["KeyId"]
    digest = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    algorithm = "RSASSA_PKCS1_V1_5_SHA_256"
    made = await own_kms.client.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm)
    told = await own_kms.client.verify(
        KeyId=key, Message=digest, MessageType="DIGEST", Signature=made["Signature"], SigningAlgorithm=algorithm
    )
    assert told["SignatureValid"] is True
    async with expect("ValidationException", 400):
        await own_kms.client.sign(KeyId=key, Message=b"x", MessageType="DIGEST", SigningAlgorithm=algorithm)


@pytest.fixture
def keyring(tmp_path, clock):
    """A keyring of our own whose clock the test puts forward."""
    opened = Keyring(tmp_path / "keyring", world.REGION, clock)
    yield opened
    opened.close()


def new_key(keyring):
    return lifecycle.create(keyring, Fields({}))["KeyMetadata"]["KeyId"]


def data_key(keyring, key):
    made = encryption.generate_data_key(keyring, Fields({"KeyId": key, "KeySpec": "AES_256"}))
    return Fields({"CiphertextBlob": made["CiphertextBlob"]}), made["Plaintext"]


def test_a_key_is_destroyed_when_its_deadline_comes(keyring, clock):
    key = new_key(keyring)
    aliases.create(keyring, Fields({"AliasName": "alias/doomed", "TargetKeyId": key}))
    blob, _ = data_key(keyring, key)
    lifecycle.schedule_deletion(keyring, Fields({"KeyId": key, "PendingWindowInDays": 7}))
    clock.advance(days=7, seconds=-1)
    assert lifecycle.describe(keyring, Fields({"KeyId": key}))["KeyMetadata"]["KeyState"] == "PendingDeletion"
    clock.advance(seconds=1)
    with pytest.raises(KmsFault) as gone:
        lifecycle.describe(keyring, Fields({"KeyId": key}))
    with pytest.raises(KmsFault) as lost:
        encryption.decrypt(keyring, blob)
    assert (gone.value.code, lost.value.code) == ("NotFoundException", "InvalidCiphertextException")
    for table in ("keys", "materials", "aliases"):
        assert keyring.rows(f"SELECT * FROM {table}") == []


def test_a_key_rotates_at_its_first_use_after_its_period(keyring, clock):
    key = new_key(keyring)
    rotation.enable(keyring, Fields({"KeyId": key, "RotationPeriodInDays": 90}))
    old = data_key(keyring, key)
    clock.advance(days=89)
    data_key(keyring, key)
    assert rotation.listed(keyring, Fields({"KeyId": key}))["Rotations"] == []
    clock.advance(days=1)
    made = [old, data_key(keyring, key), data_key(keyring, key)]
    rotations = rotation.listed(keyring, Fields({"KeyId": key}))["Rotations"]
    assert [one["RotationType"] for one in rotations] == ["AUTOMATIC"]
    for blob, plaintext in made:
        assert encryption.decrypt(keyring, blob)["Plaintext"] == plaintext


async def test_keys_survive_kill_9_and_lie_wrapped_behind_an_owner_only_root_key(tmp_path, logs):
    folder, port = tmp_path / "kms", free_port()
    first = Process(parts.kms(folder, port, world.ACCESS_KEY), logs)
    first.wait_ready()
    async with boto("kms", f"http://127.0.0.1:{port}", OWN_KEY) as kms:
        key = (await kms.create_key())["KeyMetadata"]["KeyId"]
        made = await kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"})
        await kms.rotate_key_on_demand(KeyId=key)
    first._child.kill()
    first.stop()
    assert (folder / "root.key").stat().st_mode & 0o777 == 0o600
    material = {row[0] for row in sqlite3_rows(folder / "kms.sqlite", "SELECT wrapped FROM materials")}
    assert {len(wrapped) for wrapped in material} == {12 + 32 + 16}
    with world.running(parts.kms(folder, port, world.ACCESS_KEY), logs):
        async with boto("kms", f"http://127.0.0.1:{port}", OWN_KEY) as kms:
            opened_again = await kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert opened_again["Plaintext"] == made["Plaintext"]


def sqlite3_rows(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_root_key_is_made_once_and_never_in_place_of_a_lost_one(tmp_path):
    path = tmp_path / "root.key"
    made = open_root_key(path, may_create=True)
    wrapped = made.wrap(MATERIAL, KEY_ID, 1)
    assert open_root_key(path, may_create=False).unwrap(wrapped, KEY_ID, 1) == MATERIAL
    with pytest.raises(RuntimeError, match="does not open version 2"):
        made.unwrap(wrapped, KEY_ID, 2)
    path.chmod(0o644)
    with pytest.raises(RuntimeError, match="owner only"):
        open_root_key(path, may_create=False)
    path.unlink()
    with pytest.raises(RuntimeError, match="is missing"):
        open_root_key(path, may_create=False)


async def test_a_second_server_cannot_open_the_same_folder(tmp_path, logs):
    with world.running(parts.kms(tmp_path, free_port(), world.ACCESS_KEY), logs):
        second = Process(parts.kms(tmp_path, free_port(), world.ACCESS_KEY), logs)
        assert second._child.wait(20) != 0


async def test_only_the_holder_of_the_key_is_served(own_kms, expect):
    for stranger, code in (
        (Credentials(OWN_KEY.access_key_id, "not the secret"), "InvalidSignatureException"),
        (Credentials("NOBODY", OWN_KEY.secret_access_key), "UnrecognizedClientException"),
    ):
        async with boto("kms", own_kms.url, stranger) as kms, expect(code, 403):
            await kms.create_key()
    async with aiohttp.ClientSession() as http:
        headers = {"X-Amz-Target": "TrentService.CreateKey"}
        async with http.post(own_kms.url, data=b"{}", headers=headers) as answer:
            assert answer.status == 400
            assert json.loads(await answer.read())["__type"] == "MissingAuthenticationTokenException"
        async with http.post(own_kms.url, data=b"{}", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421


async def test_an_operation_it_does_not_know_is_said_so(own_kms, expect):
    async with expect("UnknownOperationException", 400):
        await own_kms.client.derive_shared_secret(KeyId=KEY_ID, KeyAgreementAlgorithm="ECDH", PublicKey=b"x")
