"""Makes what the vault needs of an account, wherever it is missing: table, bucket, key, queues, bus, rules, schema.

The names come from the contracts that the application itself reads. Run again, it changes nothing.
"""

from collections.abc import Awaitable
from typing import Any

from botocore.exceptions import ClientError

from vaultstream import table, tiers
from vaultstream.adapters import clients
from vaultstream.local.provision_messages import make_bus, make_queues
from vaultstream.settings import Settings


async def provision(settings: Settings) -> None:
    """Make everything but the audit schema (`vaultstream migrate` does that as its owner)."""
    session = clients.session(settings)
    async with clients.client(session, settings, "dynamodb") as dynamodb:
        await make_table(dynamodb, settings.table)
    async with clients.client(session, settings, "kms") as kms:
        await make_key(kms, settings.kms_key, Description="wraps the vault's data keys")
        await make_key(kms, settings.audit_key, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    async with clients.client(session, settings, "s3") as s3:
        await make_bucket(s3, settings.bucket, settings.region, settings.kms_key)
        await make_bucket(s3, settings.audit_bucket, settings.region, settings.kms_key, locks=True)
    async with clients.client(session, settings, "sqs") as sqs, clients.client(session, settings, "events") as bus:
        queue_arns = await make_queues(sqs, settings.queue_prefix)
        await make_bus(bus, settings.bus, settings.queue_prefix, queue_arns)


async def make_table(dynamodb: Any, name: str) -> None:  # Any: botocore makes its clients at run time
    """The one table with its indexes, its stream and its time to live."""
    keys = [(table.PK, table.SK), *((index.pk, index.sk) for index in table.INDEXES)]
    await _unless(
        "ResourceInUseException",
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": attribute, "AttributeType": "S"} for pair in keys for attribute in pair
            ],
            KeySchema=_key_schema(table.PK, table.SK),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index.name,
                    "KeySchema": _key_schema(index.pk, index.sk),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index in table.INDEXES
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        ),
    )
    described = await dynamodb.describe_time_to_live(TableName=name)
    if described["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        await dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": table.TTL}
        )


async def make_key(kms: Any, alias: str, **kind: str) -> None:  # Any: botocore makes its clients at run time
    """The KMS key behind an alias that the settings name."""
    try:
        await kms.describe_key(KeyId=alias)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        made = await kms.create_key(**kind)
        await kms.create_alias(AliasName=alias, TargetKeyId=made["KeyMetadata"]["KeyId"])


async def make_bucket(s3: Any, name: str, region: str, kms_key: str, *, locks: bool = False) -> None:  # Any: as above
    """A bucket, sealed once more by KMS with one key a bucket; `locks` for one that can keep objects for a time."""
    await _unless(
        "BucketAlreadyOwnedByYou",
        s3.create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": region},
            ObjectLockEnabledForBucket=locks,
        ),
    )
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key},
        "BucketKeyEnabled": True,
    }
    await s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    await s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    await s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": lifecycle_rules()})


def lifecycle_rules() -> list[dict[str, Any]]:  # Any: S3's own request shape
    """The table of `tiers` as S3 takes it, and an end for uploads that nobody knows of any more."""
    abandoned = {
        "ID": "abandoned-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": tiers.ABANDONED_UPLOAD_DAYS},
    }
    return [*map(_lifecycle_rule, tiers.RULES), abandoned]


def _lifecycle_rule(rule: tiers.LifecycleRule) -> dict[str, Any]:  # Any: as above
    chosen: dict[str, str | int] = {"Prefix": rule.prefix, "ObjectSizeGreaterThan": rule.over_bytes}
    if rule.up_to_bytes is not None:
        chosen["ObjectSizeLessThan"] = rule.up_to_bytes + 1
    return {
        "ID": rule.id,
        "Status": "Enabled",
        "Filter": {"And": chosen},
        "Transitions": [{"Days": step.after_days, "StorageClass": step.to.value} for step in rule.transitions],
    }


def _key_schema(pk: str, sk: str) -> list[dict[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]


async def _unless(code: str, request: Awaitable[object]) -> None:
    """Send a request, content with the one refusal that says the thing is there already."""
    try:
        await request
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
