"""Our S3 alone: what it acknowledged survives kill -9, memory stays bounded, nothing is left on the disk."""

import asyncio
import hashlib
import os

import aiohttp
import parts as world
import psutil
from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.local.s3.app import create_app

from .conftest import OWN_KEY, boto, serving, until

MIB = 1024 * 1024


def files(folder):
    return list((folder / "blobs").glob("??/*"))


async def has_files(folder, wanted):
    return bool(files(folder)) is wanted


async def test_every_acknowledged_object_is_there_after_kill_9(tmp_path, logs):
    folder, port = tmp_path / "s3", free_port()
    url = f"http://127.0.0.1:{port}"
    server = Process(parts.s3(folder, port, world.ACCESS_KEY), logs)
    server.wait_ready()
    acknowledged = {}

    async def put_until_dead(client, writer):
        for number in range(10_000):
            key, body = f"{writer}/{number % 5}", os.urandom(1 + (number * 37_123) % 300_000)
            try:
                await client.put_object(Bucket="crash", Key=key, Body=body)
            except (BotoCoreError, ClientError, aiohttp.ClientError):
                acknowledged.pop(key, None)  # this one may or may not have been stored
                return number
            acknowledged[key] = hashlib.sha256(body).hexdigest()
        return -1

    async with boto("s3", url, OWN_KEY) as client:
        await client.create_bucket(Bucket="crash")
        writers = [asyncio.create_task(put_until_dead(client, writer)) for writer in range(8)]

        async def enough():
            return len(acknowledged) >= 40

        await until(enough)
        server._child.kill()
        counts = await asyncio.gather(*writers)
        server.stop()
    assert -1 not in counts
    (folder / "blobs" / "00" / ("0" * 32)).write_bytes(b"a draft that nobody acknowledged")
    with world.running(parts.s3(folder, port, world.ACCESS_KEY), logs):
        async with boto("s3", url, OWN_KEY) as client:
            for key, digest in acknowledged.items():
                got = await client.get_object(Bucket="crash", Key=key)
                assert hashlib.sha256(await got["Body"].read()).hexdigest() == digest
            listed = (await client.list_objects_v2(Bucket="crash"))["Contents"]
    assert len(acknowledged) >= 32
    assert len(files(folder)) == len(listed)


async def test_an_open_upload_survives_kill_9(tmp_path, logs):
    folder, port = tmp_path / "s3", free_port()
    url = f"http://127.0.0.1:{port}"
    server = Process(parts.s3(folder, port, world.ACCESS_KEY), logs)
    server.wait_ready()
    async with boto("s3", url, OWN_KEY) as client:
        await client.create_bucket(Bucket="crash")
        upload = (await client.create_multipart_upload(Bucket="crash", Key="k"))["UploadId"]
        first = await client.upload_part(Bucket="crash", Key="k", UploadId=upload, PartNumber=1, Body=b"1" * (5 * MIB))
        server._child.kill()
        server.stop()
    with world.running(parts.s3(folder, port, world.ACCESS_KEY), logs):
        async with boto("s3", url, OWN_KEY) as client:
            last = await client.upload_part(Bucket="crash", Key="k", UploadId=upload, PartNumber=2, Body=b"2")
            named = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": last["ETag"]}]
            await client.complete_multipart_upload(
                Bucket="crash", Key="k", UploadId=upload, MultipartUpload={"Parts": named}
            )
            got = await client.get_object(Bucket="crash", Key="k", Range=f"bytes={5 * MIB - 1}-")
            assert await got["Body"].read() == b"12"


async def test_half_a_gigabyte_passes_through_little_memory(tmp_path, logs):
    """Eight parts of 64 MiB, two at a time, then one GET of the whole."""
    part = parts.s3(tmp_path / "s3", free_port(), world.ACCESS_KEY)
    server = Process(part, logs)
    server.wait_ready()
    watched, url = psutil.Process(server.pid), f"http://{part.address}"
    piece, peak = bytes(64 * MIB), 0

    async def watch():
        nonlocal peak
        while True:
            peak = max(peak, watched.memory_info().rss)
            await asyncio.sleep(0.02)

    try:
        async with boto("s3", url, OWN_KEY) as client:
            bucket = "bounded"
            await client.create_bucket(Bucket=bucket)
            await client.put_object(Bucket=bucket, Key="warm", Body=b"x" * MIB)
            idle = watched.memory_info().rss
            watcher = asyncio.create_task(watch())
            upload = (await client.create_multipart_upload(Bucket=bucket, Key="big"))["UploadId"]
            two = asyncio.Semaphore(2)

            async def send(number):
                async with two:
                    told = await client.upload_part(
                        Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=piece
                    )
                return {"PartNumber": number, "ETag": told["ETag"]}

            named = await asyncio.gather(*(send(number) for number in range(1, 9)))
            await client.complete_multipart_upload(
                Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": named}
            )
            got = await client.get_object(Bucket=bucket, Key="big")
            received = 0
            while data := await got["Body"].read(MIB):
                received += len(data)
            watcher.cancel()
    finally:
        server.stop()
    assert received == 512 * MIB
    assert peak - idle < 40 * MIB


async def test_what_is_replaced_deleted_or_aborted_leaves_no_file(tmp_path):
    with serving(create_app(tmp_path, OWN_KEY)) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="clean")
            for body in (b"1", b"2"):
                await s3.put_object(Bucket="clean", Key="k", Body=body)
            assert len(files(tmp_path)) == 1
            await s3.copy_object(Bucket="clean", Key="copy", CopySource={"Bucket": "clean", "Key": "k"})
            assert len(files(tmp_path)) == 1
            await s3.delete_object(Bucket="clean", Key="k")
            got = await s3.get_object(Bucket="clean", Key="copy")
            assert await got["Body"].read() == b"2"
            upload = (await s3.create_multipart_upload(Bucket="clean", Key="m"))["UploadId"]
            for body in (b"a", b"b"):
                await s3.upload_part(Bucket="clean", Key="m", UploadId=upload, PartNumber=1, Body=body)
            assert len(files(tmp_path)) == 2
            await s3.abort_multipart_upload(Bucket="clean", Key="m", UploadId=upload)
            await s3.delete_object(Bucket="clean", Key="copy")
            await s3.list_buckets()  # the ledger removes files before it takes the next job
    assert files(tmp_path) == []


async def test_a_reader_keeps_what_is_deleted_under_it(tmp_path):
    body = os.urandom(20 * MIB)
    with serving(create_app(tmp_path, OWN_KEY)) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="held")
            await s3.put_object(Bucket="held", Key="k", Body=body)
            got = await s3.get_object(Bucket="held", Key="k")
            first = await got["Body"].read(1000)
            await s3.delete_object(Bucket="held", Key="k")
            assert len(files(tmp_path)) == 1
            assert first + await got["Body"].read() == body
            await until(lambda: has_files(tmp_path, False))


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(tmp_path):
    with serving(create_app(tmp_path, OWN_KEY)) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="left")
            params = {"Bucket": "left", "Key": "k"}
            link = await s3.generate_presigned_url("put_object", params, ExpiresIn=60)
            host, _, path = link.removeprefix("http://").partition("/")
            name, _, port = host.partition(":")
            _, writer = await asyncio.open_connection(name, int(port))
            head = f"PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {8 * MIB}\r\n\r\n"
            writer.write(head.encode() + b"x" * (2 * MIB))
            await writer.drain()
            await until(lambda: has_files(tmp_path, True))
            writer.close()
            await until(lambda: has_files(tmp_path, False))
            listed = await s3.list_objects_v2(Bucket="left")
    assert listed["KeyCount"] == 0
