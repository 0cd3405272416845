"""Frozen vectors: what once opened must open for ever, and what must fail must fail for ever."""

import importlib.util
import json
from pathlib import Path

import pytest

from vaultstream.sealed import DataKey, Opener, SealedError, derive, open_header, open_tail, plain_size

VECTORS = Path(__file__).parent / "vectors"


def load(name):
    return [pytest.param(vector, id=vector["name"]) for vector in json.loads((VECTORS / name).read_text())]


def opened(vector):
    data_key = DataKey(bytes.fromhex(vector["data_key"]))
    frame_key = open_header(bytes.fromhex(vector["header"]), data_key, vector["context"])
    opener = Opener(frame_key, vector["plain_bytes"])
    pieces = opener.update(bytes.fromhex(vector["body"]))
    opener.finish()
    return frame_key, b"".join(pieces)


def plain_of(size):
    return bytes(index % 256 for index in range(size))


@pytest.mark.parametrize("vector", [*load("opens.json"), *load("official.json")])
def test_opens(vector):
    frame_key, plain = opened(vector)
    assert plain == plain_of(vector["plain_bytes"])
    assert plain_size(len(vector["body"]) // 2, frame_key.frame_bytes) == len(plain)


@pytest.mark.parametrize("vector", load("refuses.json"))
def test_refuses(vector):
    with pytest.raises(SealedError):
        opened(vector)


@pytest.mark.parametrize("vector", load("tails.json"))
def test_tails(vector):
    data_key = DataKey(bytes.fromhex(vector["data_key"]))
    frame_key = derive(data_key, bytes.fromhex(vector["message_id"]), vector["frame_bytes"])
    arguments = (frame_key, vector["epoch"], bytes.fromhex(vector["tail"]), vector["offset"])
    if not vector["opens"]:
        with pytest.raises(SealedError):
            open_tail(*arguments)
        return
    frames, remainder = open_tail(*arguments)
    assert len(frames) == vector["offset"] // vector["frame_bytes"] * (vector["frame_bytes"] + 32)
    assert remainder == plain_of(vector["offset"])[-len(remainder) :]


@pytest.mark.parametrize("name", ["opens.json", "refuses.json", "tails.json"])
def test_the_code_still_writes_the_frozen_bytes(name):
    spec = importlib.util.spec_from_file_location("generate_vectors", VECTORS / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.text_of(generate.FILES[name]()) == (VECTORS / name).read_text()
