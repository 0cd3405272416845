"""The same app through Lambda's events and through uvicorn: what a client sees is equal, to the byte."""

import asyncio
import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from doors import Kept, Tus, keep
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.http.app import create_app
from vaultstream.http.lambda_entry import ANSWER_BYTES_MAX, Handler, answer_of, scope_of
from vaultstream.settings import SettingsError

OWN_TO_EACH = {"x-request-id", "date", "server", "transfer-encoding", "connection"}
BUDGET = re.compile(rb'"remaining":\d+,"resetAt":"[^"]+"')  # it fills up by itself meanwhile
Ask = Callable[..., httpx.Response]


def event_of(request: httpx.Request) -> dict[str, Any]:
    """The request as an Application Load Balancer gives it to a function, with multi-value headers."""
    path, _, query = request.url.raw_path.decode().partition("?")
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.multi_items():
        headers.setdefault(name, []).append(value)
    parameters: dict[str, list[str]] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        parameters.setdefault(name, []).append(value)
    body = request.read()
    is_text = not body or body.isascii()
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"}},
        "httpMethod": request.method,
        "path": path,
        "multiValueQueryStringParameters": parameters,
        "multiValueHeaders": headers,
        "body": body.decode() if is_text else base64.b64encode(body).decode(),
        "isBase64Encoded": not is_text,
    }


def response_of(answer: dict[str, Any], request: httpx.Request) -> httpx.Response:
    """What the balancer would send of it; all of it has to be JSON."""
    answer = json.loads(json.dumps(answer))
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    headers = [(name, value) for name, values in answer["multiValueHeaders"].items() for value in values]
    return httpx.Response(answer["statusCode"], headers=headers, content=body, request=request)


@pytest.fixture(scope="module")
def through_lambda(settings, url) -> Iterator[Ask]:
    """Asks the handler as Lambda does: from one thread that has no loop of its own."""
    handler = Handler(create_app)
    patch = pytest.MonkeyPatch()
    for name, value in settings.to_env().items():
        patch.setenv(name, value)

    def ask(client: httpx.AsyncClient, *args: Any, **kwargs: Any) -> httpx.Response:
        request = client.build_request(*args, **kwargs)
        return response_of(handler(event_of(request), None), request)

    yield ask
    handler.close()
    patch.undo()


@pytest.fixture(scope="module")
async def kept(vault, alice: Tus) -> Kept:
    return await keep(vault, alice, "photo.png", bytes(range(256)) * 40, "image/png")


def seen(answer: httpx.Response) -> Any:
    headers = sorted(pair for pair in answer.headers.multi_items() if pair[0] not in OWN_TO_EACH)
    return answer.status_code, headers, BUDGET.sub(b"", answer.content)


CARE = {"Accept": "application/graphql-response+json", "Content-Type": "application/json"}
PEOPLE = "{ viewer { email rootFolder { id children(first: 5) { edges { node { id } } } } } }"
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "alive": ("GET", "/health", {}),
    "ready": ("GET", "/ready", {}),
    "the page": ("GET", "/", {}),
    "no such path": ("GET", "/nowhere/%C3%A9%2F?x=1&x=2", {}),
    "no such method": ("DELETE", "/health", {}),
    "a query": ("POST", "/graphql", {"headers": CARE, "content": json.dumps({"query": PEOPLE})}),
    "a query by GET": ("GET", "/graphql?" + urlencode({"query": "{ viewer { email } }"}), {"headers": CARE}),
    "a query that is none": ("POST", "/graphql", {"headers": CARE, "content": b"\xff\x00not json"}),
    "words of all languages": (
        "POST",
        "/graphql",
        {"headers": CARE, "content": json.dumps({"query": "query 😀 { viewer { email } }"}, ensure_ascii=False)},
    ),
    "a field that is not there": ("POST", "/graphql", {"headers": CARE, "content": '{"query": "{ nothing }"}'}),
    "tus asks what there is": ("OPTIONS", "/uploads", {"headers": {"Tus-Resumable": "1.0.0"}}),
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("is_signed_in", [True, False])
async def test_a_client_sees_the_same(client, through_lambda: Ask, alice: Tus, name: str, is_signed_in: bool):
    method, path, more = REQUESTS[name]
    signed = {"Authorization": f"Bearer {alice.token}"} if is_signed_in else {}
    more = more | {"headers": more.get("headers", {}) | signed}
    await client.request(method, path, **more)  # the first time notes who comes
    direct = await client.request(method, path, **more)
    functioned = await asyncio.to_thread(through_lambda, client, method, path, **more)
    assert seen(functioned) == seen(direct)


@pytest.mark.parametrize("wanted", ["bytes=0-9", "bytes=-5", "bytes=100000-", None])
async def test_signed_contents_come_alike_byte_for_byte(client, through_lambda: Ask, kept: Kept, wanted):
    url = await kept.url(inline=True)
    headers = {"Range": wanted} if wanted else {}
    direct = await client.get(url, headers=headers)
    functioned = await asyncio.to_thread(through_lambda, client, "GET", url, headers=headers)
    assert seen(functioned) == seen(direct)


@given(
    st.dictionaries(st.sampled_from(["a", "b%20c"]), st.lists(st.text("az09%+", max_size=8), min_size=1, max_size=3)),
    st.from_regex(r"/[a-zA-Z0-9/._~-]{0,20}", fullmatch=True),
)
def test_path_and_parameters_arrive_as_they_were_sent(parameters, path):
    scope = scope_of({"httpMethod": "GET", "path": path, "multiValueQueryStringParameters": parameters})
    query = "&".join(f"{name}={value}" for name, values in parameters.items() for value in values)
    assert (scope["raw_path"], scope["query_string"]) == (path.encode(), query.encode())


@given(st.binary(max_size=300), st.lists(st.sampled_from(["a", "b"]), max_size=3))
def test_any_body_and_every_header_comes_out_whole(body: bytes, cookies: list[str]):
    headers = [(b"set-cookie", cookie.encode()) for cookie in cookies]
    answer = answer_of(200, headers, body)
    found = response_of(answer, httpx.Request("GET", "https://vault.example"))
    assert (found.content, found.headers.get_list("set-cookie")) == (body, cookies)


def test_an_answer_that_the_balancer_would_not_carry_says_so():
    answer = answer_of(200, [], b"x" * (ANSWER_BYTES_MAX + 1))
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (413, 413)
    assert answer_of(200, [], b"x" * ANSWER_BYTES_MAX)["statusCode"] == 200


def test_a_vault_that_cannot_be_opened_says_why_and_the_next_call_tries_again(monkeypatch, settings):
    handler = Handler(create_app)
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as without:
        without.delenv("VAULTSTREAM_TABLE")
        with pytest.raises(SettingsError, match="VAULTSTREAM_TABLE is not set"):
            handler({}, None)
    health = {"httpMethod": "GET", "path": "/health", "multiValueHeaders": {}, "body": ""}
    assert handler(health, None)["statusCode"] == 200
    handler.close()
