"""Signed URLs are CloudFront's, and one altered character is one too many."""

import base64
import ipaddress
import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.adapters.signer import Policy, Signer
from vaultstream.errors import Code, VaultError

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
URL = "https://vault.example/content/file_01/3?for=user_01&inline=1"
KEY_PAIR = "K2JCJMDEHXQW5F"
HASHED = "&Hash-Algorithm=SHA256"
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private) -> str:
    form = serialization.PrivateFormat.PKCS8
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


SIGNER = Signer(pem(PRIVATE), KEY_PAIR)
SIGNED = SIGNER.sign(URL, LATER)
POLICY = Policy(
    "https://vault.example/content/file_01/*", LATER, after=NOW, source=ipaddress.IPv4Network("192.0.2.0/24")
)
SIGNED_BY_POLICY = SIGNER.sign_policy(URL, POLICY)
EXACTLY = SIGNER.sign_policy(URL, Policy(URL, LATER))  # no `*`, so that nothing else is covered

paths = st.text("abcXYZ019._~-/%!$'()*+,;=:@", max_size=40)
queries = st.lists(st.tuples(st.text("abcXYZ", min_size=1, max_size=8), st.text("abc019-_.~%", max_size=8)), max_size=4)


@st.composite
def urls(draw) -> str:
    query = "&".join(f"{key}={value}" for key, value in draw(queries))
    return f"https://vault.example/{draw(paths)}" + (f"?{query}" if query else "")


def oracle() -> CloudFrontSigner:
    return CloudFrontSigner(KEY_PAIR, lambda text: PRIVATE.sign(text, padding.PKCS1v15(), hashes.SHA256()))


def refused(url: str, *, now: datetime = NOW, ip: str | None = "192.0.2.7") -> Code:
    with pytest.raises(VaultError) as caught:
        SIGNER.verify(url, now, ip)
    return caught.value.code


@given(url=urls(), seconds=st.integers(1, 2_000_000_000))
def test_a_canned_url_is_the_one_botocore_makes(url, seconds):
    until = datetime.fromtimestamp(seconds, UTC)
    signed = SIGNER.sign(url, until)
    assert signed == oracle().generate_presigned_url(url, date_less_than=until) + HASHED
    SIGNER.verify(signed, until - timedelta(seconds=1))


@given(url=urls(), ip=st.ip_addresses(v=4), after=st.none() | st.just(NOW))
def test_a_url_with_a_policy_is_the_one_botocore_makes(url, ip, after):
    policy = Policy(url, LATER, after=after, source=ipaddress.IPv4Network(ip))
    text = oracle().build_policy(url, LATER, date_greater_than=after, ip_address=str(ip))
    signed = SIGNER.sign_policy(url, policy)
    assert signed == oracle().generate_presigned_url(url, policy=text) + HASHED
    SIGNER.verify(signed, NOW, str(ip))
    assert Policy.from_text(text.encode()) == policy


def test_what_botocore_signs_is_let_in():
    theirs = oracle().generate_presigned_url(URL, policy=oracle().build_policy("https://vault.example/*", LATER))
    SIGNER.verify(theirs + HASHED, NOW)


def test_a_signature_over_sha_1_is_refused_with_and_without_its_name():
    weak = CloudFrontSigner(KEY_PAIR, lambda text: PRIVATE.sign(text, padding.PKCS1v15(), hashes.SHA1()))
    signed = weak.generate_presigned_url(URL, date_less_than=LATER)
    assert [refused(signed + end) for end in ("", HASHED, "&Hash-Algorithm=SHA1")] == [Code.FORBIDDEN] * 3


@given(data=st.data(), signed=st.sampled_from([SIGNED, EXACTLY]))
def test_any_one_altered_character_is_refused(data, signed):
    at = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda char: char != signed[at]))
    assert refused(signed[:at] + other + signed[at + 1 :]) is Code.FORBIDDEN


@given(data=st.data(), signed=st.sampled_from([SIGNED, EXACTLY]))
def test_any_character_left_out_or_put_in_is_refused(data, signed):
    at = data.draw(st.integers(0, len(signed) - 1))
    assert refused(signed[:at] + signed[at + 1 :]) is Code.FORBIDDEN
    more = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    assert refused(signed[: at + 1] + more + signed[at + 1 :]) is Code.FORBIDDEN


@given(order=st.permutations(range(6)))
def test_parameters_in_another_order_are_refused(order):
    base, _, query = SIGNED.partition("?")
    parameters = query.split("&")
    url = base + "?" + "&".join(parameters[place] for place in order)
    if url == SIGNED:
        SIGNER.verify(url, NOW)
    else:
        assert refused(url) is Code.FORBIDDEN


@pytest.mark.parametrize("name", ["Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm", "Policy"])
def test_a_doubled_or_missing_parameter_is_refused(name):
    for signed in (SIGNED, SIGNED_BY_POLICY):
        base, _, query = signed.partition("?")
        parameters = query.split("&")
        mine = [parameter for parameter in parameters if parameter.startswith(name + "=")] or [f"{name}=1"]
        assert refused(f"{base}?{'&'.join(mine + parameters)}") is Code.FORBIDDEN
        assert refused(f"{base}?{'&'.join(parameters + mine)}") is Code.FORBIDDEN
        left = [parameter for parameter in parameters if parameter not in mine]
        if left != parameters:
            assert refused(f"{base}?{'&'.join(left)}") is Code.FORBIDDEN


