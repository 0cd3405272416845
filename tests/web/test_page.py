"""The first page as it is served: what a browser is told, and what its few files must never hold."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from doors import serving
from graphql import build_schema, parse, validate
from starlette.applications import Starlette

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.tracer import Tracer
from vaultstream.http import page
from vaultstream.http.envelope import Envelope
from vaultstream.local.probes import free_port
from vaultstream.settings import Secret, Settings

ISSUER = "http://127.0.0.1:9/issuer"
STATIC = Path(page.__file__).parent / "static"
SCHEMA = Path(page.__file__).parents[3] / "schema" / "schema.graphql"
SCRIPTS = {path.name: path.read_text() for path in sorted(STATIC.glob("*.js"))}
ALL_SCRIPT = "\n".join(SCRIPTS.values())
HTML = (STATIC / "index.html").read_text()
STYLE = (STATIC / "style.css").read_text()
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Markup(HTMLParser):
    """Every element of the page with its attributes, and the text inside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(HTML)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag in {"script", "style"}:
            self.inline += data.strip()

    def values(self, attribute: str) -> list[str]:
        found = (attributes.get(attribute) for _, attributes in self.elements)
        return [value for value in found if value is not None]


MARKUP = Markup()


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the page alone: it needs no vault behind it to be served."""
    settings = Settings(
        *("table", "bucket", "key", "bus", "queues"),
        *(Secret("redis://nowhere"), Secret("postgresql://nowhere")),
        *(ISSUER, "the-client", "http://127.0.0.1:8000", "pair", Secret("")),
    )
    app = Envelope(
        Starlette(routes=page.routes(settings)), issuer=settings.oidc_issuer, meters=Meters(), tracer=Tracer(0)
    )
    async with serving(app, free_port()) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_every_file_is_served_with_its_type_and_the_policy(browser: httpx.AsyncClient) -> None:
    for path in sorted(STATIC.iterdir()):
        answer = await browser.get(f"/static/{path.name}")
        assert answer.status_code == 200, path.name
        assert answer.headers["content-type"].partition(";")[0] == TYPES[path.suffix], path.name
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_page_may_load_from_here_and_talk_to_the_issuer_and_nothing_else(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"  # the address holds a code for a moment
    assert directives.pop("connect-src") in {f"'self' {ISSUER}", "'self' http://127.0.0.1:9"}
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


async def test_the_page_is_told_where_to_sign_in(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/config.json")
    assert answer.json() == {"issuer": ISSUER, "clientId": "the-client"}


def test_nothing_in_the_markup_is_inline() -> None:
    attributes = {name for _, given in MARKUP.elements for name in given}
    assert MARKUP.inline == ""
    assert "style" not in attributes
    assert not [name for name in attributes if name.startswith("on")]
    assert {tag for tag, _ in MARKUP.elements}.isdisjoint({"style", "iframe", "object", "base"})


def test_everything_comes_from_this_vault() -> None:
    for address in MARKUP.values("src") + MARKUP.values("href"):
        assert address.startswith("#") or (STATIC / address.removeprefix("/static/")).is_file(), address
    assert "@import" not in STYLE
    assert "url(" not in STYLE
    assert not re.search(r"https?://", ALL_SCRIPT + STYLE)
    for name in re.findall(r'from "\./([a-z]+\.js)"', ALL_SCRIPT):
        assert name in SCRIPTS
    assert len(re.findall(r"^import ", ALL_SCRIPT, re.MULTILINE)) == len(re.findall(r'from "\./', ALL_SCRIPT))


@pytest.mark.parametrize("store", ["localStorage", "indexedDB", "document.cookie", "caches.", "window.name"])
def test_tokens_are_kept_in_memory_alone(store: str) -> None:
    assert store not in ALL_SCRIPT


def test_the_tab_keeps_only_what_must_survive_the_way_to_the_issuer() -> None:
    assert [name for name, text in SCRIPTS.items() if "sessionStorage" in text] == ["signin.js"]
    assert SCRIPTS["signin.js"].count("sessionStorage.setItem(") == 1
    (kept,) = re.findall(r"const pending = \{(.*?)\};", SCRIPTS["signin.js"])
    assert re.findall(r"(\w+):", kept) == ["state", "nonce", "verifier", "place"]


@pytest.mark.parametrize(
    "sink", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"]
)
def test_text_from_people_can_only_become_text(sink: str) -> None:
    assert sink not in ALL_SCRIPT


def operations() -> dict[str, str]:
    """Every GraphQL document in the scripts, its fragments put in."""
    written = dict(re.findall(r"const (\w+) = /\* GraphQL \*/ `(.*?)`", ALL_SCRIPT, re.DOTALL))
    whole = {name: re.sub(r"\$\{(\w+)\}", lambda found: written[found[1]], text) for name, text in written.items()}
    return {name: text for name, text in whole.items() if not text.startswith("fragment")}


def test_there_is_no_operation_that_the_next_test_does_not_see() -> None:
    assert len(operations()) == len(re.findall(r"`\s*(?:query|mutation|subscription)\b", ALL_SCRIPT)) == 9


@pytest.mark.parametrize("name", sorted(operations()))
def test_an_operation_is_one_of_the_contract(name: str) -> None:
    errors = validate(build_schema(SCHEMA.read_text()), parse(operations()[name]))
    assert [error.message for error in errors] == []


def test_what_the_scripts_reach_for_is_in_the_markup() -> None:
    ids = MARKUP.values("id")
    assert sorted(ids) == sorted(set(ids))
    wanted = set(re.findall(r'\bat\("([\w-]+)"\)', ALL_SCRIPT)) | set(re.findall(r'copied\("([\w-]+)"\)', ALL_SCRIPT))
    assert wanted <= set(ids)
    assert set(re.findall(r"\bparts\.(\w+)", ALL_SCRIPT)) <= set(MARKUP.values("data-part"))
    signs = {value.removeprefix("#") for value in MARKUP.values("href") if value.startswith("#i-")}
    named = re.search(r"SCAN_SIGNS = \{(.*?)\}", SCRIPTS["listing.js"])
    assert named is not None
    assert signs | {f"i-{sign}" for sign in re.findall(r'"(\w+)"', named[1])} | {"i-clock"} <= set(ids)


def test_every_field_and_picture_has_a_name_for_those_who_do_not_see_it() -> None:
    labelled = set(MARKUP.values("for"))
    for tag, given in MARKUP.elements:
        if tag == "input":
            assert given.get("aria-label") or given["id"] in labelled
        if tag == "img":
            assert "alt" in given
        if tag == "button":
            assert given.get("type") == "button" or given["id"] == "create"


def colours(scheme: str) -> dict[str, str]:
    """The named colours of the light or the dark page; a wash of dark that is not named is the light one."""
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)", 1)
    text = light if scheme == "light" else dark.split("\n}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", text))


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


PAIRS = [
    *((ink, ground, 4.5) for ink in ("ink", "soft", "accent", "bad", "good", "wait") for ground in ("paper", "card")),
    *((tone, f"{tone}-wash", 4.5) for tone in ("good", "bad", "wait")),
    *((ink, "wash", 4.5) for ink in ("ink", "soft")),
    *(("on-accent", "accent", 4.5), ("edge", "card", 3.0)),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "at_least"), PAIRS)
def test_text_stands_out_from_its_ground(scheme: str, ink: str, ground: str, at_least: float) -> None:
    named = colours(scheme)
    low, high = sorted((luminance(named[ink]), luminance(named[ground])))
    assert (high + 0.05) / (low + 0.05) >= at_least


def test_the_page_stays_small() -> None:
    for path in STATIC.iterdir():
        assert len(path.read_text().splitlines()) < 300, path.name
    assert sum(path.stat().st_size for path in STATIC.iterdir()) < 64 * 1024
