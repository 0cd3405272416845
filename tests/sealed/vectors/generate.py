"""Writes the frozen test vectors of the sealed format; run it from the project's root.

`official.json` is not written here: it holds messages that aws-encryption-sdk 4.0.7 made once, with the data keys
unwrapped from them. All bytes are hexadecimal; the plaintext of `n` bytes is 0, 1, 2 … 255, 0 … unless given.
"""

import json
from itertools import pairwise
from pathlib import Path

from vaultstream.sealed import DataKey, EncryptedDataKey, FrameKey, Sealer, build_header, derive

HERE = Path(__file__).parent
DATA_KEY = DataKey(bytes(range(32)))
MESSAGE_ID = bytes(range(0xA0, 0xC0))
CONTEXT = {"vault": "v-1", "file": "f-2", "version": "x-3"}
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EDK = EncryptedDataKey.from_kms(ARN, bytes(184))
FRAME = 16
STRIDE = FRAME + 32


def plain_of(size: int) -> bytes:
    return bytes(index % 256 for index in range(size))


def sealed(frame_key: FrameKey, plain: bytes, cuts: tuple[int, ...] = ()) -> bytes:
    """The body of `plain`, in one epoch more for every cut."""
    sealer, body = Sealer(frame_key, 0), b""
    for epoch, (start, stop) in enumerate(pairwise((0, *cuts, len(plain)))):
        if epoch:
            tail, offset = sealer.tail(), sealer.offset
            sealer = Sealer.resume(frame_key, epoch, tail, tail_epoch=epoch - 1, offset=offset)
        body += b"".join(part.ciphertext for part in sealer.update(plain[start:stop]))
    return body + sealer.finish().ciphertext


def message(name: str, size: int, **options: object) -> dict[str, object]:
    """One vector; options are `frame_bytes`, `context` and `cuts`."""
    frame_bytes, context, cuts = (
        options.get("frame_bytes", FRAME),
        options.get("context", CONTEXT),
        options.get("cuts", ()),
    )
    frame_key = derive(DATA_KEY, MESSAGE_ID, frame_bytes)
    return {
        "name": name,
        "data_key": DATA_KEY.reveal().hex(),
        "context": context,
        "plain_bytes": size,
        "header": build_header(DATA_KEY, MESSAGE_ID, context, [EDK], frame_bytes).hex(),
        "body": sealed(frame_key, plain_of(size), cuts).hex(),
    }


def opens() -> list[dict[str, object]]:
    return [
        message("empty file", 0),
        message("one byte", 1),
        message("one byte less than a frame", FRAME - 1),
        message("exactly one frame", FRAME),
        message("one byte more than a frame", FRAME + 1),
        message("exact multiple", 3 * FRAME),
        message("several frames", 3 * FRAME + 5),
        message("no context", 5, context={}),
        message("the frame length of the vault", 300, frame_bytes=65_536),
        message("frames of one byte", 3, frame_bytes=1),
        message("resumed in three epochs", 3 * FRAME + 5, cuts=(10, 40)),
        message("resumed at an exact multiple", 2 * FRAME, cuts=(2 * FRAME,)),
        full_final(),
    ]


def full_final() -> dict[str, object]:
    """The other lawful end of an exact multiple, which the vault reads and never writes."""
    vector = message("exact multiple with a full final frame", FRAME)
    iv, size = bytes(8) + b"\0\0\0\1", FRAME.to_bytes(4)
    aad = MESSAGE_ID + b"AWSKMSEncryptionClient Final Frame" + b"\0\0\0\1" + FRAME.to_bytes(8)
    ciphertext = derive(DATA_KEY, MESSAGE_ID, FRAME).frames.encrypt(iv, plain_of(FRAME), aad)
    return {**vector, "body": (b"\xff" * 4 + b"\0\0\0\1" + iv + size + ciphertext).hex()}


