"""Our S3 as time goes by: objects move by rules, restored copies end, abandoned uploads go, and all of it is told."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import parts as world
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultstream.events import LIFECYCLE, StorageNews, storage_event
from vaultstream.local import provision
from vaultstream.local.s3 import lifecycle_rules
from vaultstream.local.s3.app import create_app
from vaultstream.local.s3.bridge import Target, envelope
from vaultstream.local.s3.documents import render
from vaultstream.local.s3.events import ObjectEvent
from vaultstream.local.s3.faults import S3Fault
from vaultstream.tiers import KIB, MIB, RULES, StorageTier

from .conftest import OWN_KEY, boto, refused, serving, until

EVENTBRIDGE = {"EventBridgeConfiguration": {}}
FILE = "files/file_1/version_1/1"
A_DAY = timedelta(days=1)


async def advance(url: str, bucket: str, days: str) -> int:
    """As `vaultstream tiers advance` asks for it: signed like any request."""
    request = AWSRequest("POST", f"{url}/{bucket}?advance={days}", {"Host": urlsplit(url).netloc}, b"")
    S3SigV4Auth(BotoCredentials(OWN_KEY.access_key_id, OWN_KEY.secret_access_key), "s3", world.REGION).add_auth(request)
    async with aiohttp.ClientSession() as http, http.post(request.url, headers=dict(request.headers)) as answer:
        return answer.status


@asynccontextmanager
async def store(folder, **options):
    """A server with one bucket as the vault has it, what it tells, and a client."""
    heard: list[ObjectEvent] = []
    options = {"on_event": heard.append, "restore_delay": timedelta(0), **options}
    with serving(create_app(folder, OWN_KEY, **options)) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="cold")
            await s3.put_bucket_notification_configuration(Bucket="cold", NotificationConfiguration=EVENTBRIDGE)
            rules = {"Rules": provision.lifecycle_rules()}
            await s3.put_bucket_lifecycle_configuration(Bucket="cold", LifecycleConfiguration=rules)
            yield url, s3, heard


async def class_of(s3, key: str) -> str:
    return (await s3.head_object(Bucket="cold", Key=key)).get("StorageClass", "STANDARD")


def moves(heard: list[ObjectEvent]) -> list[tuple[str, str]]:
    return [(event.key, event.storage_class) for event in heard if event.name == "LifecycleTransition"]


async def test_a_file_gets_colder_by_the_table_step_by_step(tmp_path):
    async with store(tmp_path) as (url, s3, heard):
        await s3.put_object(Bucket="cold", Key=FILE, Body=bytes(2 * MIB + 1))
        seen, days = [], 0
        for until_day in (29, 30, 89, 90, 179, 180, 400):
            assert await advance(url, "cold", f"{until_day - days}") == 204
            days = until_day
            seen.append(await class_of(s3, FILE))
        assert seen == [RULES[0].tier_after(day).value for day in (29, 30, 89, 90, 179, 180, 400)]
        assert moves(heard) == [(FILE, "STANDARD_IA"), (FILE, "GLACIER_IR"), (FILE, "DEEP_ARCHIVE")]
        async with refused("InvalidObjectState", 403):
            await s3.get_object(Bucket="cold", Key=FILE)


async def test_what_is_small_or_no_file_stays_and_what_comes_later_is_young(tmp_path):
    async with store(tmp_path) as (url, s3, heard):
        sizes = {FILE: 128 * KIB, "files/f/v/2": 128 * KIB + 1, "files/f/v/3": 2 * MIB, "thumbnails/x": 2 * MIB}
        for key, size in sizes.items():
            await s3.put_object(Bucket="cold", Key=key, Body=bytes(size))
        await advance(url, "cold", "200")
        await s3.put_object(Bucket="cold", Key="files/f/v/9", Body=bytes(3 * MIB))
        await advance(url, "cold", "29")
        classes = [await class_of(s3, key) for key in (*sizes, "files/f/v/9")]
        assert classes == ["STANDARD", "GLACIER_IR", "GLACIER_IR", "STANDARD", "STANDARD"]
        assert sorted(moves(heard)) == [("files/f/v/2", "GLACIER_IR"), ("files/f/v/3", "GLACIER_IR")]


async def test_a_restored_copy_ends_and_the_end_is_told_once(tmp_path):
    async with store(tmp_path) as (url, s3, heard):
        await s3.put_object(Bucket="cold", Key=FILE, Body=b"x", StorageClass="DEEP_ARCHIVE")
        await s3.restore_object(Bucket="cold", Key=FILE, RestoreRequest={"Days": 2})
        await advance(url, "cold", "1")
        assert 'ongoing-request="false"' in (await s3.head_object(Bucket="cold", Key=FILE))["Restore"]
        await advance(url, "cold", "2")
        assert "Restore" not in await s3.head_object(Bucket="cold", Key=FILE)
        await until(lambda: all_heard(heard, 4))
        assert [event.name for event in heard] == [
            "ObjectCreated:Put",
            "ObjectRestore:Post",
            "ObjectRestore:Completed",
            "ObjectRestore:Delete",
        ]
        completed = heard[2]
        assert completed.restore_until is not None
        assert timedelta(days=1, hours=23) < completed.restore_until - datetime.now(UTC) < timedelta(days=2, hours=1)


async def all_heard(heard, count):
    return len(heard) == count


async def test_an_upload_that_nobody_ends_is_dropped_after_a_week(tmp_path):
    async with store(tmp_path) as (url, s3, _):
        upload = (await s3.create_multipart_upload(Bucket="cold", Key=FILE))["UploadId"]
        await s3.upload_part(Bucket="cold", Key=FILE, UploadId=upload, PartNumber=1, Body=b"1")
        await advance(url, "cold", "6")
        assert len((await s3.list_parts(Bucket="cold", Key=FILE, UploadId=upload))["Parts"]) == 1
        await advance(url, "cold", "1")
        async with refused("NoSuchUpload", 404):
            await s3.list_parts(Bucket="cold", Key=FILE, UploadId=upload)


async def test_a_store_looks_by_itself(tmp_path, clock, monkeypatch):
    """By its clock, with nobody asking: the clients' clock stays, so this store is asked nothing afterwards."""
    monkeypatch.setattr("vaultstream.local.s3.lifecycle.LOOK_SECONDS", 0.01)
    async with store(tmp_path, clock=clock) as (_, s3, heard):
        await s3.put_object(Bucket="cold", Key=FILE, Body=bytes(3 * MIB))
        clock.advance(days=91)
        await until(lambda: all_heard(heard, 2))
        assert moves(heard) == [(FILE, "GLACIER_IR")]


