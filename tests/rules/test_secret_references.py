"""A setting names a secret, and what is filled in is that secret and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.secret_references import filled, reference, referred

ids = st.from_regex(r"[A-Za-z0-9/_+=.@:-]{1,40}", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
around = st.text().filter(lambda text: "{{" not in text and "}}" not in text and text.strip("{}") == text)


@given(ids, st.text(), around, around)
def test_a_secret_stands_where_its_name_stood(secret_id: str, secret: str, before: str, after: str) -> None:
    text = f"{before}{reference(secret_id)}{after}"
    assert referred(text) == {secret_id}
    assert filled(text, {secret_id: secret}) == f"{before}{secret}{after}"


@given(ids, names, st.text())
def test_a_field_of_a_secret_stands_where_it_was_named(secret_id: str, field: str, secret: str) -> None:
    held = {secret_id: json.dumps({field: secret, f"{field}-": "another"})}
    assert filled(reference(secret_id, field), held) == secret


@given(st.text().filter(lambda text: "{{secret:" not in text))
def test_a_text_that_names_none_stays_as_it_is(text: str) -> None:
    assert (referred(text), filled(text, {})) == (frozenset(), text)


def test_what_a_secret_holds_is_not_read_for_names_again() -> None:
    assert filled(reference("a"), {"a": reference("b"), "b": "no"}) == reference("b")


@pytest.mark.parametrize("secret_id", ["", "a b", "a}}", "a#b", "ä"])
def test_what_is_no_secrets_id_is_refused(secret_id: str) -> None:
    with pytest.raises(ValueError, match="a secret's id"):
        reference(secret_id)
