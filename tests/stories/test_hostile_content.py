"""The download door under forged, stale and crooked addresses, and under ranges that make no sense."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import parts
import pytest
from asking import Person
from behind import settled
from contents import Source, photo
from dev_stack import DevStack
from doors import until
from hostility import Answered, assert_clear, assert_discreet, request, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vault_use import bring, children, link

from vaultstream.adapters.signer import Policy, Signer

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True, slots=True)
class Held:
    """A picture of Alice's and an address that opens it."""

    source: Source
    file_id: str
    user_id: str
    url: str
    signer: Signer
    stack: DevStack

    @property
    def target(self) -> str:
        """The address as it stands in a request line."""
        return self.url.removeprefix(self.stack.url)

    def signed(self, path: str, expires_in_seconds: float = 60) -> str:
        """What the vault itself never signs, signed with its key."""
        moment = datetime.now(UTC) + timedelta(seconds=expires_in_seconds)
        return self.signer.sign(f"{self.stack.url}{path}", moment).removeprefix(self.stack.url)

    def ask(self, target: str | bytes, *headers: tuple[str, str | bytes], method: str = "GET") -> Answered:
        return told(self.stack.port, request(method, target, headers), method)


@pytest.fixture(scope="module")
async def held(quiet: DevStack, tmp_path_factory) -> Held:
    source = photo(tmp_path_factory.mktemp("held") / f"{secrets.token_hex(4)}.jpg", 300, 200)
    own = quiet.settings
    async with httpx.AsyncClient(base_url=quiet.url, timeout=30) as client:
        alice = Person(client, quiet.token("alice@example.com"))
        root = await alice.root()
        bring(quiet.url, alice.token, source, root)

        async def is_ready() -> bool:
            return (await children(alice, root))[source.name]["thumbnail"]["status"] == "READY"

        await until(is_ready, 90)
        file_id = (await children(alice, root))[source.name]["id"]
        user_id = (await alice.data("{ viewer { id } }"))["viewer"]["id"]
        url = await link(alice, file_id)
    await settled(quiet)
    signer = Signer(own.content_private_key.reveal(), own.content_key_pair_id)
    return Held(source, file_id, user_id, url, signer, quiet)


def test_the_address_as_it_was_made_opens_the_picture(held: Held) -> None:
    answered = held.ask(held.target)
    assert (answered.status, answered.body) == (200, held.source.path.read_bytes())


def _without(name: str) -> Callable[[Held], str]:
    return lambda held: re.sub(rf"[?&]{name}=[^&]*", "", held.target)


def _as(pattern: str, other: str) -> Callable[[Held], str]:
    return lambda held: re.sub(pattern, other, held.target)


def _rearranged(held: Held) -> str:
    path, _, query = held.target.partition("?")
    return f"{path}?{'&'.join(reversed(query.split('&')))}"


def _by_another_key(held: Held) -> str:
    other = Signer(parts.new_rsa_pem(), held.stack.settings.content_key_pair_id)
    base = f"{held.stack.url}/content/{held.file_id}/1?for={held.user_id}"
    return other.sign(base, datetime.now(UTC) + timedelta(hours=1)).removeprefix(held.stack.url)


def _with_a_policy_for_all(held: Held) -> str:
    """A policy by another key that covers every address there is."""
    other = Signer(parts.new_rsa_pem(), held.stack.settings.content_key_pair_id)
    base = f"{held.stack.url}/content/{held.file_id}/1?for={held.user_id}"
    return other.sign_policy(base, Policy("*", datetime.now(UTC) + timedelta(hours=1))).removeprefix(held.stack.url)


