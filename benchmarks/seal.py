"""CPU cost of sealing and opening, beside bare AES-GCM and the stock SDK: `python benchmarks/seal.py`.

All paths take turns in every round, so that a busy neighbour hurts them alike. Figures are plaintext megabytes per
second of CPU time (user and system); the ratio is the median of each round's CPU time over that of bare AES-GCM.
"""

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from io import BytesIO

import aws_encryption_sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput
from aws_encryption_sdk.identifiers import Algorithm

from vaultstream.sealed import FRAME_BYTES, PART_FRAMES, DataKey, Opener, Sealer, derive

ROUNDS = 9
SIZE_BYTES = 64 * 2**20
MEBIBYTE = 2**20
STRIDE = FRAME_BYTES + 32
AAD = bytes(32 + 28 + 12)
KEY = derive(DataKey(bytes(32)), bytes(range(32)))

Deed = Callable[[], object]


def chunks(data: bytes | bytearray, size: int) -> Iterator[memoryview]:
    """`data` as a network would bring it."""
    view = memoryview(data)
    for start in range(0, len(view), size):
        yield view[start : start + size]


def bare_seal(plain: bytes) -> None:
    """The limit: encrypt_into over the same memory, and nothing around it."""
    encrypt_into = KEY.frames.encrypt_into
    out = memoryview(bytearray(PART_FRAMES * STRIDE))
    for index, frame in enumerate(chunks(plain, FRAME_BYTES), 1):
        at = index % PART_FRAMES * STRIDE
        encrypt_into(index.to_bytes(12), frame, AAD, out[at + 16 : at + STRIDE])


def our_seal(plain: bytes, chunk_bytes: int) -> None:
    sealer = Sealer(KEY, 0)
    for chunk in chunks(plain, chunk_bytes):
        for part in sealer.update(chunk):
            sealer.recycle(part)
    sealer.finish()


def bare_frames() -> bytearray:
    """Frames laid out as ours, all with one IV and one AAD, which is lawful only here."""
    sealed = KEY.frames.encrypt(bytes(12), bytes(FRAME_BYTES), AAD)
    return bytearray((bytes(16) + sealed) * (SIZE_BYTES // FRAME_BYTES))


def bare_open(frames: bytearray) -> None:
    decrypt_into, view = KEY.frames.decrypt_into, memoryview(frames)
    out, iv = bytearray(FRAME_BYTES), bytes(12)
    for at in range(0, len(view), STRIDE):
        decrypt_into(iv, view[at + 16 : at + STRIDE], AAD, out)


def our_open(body: bytearray, chunk_bytes: int) -> None:
    opener = Opener(KEY, SIZE_BYTES)
    for chunk in chunks(body, chunk_bytes):
        opener.update(chunk)
    opener.finish()


def our_body(plain: bytes) -> bytearray:
    sealer = Sealer(KEY, 0)
    body = bytearray().join(part.ciphertext for part in sealer.update(plain))
    return body + sealer.finish().ciphertext


class Stock:
    """aws-encryption-sdk with a raw AES keyring, read as its documentation shows and as it is fastest."""

    def __init__(self) -> None:
        self.client = aws_encryption_sdk.EncryptionSDKClient()
        self.keyring = AwsCryptographicMaterialProviders(MaterialProvidersConfig()).create_raw_aes_keyring(
            CreateRawAesKeyringInput(
                key_namespace="benchmark",
                key_name="wrapping",
                wrapping_key=bytes(32),
                wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
            )
        )

    def seal(self, plain: bytes, read_bytes: int | None) -> None:
        with self.client.stream(
            mode="e",
            source=BytesIO(plain),
            keyring=self.keyring,
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
            frame_length=FRAME_BYTES,
        ) as stream:
            drained(stream, read_bytes)

    def open(self, message: bytes, read_bytes: int | None) -> None:
        with self.client.stream(mode="d", source=BytesIO(message), keyring=self.keyring) as stream:
            drained(stream, read_bytes)

    def message(self, plain: bytes) -> bytes:
        message, _ = self.client.encrypt(
            source=plain,
            keyring=self.keyring,
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
            frame_length=FRAME_BYTES,
        )
        return message


def drained(stream, read_bytes: int | None) -> None:
    if read_bytes is None:
        for _ in stream:
            pass
        return
    while stream.read(read_bytes):
        pass


def cpu_seconds(deed: Deed) -> float:
    start = time.process_time()
    deed()
    return time.process_time() - start


def measured(deeds: dict[str, Deed]) -> dict[str, list[float]]:
    """CPU seconds of every deed in every round; one round more is run first and not counted."""
    rounds = [{name: cpu_seconds(deed) for name, deed in deeds.items()} for _ in range(ROUNDS + 1)]
    return {name: [seconds[name] for seconds in rounds[1:]] for name in deeds}


def table(title: str, deeds: dict[str, Deed]) -> str:
    """A Markdown table whose first deed is the measure of the others."""
    seconds = measured(deeds)
    limit = next(iter(seconds.values()))
    lines = [f"| {title} | CPU MB/s (median) | range | CPU time over bare |", "|---|---:|---:|---:|"]
    for name, taken in seconds.items():
        rates = sorted(SIZE_BYTES / 1e6 / second for second in taken)
        ratio = statistics.median(own / bare for own, bare in zip(taken, limit, strict=True))
        spread = f"{rates[0]:,.0f} to {rates[-1]:,.0f}"
        lines.append(f"| {name} | {statistics.median(rates):,.0f} | {spread} | {ratio:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Prints what was measured, and with what."""
    plain = bytes(range(256)) * (SIZE_BYTES // 256)
    stock = Stock()
    message, body, frames = stock.message(plain), our_body(plain), bare_frames()
    print(f"Python {platform.python_version()}, cryptography {version('cryptography')}, ", end="")
    print(f"aws-encryption-sdk {version('aws-encryption-sdk')}; frames of 64 KiB, {ROUNDS} rounds of 64 MiB\n")
    sealing: dict[str, Deed] = {
        "bare `AESGCM.encrypt_into`": lambda: bare_seal(plain),
        "`Sealer`, chunks of 1 MiB": lambda: our_seal(plain, MEBIBYTE),
        "`Sealer`, chunks of 64 KiB": lambda: our_seal(plain, FRAME_BYTES),
        "`Sealer`, chunks of 50,000 bytes": lambda: our_seal(plain, 50_000),
        "aws-encryption-sdk, `read(64 KiB)`": lambda: stock.seal(plain, FRAME_BYTES),
        "aws-encryption-sdk, iterated": lambda: stock.seal(plain, None),
    }
    opening: dict[str, Deed] = {
        "bare `AESGCM.decrypt_into`": lambda: bare_open(frames),
        "`Opener`, chunks of 1 MiB": lambda: our_open(body, MEBIBYTE),
        "`Opener`, chunks of 64 KiB": lambda: our_open(body, FRAME_BYTES),
        "`Opener`, chunks of 50,000 bytes": lambda: our_open(body, 50_000),
        "aws-encryption-sdk, `read(64 KiB)`": lambda: stock.open(message, FRAME_BYTES),
        "aws-encryption-sdk, iterated": lambda: stock.open(message, None),
    }
    print(table("sealing", sealing), table("opening", opening), sep="\n\n")


if __name__ == "__main__":
    main()
