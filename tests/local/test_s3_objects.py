"""Objects: two independent servers give the same answers to what the vault asks of S3."""

import hashlib
from datetime import UTC, datetime, timedelta

import aiohttp

BODY = bytes(range(256))


async def test_an_object_comes_back_with_all_that_was_said_of_it(s3, bucket):
    put = await s3.client.put_object(
        Bucket=bucket,
        Key="a folder/ü + b&c.txt",
        Body=BODY,
        ContentType="text/plain",
        CacheControl="no-store",
        ContentDisposition='attachment; filename="x"',
        Metadata={"version": "v1"},
    )
    got = await s3.client.get_object(Bucket=bucket, Key="a folder/ü + b&c.txt")
    assert await got["Body"].read() == BODY
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert got["ContentType"] == "text/plain"
    assert got["CacheControl"] == "no-store"
    assert got["ContentDisposition"] == 'attachment; filename="x"'
    assert got["Metadata"] == {"version": "v1"}
    assert got["ContentLength"] == 256
    assert datetime.now(UTC) - got["LastModified"] < timedelta(minutes=1)


async def test_an_empty_object_is_an_object(s3, bucket):
    await s3.client.put_object(Bucket=bucket, Key="empty", Body=b"")
    got = await s3.client.get_object(Bucket=bucket, Key="empty")
    assert await got["Body"].read() == b""
    assert got["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'


async def test_a_second_put_replaces_the_first_for_every_reader(s3, bucket):
    await s3.client.put_object(Bucket=bucket, Key="twice", Body=b"first", Metadata={"a": "1"})
    await s3.client.put_object(Bucket=bucket, Key="twice", Body=b"second")
    got = await s3.client.get_object(Bucket=bucket, Key="twice")
    assert (await got["Body"].read(), got["Metadata"]) == (b"second", {})


async def test_what_is_not_there_is_said_in_s3s_words(s3, bucket, expect):
    async with expect("NoSuchKey", 404):
        await s3.client.get_object(Bucket=bucket, Key="missing")
    async with expect("404", 404):
        await s3.client.head_object(Bucket=bucket, Key="missing")
    async with expect("NoSuchBucket", 404):
        await s3.client.put_object(Bucket="no-such-bucket-here", Key="k", Body=b"x")
    async with expect("NoSuchBucket", 404):
        await s3.client.get_object(Bucket="no-such-bucket-here", Key="k")


async def test_a_range_gives_those_bytes_and_their_place(s3, bucket):
    await s3.client.put_object(Bucket=bucket, Key="ranged", Body=BODY)
    for asked, told, body in (
        ("bytes=10-19", "bytes 10-19/256", BODY[10:20]),
        ("bytes=-5", "bytes 251-255/256", BODY[-5:]),
        ("bytes=250-", "bytes 250-255/256", BODY[250:]),
        ("bytes=250-9999", "bytes 250-255/256", BODY[250:]),
        ("bytes=0-0", "bytes 0-0/256", BODY[:1]),
    ):
        got = await s3.client.get_object(Bucket=bucket, Key="ranged", Range=asked)
        assert (got["ResponseMetadata"]["HTTPStatusCode"], got["ContentRange"]) == (206, told)
        assert await got["Body"].read() == body


async def test_a_range_past_the_end_is_refused(s3, bucket, expect):
    await s3.client.put_object(Bucket=bucket, Key="short", Body=BODY)
    async with expect("InvalidRange", 416):
        await s3.client.get_object(Bucket=bucket, Key="short", Range="bytes=256-300")


async def test_a_get_under_a_condition_is_answered_only_if_it_holds(s3, bucket, expect):
    etag = (await s3.client.put_object(Bucket=bucket, Key="cond", Body=BODY))["ETag"]
    got = await s3.client.get_object(Bucket=bucket, Key="cond", IfMatch=etag)
    assert await got["Body"].read() == BODY
    async with expect("304", 304):
        await s3.client.get_object(Bucket=bucket, Key="cond", IfNoneMatch=etag)
    async with expect("PreconditionFailed", 412):
        await s3.client.get_object(Bucket=bucket, Key="cond", IfMatch='"other"')
    async with expect("304", 304):
        later = datetime.now(UTC) + timedelta(seconds=2)
        await s3.client.get_object(Bucket=bucket, Key="cond", IfModifiedSince=later)
    async with expect("304", 304):
        await s3.client.head_object(Bucket=bucket, Key="cond", IfNoneMatch=etag)


async def test_a_put_that_must_be_the_first_fails_if_it_is_not(s3, bucket, expect):
    await s3.client.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
    async with expect("PreconditionFailed", 412):
        await s3.client.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")
    got = await s3.client.get_object(Bucket=bucket, Key="once")
    assert await got["Body"].read() == b"1"


async def test_a_put_that_replaces_a_known_version_fails_if_it_changed(s3, bucket, expect):
    etag = (await s3.client.put_object(Bucket=bucket, Key="known", Body=b"1"))["ETag"]
    await s3.client.put_object(Bucket=bucket, Key="known", Body=b"2", IfMatch=etag)
    async with expect("PreconditionFailed", 412):
        await s3.client.put_object(Bucket=bucket, Key="known", Body=b"3", IfMatch=etag)
    async with expect("NoSuchKey", 404):
        await s3.client.put_object(Bucket=bucket, Key="never-there", Body=b"3", IfMatch=etag)


async def test_bytes_that_do_not_match_their_checksum_are_not_stored(s3, bucket, expect):
    wrong = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    async with expect("BadDigest", 400):
        await s3.client.put_object(Bucket=bucket, Key="bad", Body=b"hello", ChecksumSHA256=wrong)
    async with expect("BadDigest", 400):
        await s3.client.put_object(Bucket=bucket, Key="bad", Body=b"hello", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    async with expect("NoSuchKey", 404):
        await s3.client.get_object(Bucket=bucket, Key="bad")


async def test_a_checksum_is_kept_and_told(s3, bucket):
    s3.needs("checksum_echo")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        put = await s3.client.put_object(Bucket=bucket, Key="summed", Body=BODY, ChecksumAlgorithm=algorithm)
        head = await s3.client.head_object(Bucket=bucket, Key="summed", ChecksumMode="ENABLED")
        assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]


async def test_deleting_is_the_same_for_what_is_there_and_what_is_not(s3, bucket, expect):
    await s3.client.put_object(Bucket=bucket, Key="gone", Body=b"x")
    for _ in range(2):
        answer = await s3.client.delete_object(Bucket=bucket, Key="gone")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    async with expect("NoSuchKey", 404):
        await s3.client.get_object(Bucket=bucket, Key="gone")


async def test_many_keys_are_deleted_at_once(s3, bucket):
    for name in ("many/1", "many/2"):
        await s3.client.put_object(Bucket=bucket, Key=name, Body=b"x")
    names = [{"Key": "many/1"}, {"Key": "many/2"}, {"Key": "many/never"}]
    answer = await s3.client.delete_objects(Bucket=bucket, Delete={"Objects": names})
    assert sorted(one["Key"] for one in answer["Deleted"]) == ["many/1", "many/2", "many/never"]
    assert (await s3.client.list_objects_v2(Bucket=bucket, Prefix="many/"))["KeyCount"] == 0


async def test_a_presigned_link_serves_anyone_who_holds_it(s3, bucket):
    put_url = await s3.client.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "linked"}, ExpiresIn=60)
    params = {"Bucket": bucket, "Key": "linked", "ResponseContentDisposition": "attachment; filename=x"}
    get_url = await s3.client.generate_presigned_url("get_object", params, ExpiresIn=60)
    async with aiohttp.ClientSession() as http:
        async with http.put(put_url, data=BODY) as answer:
            assert answer.status == 200
        async with http.get(get_url, headers={"Range": "bytes=5-6"}) as answer:
            assert (answer.status, await answer.read()) == (206, BODY[5:7])
            assert answer.headers["Content-Disposition"] == "attachment; filename=x"


