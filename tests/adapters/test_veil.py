"""What a cursor says is for the vault alone: unreadable, unforgeable, and good for one reader and one list."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.adapters.veil import Veil
from vaultstream.errors import Code, VaultError

VEIL = Veil("a secret of the deployment")
texts, contexts = st.text(min_size=1, max_size=300), st.text(max_size=60)


@given(texts, contexts)
def test_what_was_covered_is_uncovered_in_its_context_by_every_instance(text: str, context: str) -> None:
    covered = VEIL.cover(text, context)
    assert covered == VEIL.cover(text, context)
    assert Veil("a secret of the deployment\n").uncover(covered, context) == text


@given(texts, contexts, contexts)
def test_in_another_context_or_under_another_secret_it_is_refused(text: str, context: str, other: str) -> None:
    covered = VEIL.cover(text, context)
    refused(Veil("another secret"), covered, context)
    if other != context:
        refused(VEIL, covered, other)


@given(st.text(max_size=60))
def test_what_was_not_covered_is_refused(made_up: str) -> None:
    refused(VEIL, made_up, "context")


@given(texts, st.data())
def test_one_altered_bit_is_one_too_many(text: str, data: st.DataObject) -> None:
    covered = VEIL.cover(text, "context")
    sealed = bytearray(base64.urlsafe_b64decode(covered + "=" * (-len(covered) % 4)))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    refused(VEIL, base64.urlsafe_b64encode(sealed).decode().rstrip("="), "context")


def test_a_name_cannot_be_read_off() -> None:
    covered = VEIL.cover("0#file_1#a secret name", "context")
    assert b"secret" not in base64.urlsafe_b64decode(covered + "=" * (-len(covered) % 4))


def refused(veil: Veil, covered: str, context: str) -> None:
    with pytest.raises(VaultError) as caught:
        veil.uncover(covered, context)
    assert (caught.value.code, caught.value.path) == (Code.INVALID, ("after",))
