"""Keys: two independent servers agree on what the vault asks of KMS."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

CONTEXT = {"vault": "v1", "file": "f1", "version": "1"}


@pytest.fixture(scope="module")
async def key(kms):
    """The ARN of a symmetric key."""
    return (await kms.client.create_key(Description="for tests"))["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
async def data_key(kms, key):
    return await kms.client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)


async def test_a_new_key_is_described_as_made(kms, key):
    assert key in [one["KeyArn"] for one in (await kms.client.list_keys(Limit=1000))["Keys"]]
    told = (await kms.client.describe_key(KeyId=key))["KeyMetadata"]
    assert told["Arn"] == key
    kms.needs("defaults")
    assert (told["KeySpec"], told["KeyUsage"], told["KeyState"]) == (
        "SYMMETRIC_DEFAULT",
        "ENCRYPT_DECRYPT",
        "Enabled",
    )
    assert (told["Description"], told["EncryptionAlgorithms"]) == ("for tests", ["SYMMETRIC_DEFAULT"])


async def test_a_data_key_comes_back_under_its_context(kms, key, data_key):
    assert len(data_key["Plaintext"]) == 32
    assert data_key["KeyId"] == key
    opened = await kms.client.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert (opened["Plaintext"], opened["KeyId"]) == (data_key["Plaintext"], key)


async def test_the_order_of_a_context_does_not_matter(kms, data_key):
    turned = dict(reversed(CONTEXT.items()))
    opened = await kms.client.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=turned)
    assert opened["Plaintext"] == data_key["Plaintext"]


@pytest.mark.parametrize("context", [{}, {"vault": "v1"}, {**CONTEXT, "file": "f2"}, {**CONTEXT, "more": "x"}])
async def test_another_context_opens_nothing(kms, data_key, context, expect):
    async with expect("InvalidCiphertextException", 400):
        await kms.client.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=context)


async def test_a_data_key_may_come_sealed_only(kms, key):
    made = await kms.client.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert "Plaintext" not in made
    opened = await kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert len(opened["Plaintext"]) == 32


async def test_small_secrets_are_sealed_and_opened(kms, key):
    for plaintext in (b"\x00", b"x" * 4096):
        sealed = await kms.client.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=CONTEXT)
        opened = await kms.client.decrypt(KeyId=key, CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=CONTEXT)
        assert opened["Plaintext"] == plaintext


async def test_what_is_too_long_is_refused(kms, key, expect):
    async with expect("ValidationException", 400):
        await kms.client.encrypt(KeyId=key, Plaintext=b"x" * 4097)


async def test_a_blob_is_not_opened_in_the_name_of_another_key(kms, data_key, expect):
    kms.needs("wrong_key")
    other = (await kms.client.create_key())["KeyMetadata"]["KeyId"]
    async with expect("IncorrectKeyException", 400):
        await kms.client.decrypt(KeyId=other, CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=CONTEXT)


async def test_a_blob_moves_to_another_key_and_context(kms, data_key, expect):
    other = (await kms.client.create_key())["KeyMetadata"]["Arn"]
    moved = await kms.client.re_encrypt(
        CiphertextBlob=data_key["CiphertextBlob"],
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other,
        DestinationEncryptionContext={"to": "there"},
    )
    assert moved["KeyId"] == other
    opened = await kms.client.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"to": "there"})
    assert opened["Plaintext"] == data_key["Plaintext"]
    async with expect("InvalidCiphertextException", 400):
        await kms.client.re_encrypt(CiphertextBlob=data_key["CiphertextBlob"], DestinationKeyId=other)


async def test_an_alias_names_a_key_until_it_names_another(kms, expect):
    first, second = [(await kms.client.create_key())["KeyMetadata"] for _ in range(2)]
    name = f"alias/named-{first['KeyId']}"
    await kms.client.create_alias(AliasName=name, TargetKeyId=first["KeyId"])
    async with expect("AlreadyExistsException", 400):
        await kms.client.create_alias(AliasName=name, TargetKeyId=second["KeyId"])
    assert (await kms.client.describe_key(KeyId=name))["KeyMetadata"]["Arn"] == first["Arn"]
    await kms.client.update_alias(AliasName=name, TargetKeyId=second["KeyId"])
    made = await kms.client.generate_data_key(KeyId=name, KeySpec="AES_256")
    assert made["KeyId"] == second["Arn"]
    listed = (await kms.client.list_aliases(KeyId=second["KeyId"]))["Aliases"]
    assert [(one["AliasName"], one["TargetKeyId"]) for one in listed] == [(name, second["KeyId"])]
    await kms.client.delete_alias(AliasName=name)
    async with expect("NotFoundException", 400):
        await kms.client.describe_key(KeyId=name)


async def test_a_key_that_never_was_is_not_found(kms, expect):
    async with expect("NotFoundException", 400):
        await kms.client.generate_data_key(KeyId="11111111-2222-3333-4444-555555555555", KeySpec="AES_256")


async def test_after_a_rotation_old_blobs_open_and_new_ones_are_made(kms):
    key = (await kms.client.create_key())["KeyMetadata"]["KeyId"]
    old = await kms.client.generate_data_key(KeyId=key, KeySpec="AES_256")
    await kms.client.rotate_key_on_demand(KeyId=key)
    new = await kms.client.generate_data_key(KeyId=key, KeySpec="AES_256")
    for made in (old, new):
        opened = await kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"])
        assert opened["Plaintext"] == made["Plaintext"]
    rotations = (await kms.client.list_key_rotations(KeyId=key))["Rotations"]
    assert [one["RotationType"] for one in rotations] == ["ON_DEMAND"]


async def test_automatic_rotation_is_turned_on_and_off(kms):
    kms.needs("period")
    key = (await kms.client.create_key())["KeyMetadata"]["KeyId"]
    assert (await kms.client.get_key_rotation_status(KeyId=key))["KeyRotationEnabled"] is False
    await kms.client.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    told = await kms.client.get_key_rotation_status(KeyId=key)
    assert (told["KeyRotationEnabled"], told["RotationPeriodInDays"]) == (True, 180)
    await kms.client.disable_key_rotation(KeyId=key)
    assert (await kms.client.get_key_rotation_status(KeyId=key))["KeyRotationEnabled"] is False


async def test_a_disabled_key_does_nothing_until_it_is_enabled(kms, expect):
    kms.needs("states")
    key = (await kms.client.create_key())["KeyMetadata"]["KeyId"]
    made = await kms.client.generate_data_key(KeyId=key, KeySpec="AES_256")
    await kms.client.disable_key(KeyId=key)
    async with expect("DisabledException", 400):
        await kms.client.generate_data_key(KeyId=key, KeySpec="AES_256")
    async with expect("DisabledException", 400):
        await kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"])
    await kms.client.enable_key(KeyId=key)
    assert (await kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"]))["Plaintext"] == made["Plaintext"]


async def test_a_key_that_waits_for_deletion_can_only_be_saved(kms, expect):
    kms.needs("states")
    key = (await kms.client.create_key())["KeyMetadata"]["KeyId"]
    made = await kms.client.generate_data_key(KeyId=key, KeySpec="AES_256")
    told = await kms.client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert told["KeyState"] == "PendingDeletion"
    for call in (
        kms.client.decrypt(CiphertextBlob=made["CiphertextBlob"]),
        kms.client.enable_key(KeyId=key),
        kms.client.schedule_key_deletion(KeyId=key),
    ):
        async with expect("KMSInvalidStateException", 400):
            await call
    await kms.client.cancel_key_deletion(KeyId=key)
    assert (await kms.client.describe_key(KeyId=key))["KeyMetadata"]["KeyState"] == "Disabled"


PSS = padding.PSS(padding.MGF1(hashes.SHA512()), padding.PSS.DIGEST_LENGTH)


@pytest.fixture(scope="module")
async def signer(kms):
    """The id of an RSA key."""
    return (await kms.client.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"))["KeyMetadata"]["KeyId"]


@pytest.mark.parametrize(
    ("algorithm", "scheme"),
    [
        ("RSASSA_PKCS1_V1_5_SHA_256", (padding.PKCS1v15(), hashes.SHA256())),
        ("RSASSA_PSS_SHA_512", (PSS, hashes.SHA512())),
    ],
)
async def test_an_rsa_signature_verifies_here_and_with_the_public_key_alone(kms, signer, algorithm, scheme):
    if "PSS" in algorithm:
        kms.needs("pss")
    made = await kms.client.sign(KeyId=signer, Message=b"said", SigningAlgorithm=algorithm)
    told = await kms.client.verify(
        KeyId=signer, Message=b"said", Signature=made["Signature"], SigningAlgorithm=algorithm
    )
    assert told["SignatureValid"] is True
    public = serialization.load_der_public_key((await kms.client.get_public_key(KeyId=signer))["PublicKey"])
    public.verify(made["Signature"], b"said", *scheme)


async def test_a_signature_of_something_else_is_refused(kms, signer, expect):
    kms.needs("bad_signature")
    algorithm = "RSASSA_PKCS1_V1_5_SHA_256"
    made = await kms.client.sign(KeyId=signer, Message=b"said", SigningAlgorithm=algorithm)
    async with expect("KMSInvalidSignatureException", 400):
        await kms.client.verify(KeyId=signer, Message=b"other", Signature=made["Signature"], SigningAlgorithm=algorithm)


async def test_an_elliptic_signature_verifies_with_the_public_key_alone(kms):
    key = (await kms.client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY"))["KeyMetadata"]["KeyId"]
    made = await kms.client.sign(KeyId=key, Message=b"said", SigningAlgorithm="ECDSA_SHA_256")
    public = serialization.load_der_public_key((await kms.client.get_public_key(KeyId=key))["PublicKey"])
    public.verify(made["Signature"], b"said", ec.ECDSA(hashes.SHA256()))


async def test_a_key_carries_tags_and_a_policy(kms):
    key = (await kms.client.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}]))["KeyMetadata"]["KeyId"]
    await kms.client.tag_resource(KeyId=key, Tags=[{"TagKey": "c", "TagValue": "d"}])
    tags = (await kms.client.list_resource_tags(KeyId=key))["Tags"]
    assert tags == [{"TagKey": "a", "TagValue": "b"}, {"TagKey": "c", "TagValue": "d"}]
    await kms.client.put_key_policy(KeyId=key, PolicyName="default", Policy='{"Statement": []}')
    assert (await kms.client.get_key_policy(KeyId=key, PolicyName="default"))["Policy"] == '{"Statement": []}'


async def test_random_bytes_are_as_many_as_asked(kms):
    first, second = [(await kms.client.generate_random(NumberOfBytes=64))["Plaintext"] for _ in range(2)]
    assert (len(first), len(second)) == (64, 64)
    assert first != second