async def test_a_changed_link_or_method_is_refused(s3, bucket):
    url = await s3.client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "linked"}, ExpiresIn=60)
    async with aiohttp.ClientSession() as http:
        for method, changed in (
            ("GET", url.replace("linked", "other")),
            ("GET", url.replace("X-Amz-Expires=60", "X-Amz-Expires=61")),
            ("DELETE", url),
        ):
            async with http.request(method, changed) as answer:
                assert answer.status == 403


async def test_tags_are_set_read_and_counted(s3, bucket):
    await s3.client.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="tier=cold&owner=a%20b")
    tags = (await s3.client.get_object_tagging(Bucket=bucket, Key="tagged"))["TagSet"]
    assert sorted((tag["Key"], tag["Value"]) for tag in tags) == [("owner", "a b"), ("tier", "cold")]
    new = [{"Key": "tier", "Value": "hot"}]
    await s3.client.put_object_tagging(Bucket=bucket, Key="tagged", Tagging={"TagSet": new})
    assert (await s3.client.get_object_tagging(Bucket=bucket, Key="tagged"))["TagSet"] == new
    assert (await s3.client.get_object(Bucket=bucket, Key="tagged"))["TagCount"] == 1
    await s3.client.delete_object_tagging(Bucket=bucket, Key="tagged")
    assert (await s3.client.get_object_tagging(Bucket=bucket, Key="tagged"))["TagSet"] == []
