"""Our S3 alone: events, copies, archives by the clock, limits, and what it will not pretend to do."""

import asyncio
import hashlib
import sys
from datetime import timedelta

import aiohttp
import pytest

from vaultstream.local.s3.app import create_app

from .conftest import OWN_KEY, boto, new_bucket, serving, until

MIB = 1024 * 1024
EVENTBRIDGE = {"EventBridgeConfiguration": {}}


async def heard_all(heard, count):
    return len(heard) == count


async def test_the_listener_hears_what_happened_once_it_is_durable(tmp_path):
    heard = []
    app = create_app(tmp_path, OWN_KEY, on_event=heard.append, restore_delay=timedelta(0))
    with serving(app) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            for name in ("told", "silent"):
                await s3.create_bucket(Bucket=name)
            await s3.put_bucket_notification_configuration(Bucket="told", NotificationConfiguration=EVENTBRIDGE)
            put = await s3.put_object(Bucket="told", Key="k", Body=b"12345")
            await s3.put_object(Bucket="silent", Key="k", Body=b"12345")
            await s3.put_object(Bucket="told", Key="k", Body=b"12345", StorageClass="GLACIER")
            source = {"Bucket": "silent", "Key": "k"}
            await s3.copy_object(Bucket="told", Key="copy", CopySource=source)
            upload = (await s3.create_multipart_upload(Bucket="told", Key="parts"))["UploadId"]
            part = await s3.upload_part(Bucket="told", Key="parts", UploadId=upload, PartNumber=1, Body=b"1")
            named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
            await s3.complete_multipart_upload(Bucket="told", Key="parts", UploadId=upload, MultipartUpload=named)
            await s3.restore_object(Bucket="told", Key="k", RestoreRequest={"Days": 1})
            await s3.delete_object(Bucket="told", Key="copy")
            await until(lambda: heard_all(heard, 7))
    assert sorted((event.name, event.key) for event in heard) == [
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:Put", "k"),
        ("ObjectCreated:Put", "k"),
        ("ObjectRemoved:Delete", "copy"),
        ("ObjectRestore:Completed", "k"),
        ("ObjectRestore:Post", "k"),
    ]
    assert (heard[0].bucket, heard[0].size_bytes, f'"{heard[0].etag}"') == ("told", 5, put["ETag"])
    assert heard[0].sequencer < heard[1].sequencer
    assert heard[0].version_id == ""


async def test_of_many_first_puts_exactly_one_is_first(own_s3, own_bucket):
    async def put(number):
        try:
            await own_s3.client.put_object(Bucket=own_bucket, Key="race", Body=b"%d" % number, IfNoneMatch="*")
        except own_s3.client.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"
            return None
        return number

    winners = [number for number in await asyncio.gather(*map(put, range(30))) if number is not None]
    got = await own_s3.client.get_object(Bucket=own_bucket, Key="race")
    assert [int(await got["Body"].read())] == winners


async def test_a_copy_of_parts_has_the_etag_of_its_bytes(own_s3, own_bucket):
    named = {"Bucket": own_bucket, "Key": "parts"}
    upload = (await own_s3.client.create_multipart_upload(**named))["UploadId"]
    sent = []
    for number, body in ((1, b"1" * (5 * MIB)), (2, b"2")):
        told = await own_s3.client.upload_part(**named, UploadId=upload, PartNumber=number, Body=body)
        sent.append({"PartNumber": number, "ETag": told["ETag"]})
    await own_s3.client.complete_multipart_upload(**named, UploadId=upload, MultipartUpload={"Parts": sent})
    await own_s3.client.copy_object(Bucket=own_bucket, Key="whole", CopySource=named)
    got = await own_s3.client.get_object(Bucket=own_bucket, Key="whole")
    body = await got["Body"].read()
    assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert body == b"1" * (5 * MIB) + b"2"


