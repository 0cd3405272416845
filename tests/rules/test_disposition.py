"""Content leaves under its name and a harmless type; no name and no type gets out of its place in the header."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from vaultstream.http.disposition import OCTETS, SAVED, SHOWN, disposition, safe_type

FORM = re.compile(r"(inline|attachment); filename=\"([^\"\\%\r\n]+)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]*)")


@pytest.mark.parametrize(
    ("name", "plain", "exact"),
    [
        ("report.pdf", "report.pdf", "report.pdf"),
        ("Résumé 2026.pdf", "Resume 2026.pdf", "R%C3%A9sum%C3%A9%202026.pdf"),
        ("日本.txt", "__.txt", "%E6%97%A5%E6%9C%AC.txt"),
        ('a"b.txt', "a_b.txt", "a%22b.txt"),
        ("a%22b.txt", "a_22b.txt", "a%2522b.txt"),
        ("x\r\nSet-Cookie: a=b", "x__Set-Cookie_ a=b", "x%0D%0ASet-Cookie%3A%20a%3Db"),
        ("..", "download", ".."),
        ("a\\b/c;d", "a_b_c_d", "a%5Cb%2Fc%3Bd"),
    ],
)
def test_a_name_is_given_exactly_and_plainly(name, plain, exact):
    assert disposition(name, OCTETS, inline=False) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


@given(name=st.text(max_size=80), declared=st.text(max_size=40), inline=st.booleans())
def test_no_name_leaves_its_place(name, declared, inline):
    value = disposition(name, declared, inline=inline)
    found = FORM.fullmatch(value)
    assert found is not None
    assert found[2].isascii()
    assert unquote(found[3]) == name.encode("utf-8", "replace").decode()


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_a_common_parser_reads_the_exact_name_back(name):
    kind, options = parse_options_header(disposition(name, OCTETS, inline=False))
    assert (kind, options["filename"]) == ("attachment", name)


@given(
    declared=st.text(max_size=60) | st.sampled_from(["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"])
)
def test_only_types_from_the_list_are_named(declared):
    assert safe_type(declared).partition(";")[0] in SAVED | {OCTETS}


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("image/png", "image/png"),
        ("IMAGE/PNG ; x=y", "image/png"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/plain; charset=utf-7", "text/plain; charset=utf-8"),
        ("text/html", OCTETS),
        ("image/svg+xml", OCTETS),
        ("image/png\r\nX: y", OCTETS),
        ("", OCTETS),
    ],
)
def test_a_declared_type_is_believed_only_where_it_is_harmless(declared, sent):
    assert safe_type(declared) == sent


def test_only_what_runs_nothing_is_shown_in_place():
    assert {kind for kind in SAVED if disposition("a", kind, inline=True).startswith("inline")} == SHOWN
    assert disposition("a", "text/html", inline=True).startswith("attachment")
    assert disposition("a", "image/png", inline=False).startswith("attachment")