async def test_only_who_may_sign_can_make_things_older(tmp_path):
    async with store(tmp_path) as (url, _, heard):
        async with aiohttp.ClientSession() as http, http.post(f"{url}/cold?advance=200") as answer:
            assert answer.status == 403
        assert [await advance(url, "cold", days) for days in ("0", "-1", "x", "40000")] == [400] * 4
        assert await advance(url, "nowhere", "1") == 404
        assert heard == []


@pytest.mark.parametrize(
    ("steps", "taken"),
    [
        ([(30, "STANDARD_IA"), (60, "GLACIER_IR")], True),
        ([(29, "STANDARD_IA")], False),
        ([(30, "STANDARD_IA"), (59, "GLACIER_IR")], False),
        ([(30, "GLACIER_IR"), (90, "STANDARD_IA")], False),
        ([(90, "GLACIER_IR"), (90, "DEEP_ARCHIVE")], False),
        ([(0, "DEEP_ARCHIVE")], True),
        ([(0, "FROZEN")], False),
    ],
)
def test_rules_that_s3_refuses_are_refused(steps, taken):
    told = [("Transition", [("Days", days), ("StorageClass", name)]) for days, name in steps]
    body = render("LifecycleConfiguration", [("Rule", [("Status", "Enabled"), *told])])
    try:
        lifecycle_rules.check(body)
    except S3Fault:
        assert not taken
    else:
        assert taken


def test_a_rule_by_tags_or_one_that_is_off_moves_nothing():
    tagged = [("Filter", [("And", [("Prefix", "v/"), ("Tag", [("Key", "k"), ("Value", "v")])])])]
    rules = [("Rule", [("Status", "Enabled"), *tagged]), ("Rule", [("Status", "Disabled")])]
    assert list(lifecycle_rules.rules(render("LifecycleConfiguration", rules))) == []


async def test_news_reach_the_workers_queue_in_eventbridges_envelope(tmp_path, aws_url):
    async with boto("sqs", aws_url, OWN_KEY) as sqs:
        target = Target(aws_url, f"{tmp_path.name}-lifecycle"[-60:], world.REGION)
        # The queue is made late: what happened before it is there waits.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY.access_key_id)
            patch.setenv("AWS_SECRET_ACCESS_KEY", OWN_KEY.secret_access_key)
            async with store(tmp_path, events_to=target) as (url, s3, _):
                await s3.put_object(Bucket="cold", Key=FILE, Body=bytes(3 * MIB))
                await advance(url, "cold", "180")
                await s3.restore_object(Bucket="cold", Key=FILE, RestoreRequest={"Days": 3})
                queue = (await sqs.create_queue(QueueName=target.queue))["QueueUrl"]
                told = await received(sqs, queue, 5)
        changed = [each for each in told if each["detail-type"] == StorageNews.CLASS_CHANGED]
        assert {each["detail-type"] for each in told} == LIFECYCLE.hears - {StorageNews.RESTORE_EXPIRED}
        assert {each["detail"]["destination-storage-class"] for each in changed} == set(StorageTier) - {"STANDARD"}
        assert all(each["source"] == "aws.s3" and each["detail"]["object"]["key"] == FILE for each in told)
        events = [storage_event(each) for each in told]
        assert {event.item_id for event in events} == {"file_1"}
        assert {event.details["version_id"] for event in events} == {"version_1"}


async def received(sqs, queue: str, count: int) -> list[dict]:
    bodies: list[dict] = []
    async with asyncio.timeout(60):
        while len(bodies) < count:
            answer = await sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                bodies.append(json.loads(message["Body"]))
                await sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return bodies


@given(
    st.sampled_from(["LifecycleTransition", "ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete"]),
    st.sampled_from(StorageTier),
    st.one_of(st.just(FILE), st.text(max_size=40)),
)
@settings(max_examples=50)
def test_every_envelope_is_read_as_an_event_of_its_version_or_of_none(name, tier, key):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    told = envelope(ObjectEvent(name, "b", key, 1, "e", "", "1", at, tier.value, at + A_DAY), "eu-west-1")
    event = storage_event(json.loads(json.dumps(told)))
    assert event.at == at
    assert event.details["tier"] == (tier.value if name == "LifecycleTransition" else None)
    assert (event.item_id == "file_1") == (key == FILE)


def test_other_events_go_nowhere():
    at = datetime.now(UTC)
    assert envelope(ObjectEvent("ObjectCreated:Put", "b", FILE, 1, "e", "", "1", at, "STANDARD", None), "r") is None