async def test_the_checksum_of_a_whole_object_is_held_to(own_s3, own_bucket, expect):
    named = {"Bucket": own_bucket, "Key": "summed"}
    begun = await own_s3.client.create_multipart_upload(**named, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    sent = []
    for number, body in ((1, b"1" * (5 * MIB)), (2, b"2")):
        told = await own_s3.client.upload_part(
            **named, UploadId=begun["UploadId"], PartNumber=number, Body=body, ChecksumAlgorithm="CRC32"
        )
        part = {"PartNumber": number, "ETag": told["ETag"], "ChecksumCRC32": told["ChecksumCRC32"]}
        sent.append(part)
    request = {**named, "UploadId": begun["UploadId"], "MultipartUpload": {"Parts": sent}}
    async with expect("BadDigest"):
        await own_s3.client.complete_multipart_upload(**request, ChecksumCRC32="AAAAAA==")
    done = await own_s3.client.complete_multipart_upload(**request)
    head = await own_s3.client.head_object(**named, ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (done["ChecksumCRC32"], "FULL_OBJECT")
    await own_s3.client.put_object(
        Bucket=own_bucket, Key="same", Body=b"1" * (5 * MIB) + b"2", ChecksumCRC32=done["ChecksumCRC32"]
    )


async def test_a_restored_copy_ends_when_its_days_are_over(tmp_path, clock, expect):
    """The clients' clock stays, so the days are counted by a server that is a day behind or ahead of nothing else."""
    app = create_app(tmp_path, OWN_KEY, clock=clock, restore_delay=timedelta(minutes=5))
    with serving(app) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="cold")
            await s3.put_object(Bucket="cold", Key="k", Body=b"x", StorageClass="GLACIER")
            await s3.restore_object(Bucket="cold", Key="k", RestoreRequest={"Days": 1})
            assert (await s3.head_object(Bucket="cold", Key="k"))["Restore"] == 'ongoing-request="true"'
            async with expect("RestoreAlreadyInProgress", 409):
                await s3.restore_object(Bucket="cold", Key="k", RestoreRequest={"Days": 1})
            clock.advance(minutes=5)
            link = await s3.generate_presigned_url("get_object", {"Bucket": "cold", "Key": "k"}, ExpiresIn=3 * 86_400)
            extended = await s3.restore_object(Bucket="cold", Key="k", RestoreRequest={"Days": 2})
            assert extended["ResponseMetadata"]["HTTPStatusCode"] == 200
            statuses = []
            async with aiohttp.ClientSession() as http:
                for seconds in (2 * 86_400 - 1, 1):
                    clock.advance(seconds=seconds)
                    async with http.get(link) as answer:
                        statuses.append(answer.status)
    assert statuses == [200, 403]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"StorageClass": "FROZEN"}, "InvalidStorageClass"),
        ({"Metadata": {"k": "x" * 2048}}, "MetadataTooLarge"),
        ({"Tagging": "&".join(f"k{number}=v" for number in range(11))}, "InvalidTag"),
        ({"Key": "k" * 1025}, "KeyTooLongError"),
        ({"Key": "a\x01b"}, "InvalidURI"),
        ({"ServerSideEncryption": "rot13"}, "InvalidArgument"),
        ({"ACL": "public-read"}, "NotImplemented"),
        ({"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2090-01-01"}, "InvalidRequest"),
        ({"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2020-01-01"}, "InvalidArgument"),
        ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2090-01-01"}, "NotImplemented"),
    ],
)
async def test_what_s3_refuses_or_we_cannot_keep_is_not_stored(own_s3, own_bucket, options, code, expect):
    async with expect(code):
        await own_s3.client.put_object(**{"Bucket": own_bucket, "Key": "refused", "Body": b"x", **options})
    async with expect("404"):
        await own_s3.client.head_object(Bucket=own_bucket, Key="refused")


