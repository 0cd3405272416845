"""The official AWS Encryption SDK takes our KMS for KMS."""

import asyncio

import aws_encryption_sdk
import boto3
import parts as world
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk import CommitmentPolicy

from .conftest import OWN_KEY

CONTEXT = {"vault": "v1", "file": "f1"}
SDK = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


def keyring(url, key_arn):
    client = boto3.client(
        "kms",
        endpoint_url=url,
        region_name=world.REGION,
        aws_access_key_id=OWN_KEY.access_key_id,
        aws_secret_access_key=OWN_KEY.secret_access_key,
    )
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=key_arn, kms_client=client))


def encrypt(ring, plaintext):
    return SDK.encrypt(source=plaintext, keyring=ring, encryption_context=CONTEXT)[0]


def decrypt(ring, message):
    return SDK.decrypt(source=message, keyring=ring, encryption_context=CONTEXT)[0]


async def test_the_encryption_sdk_seals_and_opens_with_our_keys(own_kms):
    arns = [(await own_kms.client.create_key())["KeyMetadata"]["Arn"] for _ in range(2)]
    right, other = [await asyncio.to_thread(keyring, own_kms.url, arn) for arn in arns]
    message = await asyncio.to_thread(encrypt, right, b"secret " * 1000)
    assert await asyncio.to_thread(decrypt, right, message) == b"secret " * 1000
    with pytest.raises(Exception, match=r"Unable to decrypt|No Encrypted Data Keys"):
        await asyncio.to_thread(decrypt, other, message)
