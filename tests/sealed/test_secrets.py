"""Keys and plaintext show in no repr, no error, no pickle, and do not stay in buffers."""

import copy
import pickle

import pytest

from vaultstream.sealed import DataKey, EncryptedDataKey, Part, Sealer, derive

SECRET = b"S3CR3T-" * 4 + b"key!"
KEY = derive(DataKey(SECRET), bytes(32), 16)


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, "{!s}".format])
def test_a_key_hides_in_every_form_of_text(shown):
    assert shown(DataKey(SECRET)) == "DataKey(hidden)"
    assert shown(KEY) == "FrameKey(hidden)"


@pytest.mark.parametrize("secret", [DataKey(SECRET), KEY])
@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_key_is_neither_pickled_nor_copied(secret, write):
    with pytest.raises(TypeError, match="never written down"):
        write(secret)


def test_a_key_among_the_locals_of_an_error_stays_hidden():
    with pytest.raises(ValueError, match="32 bytes") as refused:
        DataKey(SECRET[:-1])
    assert "S3CR3T" not in str(refused.value)


def test_a_frame_key_does_not_hold_the_data_key():
    held = [getattr(KEY, name) for name in KEY.__slots__]
    assert SECRET not in held
    assert not any(isinstance(value, DataKey) for value in held)


@pytest.mark.parametrize(("message_id", "frame_bytes"), [(bytes(16), 16), (bytes(32), 0), (bytes(32), 2**31)])
def test_a_key_is_derived_only_for_a_lawful_message(message_id, frame_bytes):
    with pytest.raises(ValueError):
        derive(DataKey(SECRET), message_id, frame_bytes)


def test_ciphertext_stays_out_of_reprs_for_the_sake_of_logs():
    assert repr(Part(bytearray(b"sealed"), 2, 16)) == "Part(next_seq=2, offset=16)"
    assert "sealed" not in repr(EncryptedDataKey("raw", b"name", b"sealed"))


@pytest.mark.parametrize("end", [Sealer.close, Sealer.tail, Sealer.finish])
def test_the_remainder_is_overwritten_at_the_end(end):
    sealer = Sealer(KEY, 0)
    sealer.update(b"sixteen bytes!!!" + b"rest")
    kept = sealer._remainder
    assert bytes(kept[:4]) == b"rest"
    end(sealer)
    assert bytes(kept) == bytes(16)