def refuses() -> list[dict[str, object]]:
    good = message("good", 3 * FRAME + 5)
    header, body = bytes.fromhex(good["header"]), bytes.fromhex(good["body"])
    frames = [body[at : at + STRIDE] for at in range(0, len(body), STRIDE)]
    other = sealed(derive(DATA_KEY, bytes(32), FRAME), plain_of(3 * FRAME + 5))
    return [
        {**good, "name": name, **{key: value.hex() if isinstance(value, bytes) else value for key, value in new}}
        for name, *new in [
            ("another data key", ("data_key", bytes(32))),
            ("another context", ("context", {**CONTEXT, "file": "f-3"})),
            ("a context entry is missing", ("context", {"vault": "v-1", "file": "f-2"})),
            ("the header's tag is flipped", ("header", flipped(header, -1))),
            ("the commitment is flipped", ("header", flipped(header, -17))),
            ("the message id is flipped", ("header", flipped(header, 3))),
            ("a sealed data key is flipped", ("header", flipped(header, -70))),
            ("the suite has no commitment", ("header", header[:1] + b"\x01\x78" + header[3:])),
            ("the header is cut", ("header", header[:-1])),
            ("the header has a trailing byte", ("header", header + b"\0")),
            ("a frame's ciphertext is flipped", ("body", flipped(body, 20))),
            ("a frame's IV is flipped", ("body", flipped(body, 5))),
            ("a frame's tag is flipped", ("body", flipped(body, STRIDE - 1))),
            ("the final length is flipped", ("body", flipped(body, 3 * STRIDE + 23))),
            ("two frames are swapped", ("body", b"".join([frames[1], frames[0], *frames[2:]]))),
            ("a frame is dropped", ("body", b"".join(frames[1:]))),
            ("a frame stands twice", ("body", b"".join([frames[0], *frames]))),
            ("the final frame is missing", ("body", b"".join(frames[:3]))),
            ("the end is missing at a frame, and the size says so", ("body", frames[0]), ("plain_bytes", FRAME)),
            ("the body is cut by one byte", ("body", body[:-1])),
            ("the body has a trailing byte", ("body", body + b"\0")),
            ("the final frame stands twice", ("body", body + frames[3])),
            ("a frame of another message", ("body", other[:STRIDE] + body[STRIDE:])),
            ("the body is empty", ("body", b"")),
            ("the file is said to be longer", ("plain_bytes", 4 * FRAME)),
        ]
    ]


def tails() -> list[dict[str, object]]:
    """Tails of epoch 1; the ones with `opens` false differ in one point from the first."""
    plain = plain_of(2 * FRAME + 5)
    sealer = Sealer(derive(DATA_KEY, MESSAGE_ID, FRAME), 1)
    sealer.update(plain)
    tail = bytes(sealer.tail())
    good = {
        "data_key": DATA_KEY.reveal().hex(),
        "message_id": MESSAGE_ID.hex(),
        "frame_bytes": FRAME,
        "epoch": 1,
        "offset": len(plain),
        "tail": tail.hex(),
        "opens": True,
    }
    return [
        {"name": "two frames and a remainder", **good},
        {"name": "an earlier epoch", **good, "epoch": 0, "opens": False},
        {"name": "another offset", **good, "offset": len(plain) + FRAME, "opens": False},
        {"name": "another message", **good, "message_id": bytes(32).hex(), "opens": False},
        {"name": "a held frame is flipped", **good, "tail": flipped(tail, 60).hex(), "opens": False},
        {"name": "the remainder is flipped", **good, "tail": flipped(tail, -17).hex(), "opens": False},
        {"name": "cut by one byte", **good, "tail": tail[:-1].hex(), "opens": False},
    ]


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def text_of(vectors: list[dict[str, object]]) -> str:
    return json.dumps(vectors, indent=1) + "\n"


FILES = {"opens.json": opens, "refuses.json": refuses, "tails.json": tails}

if __name__ == "__main__":
    for name, vectors in FILES.items():
        (HERE / name).write_text(text_of(vectors()))
