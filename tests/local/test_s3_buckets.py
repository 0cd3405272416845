"""Buckets, their lists and settings, copies and storage classes: two independent servers agree."""

import asyncio

import pytest

from .conftest import until

KEYS = sorted(f"l/{number // 10}/{number:03d}" for number in range(30))
LIFECYCLE = {
    "Rules": [
        {
            "ID": "cold",
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": "v/", "Tags": [{"Key": "tier", "Value": "cold"}]}},
            "Transitions": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 90, "StorageClass": "GLACIER"},
            ],
        },
        {
            "ID": "abort",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]
}
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555",
            },
            "BucketKeyEnabled": True,
        }
    ]
}


@pytest.fixture(scope="module")
async def filled(s3, make_bucket):
    """A bucket of thirty keys in three folders."""
    name = await make_bucket(s3)
    await asyncio.gather(*(s3.client.put_object(Bucket=name, Key=key, Body=b"") for key in KEYS))
    return name


async def test_a_bucket_is_there_once_made_and_gone_once_deleted(s3, make_bucket, expect):
    name = await make_bucket(s3)
    await s3.client.head_bucket(Bucket=name)
    assert name in [one["Name"] for one in (await s3.client.list_buckets())["Buckets"]]
    await s3.client.put_object(Bucket=name, Key="k", Body=b"x")
    async with expect("BucketNotEmpty", 409):
        await s3.client.delete_bucket(Bucket=name)
    await s3.client.delete_object(Bucket=name, Key="k")
    await s3.client.delete_bucket(Bucket=name)
    async with expect("404", 404):
        await s3.client.head_bucket(Bucket=name)


async def test_a_second_bucket_of_the_same_name_conflicts_outside_the_home_region(s3, make_bucket, expect):
    name = await make_bucket(s3)
    async with expect("BucketAlreadyOwnedByYou", 409):
        place = {"LocationConstraint": "eu-west-1"}
        await s3.client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    assert (await s3.client.get_bucket_location(Bucket=name))["LocationConstraint"] == "eu-west-1"


async def test_folders_roll_up_under_a_delimiter(s3, filled):
    page = await s3.client.list_objects_v2(Bucket=filled, Prefix="l/", Delimiter="/")
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["l/0/", "l/1/", "l/2/"]
    assert "Contents" not in page


async def test_pages_of_a_list_join_to_the_whole(s3, filled):
    found, token = [], {}
    while True:
        page = await s3.client.list_objects_v2(Bucket=filled, Prefix="l/", MaxKeys=7, **token)
        found += [one["Key"] for one in page.get("Contents", [])]
        if not page["IsTruncated"]:
            break
        assert page["KeyCount"] == 7
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == KEYS


async def test_a_list_can_start_after_a_key(s3, filled):
    page = await s3.client.list_objects_v2(Bucket=filled, StartAfter="l/1/015")
    assert [one["Key"] for one in page["Contents"]] == [key for key in KEYS if key > "l/1/015"]


async def test_settings_come_back_as_they_were_put(s3, make_bucket):
    name = await make_bucket(s3)
    await s3.client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=LIFECYCLE)
    rules = (await s3.client.get_bucket_lifecycle_configuration(Bucket=name))["Rules"]
    assert [rule["ID"] for rule in rules] == ["cold", "abort"]
    assert rules[0]["Transitions"] == LIFECYCLE["Rules"][0]["Transitions"]
    assert rules[0]["Filter"]["And"]["Tags"] == [{"Key": "tier", "Value": "cold"}]
    assert rules[1]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    await s3.client.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    told = await s3.client.get_bucket_notification_configuration(Bucket=name)
    assert told["EventBridgeConfiguration"] == {}
    await s3.client.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True}
    )
    block = (await s3.client.get_public_access_block(Bucket=name))["PublicAccessBlockConfiguration"]
    assert (block["BlockPublicAcls"], block["BlockPublicPolicy"]) == (True, True)


async def test_settings_that_were_not_put_are_absent_in_s3s_words(s3, make_bucket, expect):
    name = await make_bucket(s3)
    async with expect("NoSuchLifecycleConfiguration", 404):
        await s3.client.get_bucket_lifecycle_configuration(Bucket=name)
    async with expect("NoSuchBucketPolicy", 404):
        await s3.client.get_bucket_policy(Bucket=name)
    assert "Status" not in await s3.client.get_bucket_versioning(Bucket=name)


async def test_the_buckets_encryption_is_that_of_its_objects(s3, make_bucket):
    name = await make_bucket(s3)
    await s3.client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=ENCRYPTION)
    await s3.client.put_object(Bucket=name, Key="k", Body=b"x")
    head = await s3.client.head_object(Bucket=name, Key="k")
    key_id = ENCRYPTION["Rules"][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key_id)


async def test_a_bucket_key_is_told_on_every_answer(s3, make_bucket):
    s3.needs("bucket_key")
    name = await make_bucket(s3)
    await s3.client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=ENCRYPTION)
    put = await s3.client.put_object(Bucket=name, Key="k", Body=b"x")
    begun = await s3.client.create_multipart_upload(Bucket=name, Key="m")
    part = await s3.client.upload_part(Bucket=name, Key="m", UploadId=begun["UploadId"], PartNumber=1, Body=b"x")
    head = await s3.client.head_object(Bucket=name, Key="k")
    assert [one["BucketKeyEnabled"] for one in (put, begun, part, head)] == [True] * 4


