"""Our S3 alone, whatever the input: ranges are slices, pages join to the list, conditions follow HTTP."""

import itertools
import os
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultstream.local.s3 import conditions, listing, versions
from vaultstream.local.s3.answers import stretches
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Ledger
from vaultstream.local.s3.listing import Window
from vaultstream.local.s3.objects import Attributes, Extent
from vaultstream.local.s3.shelf import Shelf
from vaultstream.local.s3.versions import NewObject

MIB = 1024 * 1024
SIZES = (5 * MIB, 5 * MIB + 1, 70_001)
WHOLE = os.urandom(sum(SIZES))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BORDERS = [border + around for border in (5 * MIB, 10 * MIB + 1) for around in (-1, 0, 1)]


@pytest.fixture(scope="module")
async def parted(own_s3, own_bucket):
    """An object of three parts with random bytes."""
    named = {"Bucket": own_bucket, "Key": "parted"}
    upload = (await own_s3.client.create_multipart_upload(**named))["UploadId"]
    sent, at = [], 0
    for number, size in enumerate(SIZES, 1):
        body = WHOLE[at : at + size]
        told = await own_s3.client.upload_part(**named, UploadId=upload, PartNumber=number, Body=body)
        sent.append({"PartNumber": number, "ETag": told["ETag"]})
        at += size
    await own_s3.client.complete_multipart_upload(**named, UploadId=upload, MultipartUpload={"Parts": sent})
    return named


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, len(WHOLE) - 1) | st.sampled_from(BORDERS), length=st.integers(0, 2 * MIB))
async def test_any_range_of_an_object_of_parts_is_that_slice(own_s3, parted, start, length):
    got = await own_s3.client.get_object(**parted, Range=f"bytes={start}-{start + length}")
    assert await got["Body"].read() == WHOLE[start : start + length + 1]
    assert got["ContentRange"] == f"bytes {start}-{min(start + length, len(WHOLE) - 1)}/{len(WHOLE)}"


@given(st.lists(st.integers(1, 9), max_size=6), st.data())
def test_stretches_cover_a_range_once_and_in_order(sizes, data):
    extents = [Extent(str(index), size) for index, size in enumerate(sizes)]
    whole = [(extent.blob, at) for extent in extents for at in range(extent.size_bytes)]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    found = [
        (one.blob, at)
        for one in stretches(extents, start, end)
        for at in range(one.offset, one.offset + one.size_bytes)
    ]
    assert found == whole[start:end]


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_read_as_http_says(size, first, last):
    def wanted(header):
        return conditions.wanted_bytes(header, size)

    if first >= size:
        with pytest.raises(S3Fault) as past:
            wanted(f"bytes={first}-")
        assert past.value.headers == {"content-range": f"bytes */{size}"}
        return
    assert wanted(f"bytes={first}-") == (first, size)
    expected = (first, min(last + 1, size)) if last >= first else None
    assert wanted(f"bytes={first}-{last}") == expected
    if last:
        assert wanted(f"bytes=-{last}") == (max(0, size - last), size)


@pytest.mark.parametrize("header", ["", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1,3-4", "bytes=5"])
def test_what_is_no_single_range_is_ignored(header):
    assert conditions.wanted_bytes(header, 100) is None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"if-match": '"e"'}, None),
        ({"if-match": '"x", "e"'}, None),
        ({"if-match": "*"}, None),
        ({"if-match": '"x"'}, "PreconditionFailed"),
        ({"if-none-match": '"x"'}, None),
        ({"if-none-match": 'W/"e"'}, "NotModified"),
        ({"if-modified-since": "Fri, 02 Jan 2026 03:04:05 GMT"}, "NotModified"),
        ({"if-modified-since": "Fri, 02 Jan 2026 03:04:04 GMT"}, None),
        ({"if-modified-since": "yesterday"}, None),
        ({"if-unmodified-since": "Fri, 02 Jan 2026 03:04:04 GMT"}, "PreconditionFailed"),
        ({"if-unmodified-since": "Fri, 02 Jan 2026 03:04:05 GMT"}, None),
        # The pairs of which S3's reference says that the tag decides.
        ({"if-match": '"e"', "if-unmodified-since": "Fri, 02 Jan 2026 03:04:04 GMT"}, None),
        ({"if-none-match": '"x"', "if-modified-since": "Fri, 02 Jan 2026 03:04:05 GMT"}, None),
    ],
)
def test_the_conditions_of_a_read(headers, code):
    if code is None:
        conditions.check(headers, "e", NOW)
        return
    with pytest.raises(S3Fault) as refused:
        conditions.check(headers, "e", NOW)
    assert refused.value.code == code


def model(keys, prefix, delimiter, after):
    """What ListObjectsV2 lists after an entry: keys and common prefixes, each once, in order of their bytes."""
    entries = []
    for key in sorted(keys, key=str.encode):
        rest = key[len(prefix) :]
        if not key.startswith(prefix):
            continue
        cut = rest.find(delimiter) if delimiter else -1
        entry = (prefix + rest[: cut + 1], True) if cut >= 0 else (key, False)
        if entry not in entries and entry[0].encode() > after.encode():
            entries.append(entry)
    return entries


KEY = st.text("ab/é\U0001f600", min_size=1, max_size=6)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists")
    opened = Ledger(folder / "s3.sqlite", Shelf(folder / "blobs"))
    yield opened
    opened.close()


NUMBERS = itertools.count()


@settings(max_examples=100, deadline=None)
@given(st.sets(KEY, max_size=12), st.text("ab/", max_size=3), st.sampled_from(["", "/"]), st.integers(1, 4))
async def test_pages_of_any_size_join_to_the_list(ledger, keys, prefix, delimiter, limit):
    bucket = f"bucket-{next(NUMBERS)}"

    def fill(tx):
        tx.run("INSERT INTO buckets VALUES (?, 'us-east-1', 0)", bucket)
        for key in keys:
            versions.put(tx, NewObject(bucket, key, "e", NOW, Attributes(), (), {}))

    await ledger.run(fill)
    found, after = [], ""
    while True:
        window = Window(bucket, prefix, delimiter, after, limit)
        page = await ledger.run(partial(listing.objects, window=window))
        entries = [(one.key, False) for one in page.objects] + [(one, True) for one in page.prefixes]
        assert len(entries) <= limit
        found += sorted(entries, key=lambda entry: entry[0].encode())
        if not page.next_after:
            break
        after = page.next_after
    assert found == model(keys, prefix, delimiter, "")
