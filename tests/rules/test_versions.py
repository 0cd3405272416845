"""States of a version: only lawful moves, no way to CLEAN but through a scan, an end to every road."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.adapters.records import items, version_items
from vaultstream.adapters.records.attributes import from_attributes, to_attributes
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId, UserId, VersionId
from vaultstream.versions import (
    SCAN_MOVES,
    THUMBNAIL_MOVES,
    Release,
    Scan,
    ScanStatus,
    SealedBody,
    StoredVersion,
    Thumbnail,
    ThumbnailSize,
    ThumbnailStatus,
    UnlawfulMove,
    Version,
)

NOW = datetime(2026, 1, 1, 12, 30, 1, 5, tzinfo=UTC)


TEXTS = st.none() | st.text(max_size=20)
RELEASES = st.builds(Release, st.just(UserId("user_a")), st.just(NOW), st.text(max_size=20))
SCANS = st.builds(
    Scan, st.sampled_from(ScanStatus), TEXTS, TEXTS, TEXTS, st.none() | st.just(NOW), st.none() | RELEASES
)


@given(st.sampled_from(ScanStatus), st.sampled_from(ScanStatus))
def test_a_scan_moves_only_where_it_may(start: ScanStatus, end: ScanStatus) -> None:
    if end in SCAN_MOVES[start]:
        assert Scan(start).to(end).status is end
    else:
        with pytest.raises(UnlawfulMove):
            Scan(start).to(end)


@given(st.lists(st.sampled_from(ScanStatus), max_size=12))
def test_nothing_becomes_clean_but_from_scanning(asked: list[ScanStatus]) -> None:
    scan = Scan()
    for status in asked:
        before = scan
        try:
            scan = scan.to(status)
        except UnlawfulMove:
            assert scan is before
        else:
            assert status is not ScanStatus.CLEAN or before.status is ScanStatus.SCANNING


@given(SCANS)
def test_nothing_leaves_but_what_is_clean_or_what_somebody_answers_for(scan: Scan) -> None:
    is_answered_for = scan.status is ScanStatus.UNSCANNABLE and scan.release is not None
    assert scan.lets_out == (scan.status is ScanStatus.CLEAN or is_answered_for)


@given(SCANS, RELEASES)
def test_only_the_unscannable_is_released_and_another_verdict_ends_it(scan: Scan, release: Release) -> None:
    if scan.status is not ScanStatus.UNSCANNABLE:
        with pytest.raises(UnlawfulMove):
            scan.released(release)
        return
    assert scan.released(release) == replace(scan, release=release)
    assert scan.to(ScanStatus.PENDING).release is None


@given(st.sampled_from(ThumbnailStatus), st.sampled_from(ThumbnailStatus))
def test_a_thumbnail_moves_only_where_it_may(start: ThumbnailStatus, end: ThumbnailStatus) -> None:
    if end in THUMBNAIL_MOVES[start]:
        assert Thumbnail(start).to(end).status is end
    else:
        with pytest.raises(UnlawfulMove):
            Thumbnail(start).to(end)


@pytest.mark.parametrize("moves", [SCAN_MOVES, THUMBNAIL_MOVES], ids=["scan", "thumbnail"])
def test_every_state_has_a_road_to_an_end(moves: dict[str, set[str]]) -> None:
    ends = {"CLEAN", "INFECTED", "UNSCANNABLE", "FAILED", "READY", "UNSUPPORTED"}
    for start in moves:
        reached, todo = set(), [start]
        while todo:
            state = todo.pop()
            if state not in reached:
                reached.add(state)
                todo += moves[state]
        assert reached & ends, start


SIZES = st.builds(ThumbnailSize, *[st.integers(1, 1024)] * 3)
THUMBNAILS = st.builds(Thumbnail, st.sampled_from(ThumbnailStatus), TEXTS, st.lists(SIZES, max_size=3).map(tuple))
VERSIONS = st.builds(
    Version,
    id=st.just(VersionId("version_a_b")),
    file_id=st.just(FileId("file_a")),
    number=st.integers(1, 10**9),
    size_bytes=st.integers(0, 2**62),
    content_type=st.text(max_size=20),
    created_by=st.just(UserId("user_a")),
    created_at=st.just(NOW),
    sha256=TEXTS,
    label=TEXTS,
    scan=SCANS,
    thumbnail=THUMBNAILS,
)


@given(VERSIONS, st.binary(max_size=50), st.none() | st.just(NOW), st.integers(0, 9), st.booleans())
def test_a_version_comes_back_from_the_table_as_it_went(
    version: Version, header: bytes, due_at: datetime | None, attempts: int, rescanning: bool
) -> None:
    body = SealedBody(header, "files/a/b/0", version.size_bytes)
    stored = StoredVersion(version, body, version.sha256, {96: body}, due_at, attempts, rescanning)
    wire = to_attributes(version_items.version_item(stored))
    assert version_items.stored_version_from(from_attributes(wire)) == stored


@given(VERSIONS, st.text(max_size=30), st.lists(st.text(max_size=5), max_size=3))
def test_a_file_comes_back_from_its_item_and_from_its_entry(version: Version, name: str, tags: list[str]) -> None:
    file = File(FileId("file_a"), UserId("user_a"), FolderId("folder_a"), name, NOW, NOW, version, tuple(tags))
    for item in (items.item_of(file), items.entry_of(file)):
        assert items.file_from(from_attributes(to_attributes(item))) == file


@given(VERSIONS)
def test_what_is_shown_of_a_version_never_holds_its_header(version: Version) -> None:
    stored = StoredVersion(version, SealedBody(b"the header", "key", 1))
    file = File(FileId("file_a"), UserId("user_a"), FolderId("folder_a"), "n", NOW, NOW, stored.version)
    assert b"the header" not in repr(items.entry_of(file)).encode()


@given(VERSIONS, st.integers(-5, 5))
def test_a_new_version_has_a_higher_number(version: Version, step: int) -> None:
    file = File(FileId("file_a"), UserId("user_a"), FolderId("folder_a"), "n", NOW, NOW, version)
    other = replace(version, number=version.number + step)
    if step > 0:
        assert file.with_version(other, NOW).current == other
    else:
        with pytest.raises(ValueError, match="higher"):
            file.with_version(other, NOW)