async def test_nobody_removes_a_locked_version_before_its_time(tmp_path, clock, expect):
    with serving(create_app(tmp_path, OWN_KEY, clock=clock)) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
            end = clock.now + timedelta(minutes=10)
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": end}
            kept = await s3.put_object(Bucket="locked", Key="k", Body=b"first", **lock)
            head = await s3.head_object(Bucket="locked", Key="k")
            assert head["ObjectLockMode"] == "COMPLIANCE"
            assert abs(head["ObjectLockRetainUntilDate"] - end) < timedelta(seconds=1)
            await s3.put_object(Bucket="locked", Key="k", Body=b"second")
            await s3.delete_object(Bucket="locked", Key="k")  # a marker, which hides it and removes nothing

            version = {"Bucket": "locked", "Key": "k", "VersionId": kept["VersionId"]}
            async with expect("AccessDenied", 403):
                await s3.delete_object(**version)
            async with expect("InvalidBucketState", 409):
                suspended = {"Status": "Suspended"}
                await s3.put_bucket_versioning(Bucket="locked", VersioningConfiguration=suspended)
            got = await s3.get_object(**version)
            assert await got["Body"].read() == b"first"

            clock.advance(minutes=10)
            await s3.delete_object(**version)
            async with expect("NoSuchVersion"):
                await s3.get_object(**version)


async def test_a_subresource_it_does_not_know_never_falls_through_to_the_object(own_s3, own_bucket, expect):
    await own_s3.client.put_object(Bucket=own_bucket, Key="whole", Body=b"whole")
    async with expect("NotImplemented", 501):
        await own_s3.client.put_object_acl(Bucket=own_bucket, Key="whole", ACL="private")
    async with expect("NotImplemented", 501):
        await own_s3.client.list_objects(Bucket=own_bucket)
    got = await own_s3.client.get_object(Bucket=own_bucket, Key="whole")
    assert await got["Body"].read() == b"whole"


async def test_an_encrypted_upload_says_so_at_every_step(own_s3):
    bucket = await new_bucket(own_s3)
    key_id = "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555"
    named = {"Bucket": bucket, "Key": "k"}
    asked = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id, "BucketKeyEnabled": True}
    begun = await own_s3.client.create_multipart_upload(**named, **asked)
    upload = {**named, "UploadId": begun["UploadId"]}
    part = await own_s3.client.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = await own_s3.client.complete_multipart_upload(**upload, MultipartUpload=parts)
    head = await own_s3.client.head_object(**named)
    for answer in (begun, part, done, head):
        assert {name: answer[name] for name in asked} == asked


async def test_a_failed_job_undoes_itself_and_nothing_beside_it(own_s3, expect):
    """Jobs that wait together share a commit; one that fails must not take the others with it."""
    bucket = await new_bucket(own_s3)
    await own_s3.client.put_object(Bucket=bucket, Key="taken", Body=b"x")

    async def put(number):
        options = {"Key": "taken", "IfNoneMatch": "*"} if number % 2 else {"Key": f"{number:02d}"}
        try:
            await own_s3.client.put_object(Bucket=bucket, Body=b"y", **options)
        except own_s3.client.exceptions.ClientError:
            return None
        return options["Key"]

    stored = [key for key in await asyncio.gather(*map(put, range(40))) if key]
    listed = await own_s3.client.list_objects_v2(Bucket=bucket)
    assert [one["Key"] for one in listed["Contents"]] == [*sorted(stored), "taken"]
    assert len(stored) == 20


@pytest.mark.parametrize("service", ["s3", "kms"])
async def test_a_server_on_port_0_prints_the_port_it_took_and_nothing_else(service, tmp_path):
    command = (sys.executable, "-m", f"vaultstream.local.{service}", "--data", f"{tmp_path}", "--port", "0")
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    port = int(await server.stdout.readline())
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/_health") as answer:
        assert (answer.status, await answer.text()) == (200, "ok")
    server.terminate()
    rest, _ = await server.communicate()
    assert (rest, server.returncode) == (b"", -15)
