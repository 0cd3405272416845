"""Cursors: opaque, exact, and nothing else passes for one."""

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vaultstream import cursors
from vaultstream.errors import Code, VaultError

keys = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@given(keys)
def test_a_cursor_gives_back_the_sort_key_it_was_made_of(key: str) -> None:
    assert cursors.decode(cursors.encode("ENTRY#" + key), prefix="ENTRY#") == "ENTRY#" + key


@given(keys)
def test_a_cursor_goes_into_a_url_as_it_is(key: str) -> None:
    assert set(cursors.encode(key)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(keys, keys)
def test_two_places_have_two_cursors(one: str, other: str) -> None:
    assert (cursors.encode(one) == cursors.encode(other)) == (one == other)


def refused(cursor: str, prefix: str = "ENTRY#") -> None:
    with pytest.raises(VaultError) as error:
        cursors.decode(cursor, prefix=prefix)
    assert error.value.code is Code.INVALID
    assert error.value.path == ("after",)
    assert "base64" not in error.value.message


@given(st.text())
def test_garbage_is_refused_in_words(text: str) -> None:
    refused(text)


@given(st.binary())
def test_base64_of_garbage_is_refused(data: bytes) -> None:
    refused(base64.urlsafe_b64encode(data).decode().rstrip("="))


@given(keys, st.data())
def test_a_cursor_with_one_character_changed_is_refused(key: str, data: st.DataObject) -> None:
    cursor = cursors.encode("ENTRY#" + key)
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="ascii"))
    assume(other != cursor[place])
    refused(cursor[:place] + other + cursor[place + 1 :])


@given(keys, st.text(alphabet="=ABab-_+/ \n", min_size=1, max_size=3))
def test_a_cursor_with_something_added_is_refused(key: str, added: str) -> None:
    refused(cursors.encode("ENTRY#" + key) + added)


@given(keys)
def test_a_cursor_of_another_list_is_refused(key: str) -> None:
    refused(cursors.encode("VERSION#" + key))
