"""Names in a zip: lawful on every system, as they were where that is possible, and never two the same."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import ids, names
from vaultstream.errors import VaultError
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, UserId
from vaultstream.zip_names import NAME_BYTES_MAX, SKIPPED, Names, portable, zip_name

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEVICES = ["CON", "con.txt", "Aux .tar.gz", "NUL.", "com1", "LPT9.x", "COM¹", "conin$"]


def lawful(name: str) -> bool:
    try:
        return names.lawful(name) == name
    except VaultError:
        return False


ODD = st.text(st.sampled_from('aAéİß?*:<>|".() 2😀'), min_size=1, max_size=12)
NAMES = st.one_of(ODD, st.sampled_from(DEVICES), st.text(min_size=1, max_size=255)).filter(lawful)


def is_lawful_on_windows(name: str) -> bool:
    """By the rules of "Naming Files, Paths, and Namespaces", each said in another way than the code says it."""
    device = re.match(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", name, re.IGNORECASE)
    return device is None and not set(name) & set('<>:"/\\|?*') and name[-1] not in " ."


@given(NAMES)
def test_every_name_becomes_one_that_windows_takes_and_stays_so(name: str):
    plain = portable(name)
    assert is_lawful_on_windows(plain)
    assert portable(plain) == plain
    assert not is_lawful_on_windows(name) or plain == name


@given(st.lists(NAMES, max_size=40))
def test_no_two_in_a_directory_are_the_same_to_any_system(given_names: list[str]):
    directory = Names(SKIPPED)
    placed = [directory.place(name) for name in given_names]
    folded = [names.fold(name) for name in [*placed, SKIPPED]]
    assert len(set(folded)) == len(folded)
    for name in placed:
        assert is_lawful_on_windows(name)
        assert 0 < len(name.encode()) <= NAME_BYTES_MAX


@given(st.lists(NAMES.filter(is_lawful_on_windows), unique_by=names.fold, max_size=20))
def test_what_is_lawful_and_alone_keeps_its_name(given_names: list[str]):
    directory = Names()
    short = [name for name in given_names if len(name.encode()) <= NAME_BYTES_MAX]
    assert [directory.place(name) for name in short] == short


@pytest.mark.parametrize(
    ("name", "placed"),
    [
        ("plan.txt", ["plan.txt", "plan (2).txt", "plan (3).txt"]),
        ("a?b", ["a_b", "a_b (2)", "a_b (3)"]),
        ("CON.txt", ["_CON.txt", "_CON (2).txt", "_CON (3).txt"]),
        ("skipped.TXT", ["skipped (2).TXT", "skipped (3).TXT", "skipped (4).TXT"]),
        ("é" * 200 + ".jpeg", ["é" * 125 + ".jpeg", "é" * 123 + " (2).jpeg", "é" * 123 + " (3).jpeg"]),
    ],
)
def test_the_same_name_again_is_numbered(name: str, placed: list[str]):
    directory = Names(SKIPPED)
    assert [directory.place(name) for _ in placed] == placed


def test_a_zip_is_called_as_was_asked_or_like_the_one_thing_in_it():
    made = [
        Folder(FolderId("folder_" + ids.ulid(1, bytes(10))), UserId("user"), None, name, NOW, NOW)
        for name in ("", "Photos", "old.ZIP")
    ]
    root, photos, old = made
    assert [zip_name([it]) for it in made] == ["vault.zip", "Photos.zip", "old.ZIP"]
    assert zip_name([photos, old]) == "vault.zip"
    assert zip_name([root], "Summer") == "Summer.zip"