def test_another_spelling_of_the_same_base64_is_refused():
    at = SIGNED.index("&Key-Pair-Id") - 3  # the last character before the padding "__": its low four bits mean nothing
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~"
    twin = alphabet[alphabet.index(SIGNED[at]) ^ 1]
    ours, theirs = (
        base64.b64decode(
            url[SIGNED.index("Signature=") + 10 : at + 3].replace("-", "+").replace("~", "/").replace("_", "=")
        )
        for url in (SIGNED, SIGNED[:at] + twin + SIGNED[at + 1 :])
    )
    assert ours == theirs
    assert refused(SIGNED[:at] + twin + SIGNED[at + 1 :]) is Code.FORBIDDEN


def test_a_url_ends_with_its_time_and_says_so_only_if_it_was_genuine():
    SIGNER.verify(SIGNED, LATER - timedelta(microseconds=1))
    assert refused(SIGNED, now=LATER) is Code.EXPIRED
    assert refused(SIGNED.replace("file_01", "file_02"), now=LATER) is Code.FORBIDDEN


def test_a_policy_holds_from_its_beginning_for_its_addresses_only():
    SIGNER.verify(SIGNED_BY_POLICY, NOW, "192.0.2.255")
    SIGNER.verify(SIGNED_BY_POLICY, NOW, "::ffff:192.0.2.1")
    assert refused(SIGNED_BY_POLICY, now=NOW - timedelta(seconds=1)) is Code.FORBIDDEN
    assert refused(SIGNED_BY_POLICY, now=LATER) is Code.EXPIRED
    for ip in ("192.0.3.1", "2001:db8::1", "somewhere", "", None):
        assert refused(SIGNED_BY_POLICY, ip=ip) is Code.FORBIDDEN


def test_a_wildcard_opens_what_it_covers_and_nothing_else():
    policy = Policy("https://vault.example/content/file_0?/*", LATER)
    tail = SIGNER.sign_policy(URL, policy).removeprefix(URL)
    SIGNER.verify(URL.replace("file_01", "file_09").replace("/3", "/4/thumbnail/256") + tail, NOW)
    assert refused(URL.replace("file_01", "file_10") + tail) is Code.FORBIDDEN
    assert refused(URL.replace("vault.example", "vault.example.org") + tail) is Code.FORBIDDEN


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: policy["Statement"].append(policy["Statement"][0]),
        lambda policy: policy.update(Version="2"),
        lambda policy: policy["Statement"][0].update(Effect="Allow"),
        lambda policy: policy["Statement"][0].pop("Resource"),
        lambda policy: policy["Statement"][0]["Condition"].pop("DateLessThan"),
        lambda policy: policy["Statement"][0]["Condition"].update(Referer={"Is": "x"}),
        lambda policy: policy["Statement"][0]["Condition"].update(IpAddress={"AWS:SourceIp": "2001:db8::/32"}),
        lambda policy: policy["Statement"][0]["Condition"].update(IpAddress={}),
        lambda policy: policy["Statement"][0]["Condition"].update(DateGreaterThan={"AWS:EpochTime": "1"}),
    ],
)
def test_a_policy_with_a_condition_we_do_not_know_is_not_half_obeyed(change):
    policy = json.loads(POLICY.to_text())
    change(policy)
    with pytest.raises(ValueError):
        Policy.from_text(json.dumps(policy).encode())


def test_what_has_no_one_spelling_is_not_signed():
    for url in (
        "/content/1",
        "https://v.example/a b",
        'https://v.example/"',
        "https://v.example/#x",
        "https://v.example/é",
        "https://v.example/?Expires=1",
        "https://v.example/?a=1&Policy=x",
        "ftp://v.example/",
    ):
        with pytest.raises(ValueError):
            SIGNER.sign(url, LATER)
    with pytest.raises(ValueError, match="covers"):
        SIGNER.sign_policy("https://elsewhere.example/", POLICY)
    with pytest.raises(ValueError, match="time zone"):
        SIGNER.sign(URL, LATER.replace(tzinfo=None))


def test_only_the_kind_of_key_that_cloudfront_takes_is_taken():
    for private in (
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP256R1()),
    ):
        with pytest.raises(ValueError, match="2048 bits"):
            Signer(pem(private), KEY_PAIR)
    with pytest.raises(ValueError, match="letters and digits"):
        Signer(pem(PRIVATE), "K2&Expires=1")


def test_another_key_signs_nothing_for_us():
    stranger = Signer(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)), KEY_PAIR)
    assert refused(stranger.sign(URL, LATER)) is Code.FORBIDDEN


def test_the_key_is_not_to_be_seen():
    assert repr(SIGNER) == f"Signer('{KEY_PAIR}')"
    assert not hasattr(SIGNER, "__dict__")
