"""A URL's own proof: whatever CloudFront takes off or leaves, it holds; whatever anybody else changes, it does not."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import new_rsa_pem

from vaultstream.adapters.proofs import Proofs
from vaultstream.adapters.signer import Signer
from vaultstream.errors import Code, VaultError

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=5)
URL = "https://vault.example.com/content/file_1/2?for=user_1"
SIGNING = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")
proofs = Proofs("a secret of the deployment")

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
queries = st.lists(st.tuples(st.sampled_from(["for", "items", "name", "inline"]), texts), max_size=5)


def refused(url: str, code: Code = Code.FORBIDDEN, now: datetime = NOW) -> None:
    with pytest.raises(VaultError) as caught:
        proofs.check(url, now)
    assert caught.value.code is code


@given(queries, st.sets(st.sampled_from(SIGNING)), st.randoms())
def test_it_holds_in_any_order_any_escapes_and_with_any_of_cloudfronts_own(said, left, random) -> None:
    url = f"https://vault.example.com/content/file_1/2?{urlencode(said)}" if said else "https://vault.example.com/zip"
    pairs = parse_qsl(urlsplit(proofs.prove(url, UNTIL)).query, keep_blank_values=True)
    pairs += [(name, "anything") for name in left]
    random.shuffle(pairs)
    query = "&".join(f"{quote(name)}={quote(value, safe=random.choice(['', ',~/']))}" for name, value in pairs)
    proofs.check(f"{url.partition('?')[0]}?{query}", NOW)


@given(queries, st.sampled_from(["for", "until", "more"]), texts)
def test_a_parameter_more_or_another_value_breaks_it(said, name, value) -> None:
    proven = proofs.prove(f"https://vault.example.com/zip?{urlencode([*said, ('for', 'user_1')])}", UNTIL)
    refused(f"{proven}&{urlencode({name: value})}")
    changed = [(each, "x" + text) if each == "for" else (each, text) for each, text in _pairs(proven)]
    refused(f"https://vault.example.com/zip?{urlencode(changed)}")


@pytest.mark.parametrize("place", ["/content/file_1/3", "/content/file_2/2", "/zip", "/content/file_1/2/thumbnail/64"])
def test_it_is_of_one_path(place: str) -> None:
    refused(f"https://vault.example.com{place}?{urlsplit(proofs.prove(URL, UNTIL)).query}")


def test_without_a_proof_or_with_two_nothing_passes() -> None:
    proven = proofs.prove(URL, UNTIL)
    for url in (URL, proven.partition("&proof")[0], f"{proven}&{proven.rpartition('&')[2]}", f"{URL}&proof=ä"):
        refused(url)


def test_it_ends_with_its_second_and_says_so() -> None:
    proven = proofs.prove(URL, UNTIL)
    proofs.check(proven, UNTIL - timedelta(seconds=1))
    refused(proven, Code.EXPIRED, UNTIL)


def test_another_secret_proves_nothing_here() -> None:
    refused(Proofs("another").prove(URL, UNTIL))


def test_a_signed_url_that_lost_its_signature_on_the_way_still_holds() -> None:
    signed = Signer(new_rsa_pem(), "KEDGE").sign(proofs.prove(URL, UNTIL), UNTIL)
    kept = [pair for pair in _pairs(signed) if pair[0] not in SIGNING]
    proofs.check(f"{URL.partition('?')[0]}?{urlencode(kept)}", NOW)
    assert "Signature=" in unquote(signed)


def _pairs(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
