"""Search: no name that holds a text is kept from it by its grams, and what cannot be looked for is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import names
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, UserId, ulid, version_id
from vaultstream.listing import ItemKind, ItemOrder, ItemOrderField, ItemWhere
from vaultstream.search import Place, Sought, grams, grams_of, indexed, sought
from vaultstream.versions import ScanStatus, Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNIQUE = ulid(0, bytes(10))
OWNER, PLACE = UserId(f"user_{UNIQUE}"), FolderId(f"folder_{UNIQUE}")
FILE = FileId(f"file_{UNIQUE}")
VERSION = Version(version_id(FILE, UNIQUE), FILE, 1, 7, "image/png", OWNER, NOW)
A_FILE = File(FILE, OWNER, PLACE, "Straße.PNG", NOW, NOW, VERSION, ("a", "b"), stamp=4)
A_FOLDER = Folder(PLACE, OWNER, FolderId(f"folder_{UNIQUE[:-1]}1"), "Ärger", NOW, NOW, trashed_at=NOW)


@given(st.text(), st.text(), st.text())
def test_the_grams_of_a_text_are_among_those_of_every_name_that_holds_it(before: str, text: str, after: str) -> None:
    assert set(grams_of(text)) <= set(grams(before + text + after))


@given(st.text(min_size=2, max_size=300))
def test_a_text_of_two_characters_has_grams_and_there_are_fewer_than_two_for_each_character(text: str) -> None:
    assert grams_of(text)
    assert len(grams(text)) < 2 * len(text)
    assert {len(gram) for gram in grams(text)} <= {2, 3}


@given(st.text(max_size=1))
def test_a_single_character_is_looked_for_without_grams(text: str) -> None:
    assert grams_of(text) == []


@given(st.text(max_size=300))
def test_a_text_becomes_a_lawful_search_or_is_refused_by_its_name(text: str) -> None:
    try:
        found = sought(text, ItemWhere(kind=ItemKind.FILE))
    except VaultError as error:
        assert (error.code, error.path) == (Code.INVALID, ("text",))
    else:
        assert "\0" not in found.text
        assert len(found.text) <= 3 * names.NAME_CHARACTERS_MAX
        assert names.fold(found.text) == found.text
        found.text.encode()


@pytest.mark.parametrize("text", ["", "  ", "\n", "a\0b", "a\x1fb", "\ud800", "x" * 256])
def test_what_no_name_can_hold_is_refused(text: str) -> None:
    with pytest.raises(VaultError) as caught:
        sought(text)
    assert (caught.value.code, caught.value.path) == (Code.INVALID, ("text",))


def test_the_longest_name_can_be_looked_for_whole() -> None:
    name = names.lawful("ß" * names.NAME_CHARACTERS_MAX)
    assert sought(name).matches(replace(A_FOLDER, name=name))


def test_nothing_is_looked_for_only_with_something_else_to_go_by() -> None:
    assert sought(" ", ItemWhere(tags=("a",))).text == ""
    assert sought("", ItemWhere(in_trash=True)).text == ""


def test_a_text_matches_anywhere_in_the_folded_name() -> None:
    for text in ("STRASSE", "ss", "e.p", "straße.png", "G"):
        assert sought(text).matches(A_FILE)
    for text in ("strase", "%", "_", "stra_e"):
        assert not sought(text).matches(A_FILE)
    assert not sought("s", ItemWhere(kind=ItemKind.FOLDER)).matches(A_FILE)
    assert not sought("s", ItemWhere(owner_id=UserId("user_other"))).matches(A_FILE)
    assert not Sought("").matches(replace(A_FOLDER, parent_id=None))


def test_the_index_has_what_is_searched_and_no_top_folder() -> None:
    row = indexed(A_FILE)
    assert row is not None
    assert (row.name, row.content_type, row.tags, row.size_bytes) == ("strasse.png", "image/png", ("a", "b"), 7)
    assert (row.kind, row.scan_status, row.is_trashed, row.stamp) == (ItemKind.FILE, ScanStatus.PENDING, False, 4)
    row = indexed(A_FOLDER)
    assert row is not None
    assert (row.name, row.content_type, row.tags, row.size_bytes) == ("ärger", None, (), 0)
    assert (row.kind, row.scan_status, row.is_trashed) == (ItemKind.FOLDER, None, True)
    assert indexed(replace(A_FOLDER, parent_id=None)) is None


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.text().filter(lambda name: "\0" not in name))
def test_a_place_reads_back_as_it_was_written(lead: int, name: str) -> None:
    place = Place(lead, name, FILE)
    assert Place.from_text(place.to_text()) == place


SHAPELESS = ["", "#", "1", f"x#{FILE}#n", f"--1#{FILE}#n", f"²#{FILE}#n", f"#{FILE}#n"]
UNLAWFUL = [f"{2**63}#{FILE}#n", f"{'9' * 400}#{FILE}#n", "1#file_1#n", f"1#{OWNER}#n", f"1#{FILE}#a\0b"]


@pytest.mark.parametrize("text", [*SHAPELESS, *UNLAWFUL])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(VaultError) as caught:
        Place.from_text(text)
    assert (caught.value.code, caught.value.path) == (Code.INVALID, ("after",))


def test_cursors_of_one_order_are_none_of_another() -> None:
    orders = [None, *(ItemOrder(field) for field in ItemOrderField)]
    prefixes = [Sought("a", order=order).cursor_prefix for order in orders]
    assert not any(a.startswith(b) for a in prefixes for b in prefixes if a is not b)