async def test_a_copy_keeps_what_is_said_and_may_change_the_storage_class(s3, bucket):
    await s3.client.put_object(Bucket=bucket, Key="from", Body=b"cold", Metadata={"m": "1"}, ContentType="a/b")
    source = {"Bucket": bucket, "Key": "from"}
    await s3.client.copy_object(Bucket=bucket, Key="to", CopySource=source, StorageClass="STANDARD_IA")
    got = await s3.client.get_object(Bucket=bucket, Key="to")
    assert await got["Body"].read() == b"cold"
    assert (got["Metadata"], got["ContentType"], got["StorageClass"]) == ({"m": "1"}, "a/b", "STANDARD_IA")
    await s3.client.copy_object(
        Bucket=bucket, Key="to", CopySource=source, Metadata={"n": "2"}, MetadataDirective="REPLACE"
    )
    head = await s3.client.head_object(Bucket=bucket, Key="to")
    assert (head["Metadata"], head.get("StorageClass")) == ({"n": "2"}, None)


async def test_an_object_can_change_its_own_storage_class(s3, bucket):
    await s3.client.put_object(Bucket=bucket, Key="self", Body=b"cold", Metadata={"m": "1"})
    source = {"Bucket": bucket, "Key": "self"}
    await s3.client.copy_object(Bucket=bucket, Key="self", CopySource=source, StorageClass="GLACIER_IR")
    got = await s3.client.get_object(Bucket=bucket, Key="self")
    assert (await got["Body"].read(), got["StorageClass"], got["Metadata"]) == (b"cold", "GLACIER_IR", {"m": "1"})
    listed = await s3.client.list_objects_v2(Bucket=bucket, Prefix="self")
    assert listed["Contents"][0]["StorageClass"] == "GLACIER_IR"


async def test_a_copy_onto_itself_that_changes_nothing_is_refused(s3, bucket, expect):
    s3.needs("idle_copy")
    await s3.client.put_object(Bucket=bucket, Key="idle", Body=b"x")
    async with expect("InvalidRequest", 400):
        await s3.client.copy_object(Bucket=bucket, Key="idle", CopySource={"Bucket": bucket, "Key": "idle"})


async def test_an_archived_object_is_read_only_after_its_restore(s3, bucket, expect):
    await s3.client.put_object(Bucket=bucket, Key="deep", Body=b"cold", StorageClass="DEEP_ARCHIVE")
    async with expect("InvalidObjectState", 403):
        await s3.client.get_object(Bucket=bucket, Key="deep")
    assert (await s3.client.head_object(Bucket=bucket, Key="deep"))["StorageClass"] == "DEEP_ARCHIVE"
    answer = await s3.client.restore_object(Bucket=bucket, Key="deep", RestoreRequest={"Days": 1})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202

    async def restored():
        return 'ongoing-request="false"' in (await s3.client.head_object(Bucket=bucket, Key="deep"))["Restore"]

    await until(restored)
    got = await s3.client.get_object(Bucket=bucket, Key="deep")
    assert await got["Body"].read() == b"cold"


async def test_what_is_not_archived_cannot_be_restored(s3, bucket, expect):
    s3.needs("restore_code")
    await s3.client.put_object(Bucket=bucket, Key="warm", Body=b"x")
    async with expect("InvalidObjectState", 403):
        await s3.client.restore_object(Bucket=bucket, Key="warm", RestoreRequest={"Days": 1})


async def test_a_versioned_bucket_keeps_what_was_replaced_and_deleted(s3, make_bucket, expect):
    name = await make_bucket(s3)
    await s3.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = (await s3.client.put_object(Bucket=name, Key="v", Body=b"1"))["VersionId"]
    second = (await s3.client.put_object(Bucket=name, Key="v", Body=b"22"))["VersionId"]
    marker = await s3.client.delete_object(Bucket=name, Key="v")
    assert marker["DeleteMarker"] is True
    async with expect("NoSuchKey", 404):
        await s3.client.get_object(Bucket=name, Key="v")
    got = await s3.client.get_object(Bucket=name, Key="v", VersionId=first)
    assert await got["Body"].read() == b"1"
    listed = await s3.client.list_object_versions(Bucket=name, Prefix="v")
    assert [one["VersionId"] for one in listed["Versions"]] == [second, first]
    assert [one["VersionId"] for one in listed["DeleteMarkers"]] == [marker["VersionId"]]
    await s3.client.delete_object(Bucket=name, Key="v", VersionId=marker["VersionId"])
    got = await s3.client.get_object(Bucket=name, Key="v")
    assert await got["Body"].read() == b"22"
    await s3.client.delete_object(Bucket=name, Key="v", VersionId=second)
    got = await s3.client.get_object(Bucket=name, Key="v")
    assert await got["Body"].read() == b"1"
