"""Multipart uploads: two independent servers agree on parts, their order, their sizes and their ends."""

import asyncio
import hashlib

import pytest

MIB = 1024 * 1024
PARTS = {1: b"\x01" * (5 * MIB), 2: b"\x02" * (5 * MIB), 3: b"\x03" * 1000}


async def begin(s3, bucket, key, **options):
    return (await s3.client.create_multipart_upload(Bucket=bucket, Key=key, **options))["UploadId"]


async def send(s3, bucket, key, upload, number, body):
    part = await s3.client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)
    return {"PartNumber": number, "ETag": part["ETag"]}


async def complete(s3, bucket, key, upload, parts, **options):
    named = {"Parts": parts}
    return await s3.client.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=named, **options
    )


@pytest.fixture(scope="module")
async def joined(s3, bucket):
    """An object of three parts that came out of order."""
    upload = await begin(s3, bucket, "joined", ContentType="app/x", Metadata={"a": "b"}, StorageClass="STANDARD_IA")
    parts = [await send(s3, bucket, "joined", upload, number, PARTS[number]) for number in (2, 1, 3)]
    parts.sort(key=lambda part: part["PartNumber"])
    return await complete(s3, bucket, "joined", upload, parts)


async def test_parts_become_one_object_in_the_order_of_their_numbers(s3, bucket, joined):
    digests = b"".join(hashlib.md5(body).digest() for body in PARTS.values())
    assert joined["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    head = await s3.client.head_object(Bucket=bucket, Key="joined")
    assert head["ContentLength"] == sum(len(body) for body in PARTS.values())
    assert (head["ContentType"], head["Metadata"], head["StorageClass"]) == ("app/x", {"a": "b"}, "STANDARD_IA")
    got = await s3.client.get_object(Bucket=bucket, Key="joined")
    assert await got["Body"].read() == b"".join(PARTS.values())


async def test_a_range_may_cross_the_border_of_parts(s3, bucket, joined):
    got = await s3.client.get_object(Bucket=bucket, Key="joined", Range=f"bytes={5 * MIB - 1}-{5 * MIB}")
    assert await got["Body"].read() == b"\x01\x02"
    got = await s3.client.get_object(Bucket=bucket, Key="joined", Range=f"bytes={10 * MIB - 1}-")
    assert await got["Body"].read() == b"\x02" + PARTS[3]


async def test_a_part_can_be_read_by_its_number(s3, bucket, joined, expect):
    got = await s3.client.get_object(Bucket=bucket, Key="joined", PartNumber=3)
    assert await got["Body"].read() == PARTS[3]
    assert got["PartsCount"] == 3


async def test_a_part_sent_again_replaces_the_first(s3, bucket):
    upload = await begin(s3, bucket, "again")
    await send(s3, bucket, "again", upload, 1, b"first")
    part = await send(s3, bucket, "again", upload, 1, b"second")
    await complete(s3, bucket, "again", upload, [part])
    got = await s3.client.get_object(Bucket=bucket, Key="again")
    assert await got["Body"].read() == b"second"


async def test_parts_are_listed_in_pages(s3, bucket):
    upload = await begin(s3, bucket, "paged")
    sent = [await send(s3, bucket, "paged", upload, number, b"x" * number) for number in (1, 2, 7)]
    first = await s3.client.list_parts(Bucket=bucket, Key="paged", UploadId=upload, MaxParts=2)
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in first["Parts"]] == [
        (1, 1, sent[0]["ETag"]),
        (2, 2, sent[1]["ETag"]),
    ]
    assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 2)
    rest = await s3.client.list_parts(Bucket=bucket, Key="paged", UploadId=upload, PartNumberMarker=2)
    assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([7], False)
    await s3.client.abort_multipart_upload(Bucket=bucket, Key="paged", UploadId=upload)


