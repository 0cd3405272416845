"""The page as it is built and served: what a browser is told, what first comes to it, and what must never be in it."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from doors import serving
from graphql import OperationDefinitionNode, build_schema, parse, validate
from starlette.applications import Starlette

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.tracer import Tracer
from vaultstream.errors import VaultError
from vaultstream.http import page
from vaultstream.http.answers import refusal
from vaultstream.http.envelope import Envelope
from vaultstream.local.probes import free_port
from vaultstream.settings import Secret, Settings

ISSUER = "http://127.0.0.1:9/issuer"
ROOT = Path(__file__).parents[2]
SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text())
WEB = ROOT / "web" / "src"
SOURCES = {
    f"{path.relative_to(WEB)}": path.read_text()
    for path in sorted(WEB.rglob("*.ts*"))
    if not path.is_relative_to(WEB / "gql")  # made from the others and the contract
}
DOCUMENTS = re.findall(r"graphql\(`(.*?)`\)", "\n".join(SOURCES.values()), re.DOTALL)
FRAGMENTS = {found[1]: text for text in DOCUMENTS if (found := re.match(r"\s*fragment (\w+)", text))}
STYLE = (WEB / "style" / "base.css").read_text()
FIRST_LOAD_BYTES_MAX = 250_000


class Markup(HTMLParser):
    """Every element of the page with its attributes, and the text inside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed((page.SITE / "index.html").read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag in {"script", "style"}:
            self.inline += data.strip()

    def values(self, attribute: str) -> list[str]:
        found = (attributes.get(attribute) for _, attributes in self.elements)
        return [value for value in found if value is not None]


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the page alone: it needs no vault behind it to be served."""
    settings = Settings(
        *("table", "bucket", "key", "bus", "queues"),
        *(Secret("redis://nowhere"), Secret("postgresql://nowhere")),
        *(ISSUER, "the-client", "http://127.0.0.1:8000", "pair", Secret("")),
        oidc_token_origin="https://tokens.example.com",
    )
    routes = Starlette(routes=page.routes(settings), exception_handlers={VaultError: refusal})
    app = Envelope(routes, asked=settings.sign_in_origins, meters=Meters(), tracer=Tracer(0))
    async with serving(app, free_port()) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_the_page_may_load_from_here_and_ask_where_one_signs_in_and_nothing_else(
    served: httpx.AsyncClient,
) -> None:
    answer = await served.get("/")
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"  # the address holds a code for a moment
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "media-src": "'self'",
        "worker-src": "'self'",
        "connect-src": "'self' http://127.0.0.1:9 https://tokens.example.com",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


async def test_what_is_named_by_its_hash_is_kept_for_ever_and_all_else_is_asked_for_anew(
    served: httpx.AsyncClient,
) -> None:
    for path in (page.SITE / "assets").iterdir():
        assert re.search(r"-[\w-]{8}\.\w+$", path.name), path.name
        answer = await served.get(f"/assets/{path.name}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for address in ("/", "/favicon.svg", "/config.json"):
        assert (await served.get(address)).headers["cache-control"] == "no-cache"
    assert (await served.get("/assets/none.js")).status_code == 404


async def test_the_page_is_told_where_to_sign_in(served: httpx.AsyncClient) -> None:
    answer = await served.get("/config.json")
    assert answer.json() == {"issuer": ISSUER, "clientId": "the-client", "sockets": True}


async def test_a_vault_without_its_page_says_how_to_make_it(
    served: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page, "SITE", tmp_path)
    answer = await served.get("/")
    assert answer.status_code == 404
    assert "make run" in answer.json()["detail"]


def test_nothing_in_the_markup_is_inline_and_all_of_it_comes_from_here() -> None:
    markup = Markup()
    attributes = {name for _, given in markup.elements for name in given}
    assert markup.inline == ""
    assert "style" not in attributes
    assert not [name for name in attributes if name.startswith("on")]
    assert {tag for tag, _ in markup.elements}.isdisjoint({"style", "iframe", "object", "base"})
    for address in markup.values("src") + markup.values("href"):
        assert (page.SITE / address.removeprefix("/")).is_file(), address


def test_what_a_browser_first_loads_is_small() -> None:
    markup = Markup()
    scripts = [address for address in markup.values("src") + markup.values("href") if address.endswith(".js")]
    assert scripts
    packed = {address: len(gzip.compress((page.SITE / address.removeprefix("/")).read_bytes())) for address in scripts}
    assert sum(packed.values()) < FIRST_LOAD_BYTES_MAX, packed


def test_tokens_are_kept_in_memory_alone() -> None:
    def users(store: str) -> set[str]:
        return {name for name, text in SOURCES.items() if store in text}

    assert users("localStorage") == {"preferences.ts"}
    assert users("sessionStorage") == {"signin.ts", "uploads.ts"}
    assert users("indexedDB") | users("document.cookie") | users("caches.") | users("window.name") == set()
    (kept,) = re.findall(r"const pending = \{(.*?)\};", SOURCES["signin.ts"])
    assert re.findall(r"(\w+):", kept) == ["state", "nonce", "verifier", "place"]
    assert "token" not in SOURCES["uploads.ts"] + SOURCES["preferences.ts"]


@pytest.mark.parametrize(
    "sink",
    ["dangerouslySetInnerHTML", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "srcdoc"],
)
def test_text_from_people_can_only_become_text(sink: str) -> None:
    assert [name for name, text in SOURCES.items() if sink in text] == []


def test_no_type_is_given_up() -> None:
    given_up = re.compile(r"[:<|&(]\s*any\b|\bas any\b|\bany\[\]|@ts-(ignore|expect-error|nocheck)")
    assert [name for name, text in SOURCES.items() if given_up.search(text)] == []


def test_every_deed_that_is_recorded_has_its_words() -> None:
    recorded = {path.stem for path in (ROOT / "schema" / "events").glob("*.json")}
    told = set(re.findall(r'^  "([\w.]+)": "', SOURCES["words/enDeeds.ts"], re.MULTILINE))
    assert recorded - told - {"version.scan_due", "version.thumbnail_due", "version.thumbnail_hastened"} == set()


def test_files_stay_small() -> None:
    assert {name: lines for name, text in SOURCES.items() if (lines := len(text.splitlines())) > 300} == {}


def _whole(text: str) -> str:
    """A document with the fragments that it names, and those that they name."""
    wanted, seen = [text], set()
    for part in wanted:
        for name in set(re.findall(r"\.\.\.\s*(\w+)", part)) & set(FRAGMENTS) - seen:
            seen.add(name)
            wanted.append(FRAGMENTS[name])
    return "\n".join(wanted)


OPERATIONS = {
    node.name.value: text
    for text in DOCUMENTS
    for node in parse(text).definitions
    if isinstance(node, OperationDefinitionNode) and node.name
}


def test_there_is_no_operation_that_the_next_test_does_not_see() -> None:
    written = re.findall(r"^\s*(?:query|mutation|subscription) \w+", "\n".join(SOURCES.values()), re.MULTILINE)
    assert len(OPERATIONS) == len(written) > 10


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_one_of_the_contract(name: str) -> None:
    errors = validate(SCHEMA, parse(_whole(OPERATIONS[name])))
    assert [error.message for error in errors] == []


def test_an_operation_that_the_contract_does_not_have_ends_the_build(tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (tmp_path / "schema").symlink_to(ROOT / "schema")
    (web / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    shutil.copy(ROOT / "web" / "codegen.ts", web)
    shutil.copy(ROOT / "web" / "package.json", web)
    (web / "src" / "wrong.ts").write_text(
        'import { graphql } from "./gql";\nexport const Wrong = graphql(`query Wrong { viewer { id shoeSize } }`);\n'
    )
    first = json.loads((web / "package.json").read_text())["scripts"]["types"].split(" && ")[0]
    built = subprocess.run(
        ["npx", "--no-install", *first.split()], cwd=web, capture_output=True, text=True, timeout=60, check=False
    )
    assert built.returncode != 0
    assert 'Cannot query field "shoeSize" on type "User".' in built.stdout + built.stderr


def colours(scheme: str) -> dict[str, str]:
    """The named colours of the light or the dark page."""
    named = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", STYLE)
    return {name: light if scheme == "light" else dark for name, light, dark in named}


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


PAIRS = [
    *((ink, ground, 4.5) for ink in ("ink", "soft", "accent", "bad") for ground in ("paper", "card", "raised")),
    *((tone, f"{tone}-wash", 4.5) for tone in ("good", "bad", "wait")),
    *((ink, ground, 4.5) for ink in ("ink", "soft", "accent") for ground in ("wash", "hover")),
    *(("on-accent", "accent", 4.5), ("edge", "card", 3.0)),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "at_least"), PAIRS)
def test_text_stands_out_from_its_ground(scheme: str, ink: str, ground: str, at_least: float) -> None:
    named = colours(scheme)
    low, high = sorted((luminance(named[ink]), luminance(named[ground])))
    assert (high + 0.05) / (low + 0.05) >= at_least