FORGERIES: dict[str, Callable[[Held], str]] = {
    "no query": lambda held: held.target.partition("?")[0],
    "no signature": _without("Signature"),
    "no expiry": _without("Expires"),
    "no key": _without("Key-Pair-Id"),
    "no algorithm": _without("Hash-Algorithm"),
    "no person": _without("for"),
    "an empty signature": _as("Signature=[^&]*", "Signature="),
    "another signature": _as("Signature=....", "Signature=AAAA"),
    "a signature cut short": _as("(Signature=[^&]*)....&", r"\1&"),
    "a signature with more": _as("(Signature=[^&]*)&", r"\1AAAA&"),
    "a signature in other base64": _as("(Signature=[^&]*)__", r"\1=="),
    "a later expiry": _as("Expires=[0-9]+", "Expires=9999999999"),
    "an expiry beyond all calendars": _as("Expires=[0-9]+", "Expires=99999999999"),
    "an endless expiry": _as("Expires=[0-9]+", "Expires=" + "9" * 5000),
    "a negative expiry": _as("Expires=", "Expires=-"),
    "an expiry with a nought": _as("Expires=", "Expires=0"),
    "another key's name": _as("Key-Pair-Id=[^&]*", "Key-Pair-Id=KOTHER"),
    "SHA-1": _as("Hash-Algorithm=SHA256", "Hash-Algorithm=SHA1"),
    "another file": _as("file_[0-9A-Z]{26}", "file_" + "0" * 26),
    "another version": _as("/1\\?", "/2?"),
    "another person": _as("for=user_[0-9A-Z]{26}", "for=user_" + "0" * 26),
    "shown inline": _as(r"\?for=", "?inline=1&for="),
    "the person twice": _as(r"\?for=", "?for=somebody&for="),
    "the expiry twice": _as("&Signature", "&Expires=1&Signature"),
    "the signature twice": lambda held: held.target + "&Signature=AAAA",
    "more at its end": lambda held: held.target + "&x=1",
    "rearranged": _rearranged,
    "in another case": lambda held: held.target.replace("Signature=", "signature="),
    "escaped": lambda held: held.target.replace("for=user_", "for=user%5f"),
    "an escaped path": lambda held: held.target.replace("/content/file_", "/content/file%5F"),
    "a doubled slash": lambda held: held.target.replace("/content/", "//content/"),
    "a way around": lambda held: held.target.replace("/content/", "/assets/../content/"),
    "by another key": _by_another_key,
    "under a policy for all": _with_a_policy_for_all,
    "a policy that is none": _as("Expires=[0-9]+", "Policy=" + "A" * 400),
    "a policy without end": _as("Expires=[0-9]+", "Policy=" + "W1tb" * 4000),
    "nothing but signs": lambda held: f"/content/{held.file_id}/1?&&&=&=?;;",
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_forged_address_opens_nothing(untouched, held: Held, forgery: str, method: str) -> None:
    target = FORGERIES[forgery](held)
    assert target != held.target
    assert_clear(held.ask(target, method=method), 403, 404, method=method)


def test_an_address_whose_time_is_over_says_so(untouched, held: Held) -> None:
    path = f"/content/{held.file_id}/1?for={held.user_id}"
    for seconds in (-1, -86400):
        assert_clear(held.ask(held.signed(path, seconds)), 410)


ABSURD = {
    "the nought": "/content/{file}/0?for={user}",
    "a negative version": "/content/{file}/-1?for={user}",
    "a version with a point": "/content/{file}/1.0?for={user}",
    "a version with a nought": "/content/{file}/01?for={user}",
    "a version without end": "/content/{file}/" + "9" * 300 + "?for={user}",
    "a version that never was": "/content/{file}/2?for={user}",
    "a version in words": "/content/{file}/one?for={user}",
    "nobody": "/content/{file}/1?for=",
    "nobody at all": "/content/{file}/1",
    "two people": "/content/{file}/1?for=user_x&for={user}",
    "somebody else": "/content/{file}/1?for=user_00000000000000000000000000",
    "no file": "/content/file_/1?for={user}",
    "a folder": "/content/folder_00000000000000000000000000/1?for={user}",
    "a thumbnail of no size": "/content/{file}/1/thumbnail/0?for={user}",
    "a thumbnail of another size": "/content/{file}/1/thumbnail/257?for={user}",
    "a thumbnail without end": "/content/{file}/1/thumbnail/" + "9" * 300 + "?for={user}",
    "a thumbnail in words": "/content/{file}/1/thumbnail/big?for={user}",
    "something deeper": "/content/{file}/1/thumbnail/256/1?for={user}",
}


@pytest.mark.parametrize("absurd", ABSURD)
def test_an_address_to_nothing_finds_nothing_though_it_is_signed(untouched, held: Held, absurd: str) -> None:
    path = ABSURD[absurd].format(file=held.file_id, user=held.user_id)
    assert_clear(held.ask(held.signed(path)), 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_405(untouched, held: Held, method: str) -> None:
    answered = held.ask(held.target, method=method)
    assert answered.status in ({405} if method != "BREW" else {400, 405})
    assert_discreet(answered)


WHOLE, PART, NONE = 200, 206, 416
RANGES = {
    **dict.fromkeys(["bytes", "bytes=", "bytes=abc", "bytes=-", "bytes=5-2", "bytes=1-x", "bytes=--1", "=0-1"], WHOLE),
    **dict.fromkeys(
        ["items=0-1", "bytes 0-1", "", " ", "bytes=0x1-0x2", "bytes=\uff11-\uff12", "bytes=1.5-3", "bytes=+1-3"], WHOLE
    ),
    **dict.fromkeys(["bytes=99999999-", "bytes=-0", "bytes=" + "9" * 40 + "-"], NONE),
    **dict.fromkeys(["bytes=0-0", "bytes=-1", "BYTES=0-0", "bytes=0-" + "9" * 40, "bytes=-" + "9" * 40], PART),
}


@pytest.mark.parametrize(("wanted", "status"), RANGES.items())
def test_a_range_that_makes_no_sense_is_ignored_or_refused(untouched, held: Held, wanted: str, status: int) -> None:
    answered = held.ask(held.target, ("Range", wanted))
    assert answered.status == status
    if status == WHOLE:
        assert answered.body == held.source.path.read_bytes()


@pytest.mark.parametrize(
    "wanted", ["bytes=0-0,2-3", "bytes=" + ",".join(["0-0"] * 5000), "bytes=0-9,99999999-", "bytes=,,,"]
)
def test_many_ranges_at_once_cost_no_more_than_the_whole(untouched, held: Held, wanted: str) -> None:
    answered = held.ask(held.target, ("Range", wanted))
    assert answered.status in {WHOLE, PART, NONE, 400, 431}
    assert len(answered.body) <= held.source.size_bytes


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"])
@pytest.mark.parametrize(
    "value", ["", "garbage", '"', 'W/"', "*" * 900, '"a"' * 900, "Sun, 99 Nov 9999", b"\xff", "0" * 900]
)
def test_conditions_that_are_garbage_fail_nothing(untouched, held: Held, name: str, value: str | bytes) -> None:
    answered = held.ask(held.target, (name, value), ("Range", "bytes=0-4"))
    assert answered.status in {200, 206, 304, 412}


@FEW
@given(data=st.data())
def test_no_other_letter_anywhere_makes_another_address_that_opens(held: Held, data: st.DataObject) -> None:
    place = data.draw(st.integers(len("/content/"), len(held.target) - 1))
    letter = data.draw(st.sampled_from("AZaz09-_~.%/?&=+"))
    target = held.target[:place] + letter + held.target[place + 1 :]
    if target != held.target:
        answered = held.ask(target)
        assert answered.status in {403, 404, 410}, target
        assert_discreet(answered)


@FEW
@given(wanted=st.binary(max_size=60).map(lambda data: data.translate(None, b"\r\n\0")))
def test_no_range_makes_the_door_fail(held: Held, wanted: bytes) -> None:
    assert held.ask(held.target, ("Range", b"bytes=" + wanted)).status in {200, 206, 416, 400}