async def test_open_uploads_are_listed_and_ended_ones_are_not(s3, bucket):
    upload = await begin(s3, bucket, "listed/a")
    listed = await s3.client.list_multipart_uploads(Bucket=bucket, Prefix="listed/")
    assert [(one["Key"], one["UploadId"]) for one in listed["Uploads"]] == [("listed/a", upload)]
    await s3.client.abort_multipart_upload(Bucket=bucket, Key="listed/a", UploadId=upload)
    assert "Uploads" not in await s3.client.list_multipart_uploads(Bucket=bucket, Prefix="listed/")


async def test_an_aborted_upload_is_gone(s3, bucket, expect):
    upload = await begin(s3, bucket, "aborted")
    part = await send(s3, bucket, "aborted", upload, 1, b"x")
    await s3.client.abort_multipart_upload(Bucket=bucket, Key="aborted", UploadId=upload)
    async with expect("NoSuchUpload", 404):
        await s3.client.list_parts(Bucket=bucket, Key="aborted", UploadId=upload)
    async with expect("NoSuchUpload", 404):
        await send(s3, bucket, "aborted", upload, 2, b"x")
    async with expect("NoSuchUpload", 404):
        await complete(s3, bucket, "aborted", upload, [part])


async def test_a_part_that_was_not_sent_cannot_be_named(s3, bucket, expect):
    upload = await begin(s3, bucket, "wrong")
    part = await send(s3, bucket, "wrong", upload, 1, b"x")
    other = {"PartNumber": 1, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}
    for named in ([other], [part, {**part, "PartNumber": 2}]):
        async with expect("InvalidPart", 400):
            await complete(s3, bucket, "wrong", upload, named)
    await complete(s3, bucket, "wrong", upload, [part])


async def test_parts_are_named_in_order(s3, bucket, expect):
    s3.needs("part_order")
    upload = await begin(s3, bucket, "order")
    parts = [await send(s3, bucket, "order", upload, number, PARTS[number]) for number in (1, 3)]
    async with expect("InvalidPartOrder", 400):
        await complete(s3, bucket, "order", upload, parts[::-1])


async def test_only_the_last_part_may_be_small(s3, bucket, expect):
    s3.needs("small_parts")
    upload = await begin(s3, bucket, "small")
    parts = [await send(s3, bucket, "small", upload, number, b"x" * 1000) for number in (1, 2)]
    async with expect("EntityTooSmall", 400):
        await complete(s3, bucket, "small", upload, parts)


async def test_a_part_checksum_is_that_of_its_bytes(s3, bucket, expect):
    upload = await begin(s3, bucket, "summed", ChecksumAlgorithm="SHA256")
    part = await s3.client.upload_part(
        Bucket=bucket, Key="summed", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256"
    )
    named = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}
    done = await complete(s3, bucket, "summed", upload, [named])
    assert done["ChecksumSHA256"].endswith("-1")


async def test_a_part_may_be_a_range_of_another_object(s3, bucket, joined):
    upload = await begin(s3, bucket, "copied")
    source = {"Bucket": bucket, "Key": "joined"}
    part = await s3.client.upload_part_copy(
        Bucket=bucket,
        Key="copied",
        UploadId=upload,
        PartNumber=1,
        CopySource=source,
        CopySourceRange=f"bytes={5 * MIB - 2}-{5 * MIB + 1}",
    )
    await complete(s3, bucket, "copied", upload, [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}])
    got = await s3.client.get_object(Bucket=bucket, Key="copied")
    assert await got["Body"].read() == b"\x01\x01\x02\x02"


async def test_of_two_completions_that_must_be_first_one_wins(s3, bucket):
    async def upload_once(body):
        upload = await begin(s3, bucket, "race")
        part = await send(s3, bucket, "race", upload, 1, body)
        return await complete(s3, bucket, "race", upload, [part], IfNoneMatch="*")

    outcomes = await asyncio.gather(upload_once(b"a"), upload_once(b"b"), return_exceptions=True)
    lost = [one for one in outcomes if isinstance(one, Exception)]
    assert len(lost) == 1
    assert lost[0].response["Error"]["Code"] == "PreconditionFailed"
