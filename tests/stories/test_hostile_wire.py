"""The server under bytes that are no HTTP, paths that lead elsewhere and methods that nobody has."""

import socket

import pytest
from dev_stack import DevStack
from hostility import assert_discreet, request, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
OPEN = ["/", "/health", "/ready", "/config.json", "/favicon.svg"]
HOST = b"Host: 127.0.0.1\r\n"

NO_HTTP = {
    "a greeting": b"hello\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100f1010000ed0303") + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /health HTTP/9.9\r\n" + HOST + b"\r\n",
    "a path with a space": b"GET /hea lth HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\n" + HOST + b"garbage\r\n\r\n",
    "a header without a name": b"GET /health HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "a name with a space": b"GET /health HTTP/1.1\r\n" + HOST + b"X Y: z\r\n\r\n",
    "a NUL in a value": b"GET /health HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "a length in words": b"POST /uploads HTTP/1.1\r\n" + HOST + b"Content-Length: many\r\n\r\n",
    "a negative length": b"POST /uploads HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a length without end": b"POST /uploads HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "two lengths": b"POST /uploads HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST /uploads HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
    "a coding by nobody": b"POST /uploads HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "a chunk that is none": b"POST /graphql HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("data", NO_HTTP)
def test_what_is_no_http_is_refused(untouched: DevStack, data: str) -> None:
    answered = told(untouched.port, NO_HTTP[data])
    assert answered.status in {None, 400, 401, 404}, answered
    assert_discreet(answered)


HUGE = {
    "a path of 100,000 letters": request("GET", "/" + "a" * 100_000),
    "a query of 100,000 letters": request("GET", "/config.json?" + "a" * 100_000),
    "a value of a megabyte": request("GET", "/health", [("X-Long", "a" * 1_000_000)]),
    "a name of 100,000 letters": request("GET", "/health", [("X" * 100_000, "a")]),
    "10,000 headers": request("GET", "/health", [(f"X-{number}", "a") for number in range(10_000)]),
    "a token of a megabyte": request(
        "GET", "/graphql?query={viewer{id}}", [("Authorization", "Bearer " + "a" * 1_000_000)]
    ),
    "metadata of a megabyte": request(
        "POST", "/uploads", [("Tus-Resumable", "1.0.0"), ("Upload-Length", "1"), ("Upload-Metadata", "a" * 1_000_000)]
    ),
    "a request id of 100,000 letters": request("GET", "/health", [("X-Request-Id", "a" * 100_000)]),
    "a megabyte for nobody": request("GET", "/health", (), b"a" * 1_000_000),
}


@pytest.mark.parametrize("data", HUGE)
def test_what_is_far_too_long_makes_no_failure(untouched: DevStack, data: str) -> None:
    answered = told(untouched.port, HUGE[data])
    assert answered.status is None or 200 <= answered.status < 500
    assert_discreet(answered)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", OPEN)
def test_what_can_only_be_read_takes_no_other_method(untouched: DevStack, path: str, method: str) -> None:
    answered = told(untouched.port, request(method, path), method)
    assert (answered.status, {*answered.headers["allow"].split(", ")}) == (405, {"GET", "HEAD"})


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("mark", ["?x=1", "?%00", "?" + "&" * 500, "?\xff", "#x"])
def test_what_follows_a_path_changes_nothing(untouched: DevStack, path: str, mark: str) -> None:
    answered = told(untouched.port, request("GET", (path + mark).encode("latin-1")))
    assert answered.status in {200, 400}


AWAY = [
    "/assets/../app.py",
    "/assets/../../settings.py",
    "/assets/%2e%2e/app.py",
    "/assets/..%2fapp.py",
    "/assets/%2e%2e%2f%2e%2e%2fsettings.py",
    "/assets/..%5capp.py",
    "/assets/....//app.py",
    "/assets/.%00./app.py",
    "/assets//etc/passwd",
    "/assets/%2fetc%2fpasswd",
    "/favicon.svg/../../app.py",
    "/favicon.svg%00.css",
    "/assets/" + "../" * 60 + "etc/passwd",
    "/assets/" + "a/" * 5000,
    "/assets/" + "a" * 300,
    "/assets/%ff%fe",
    "/assets/",
    "/assets/.",
    "/../../etc/passwd",
    "//etc/passwd",
    "/config.json/..",
    "/.env",
    "/.git/config",
    "/docs",
    "/openapi.json",
    "/metrics/",
    "/health/",
    "/content",
    "/content/x",
    "/graphql/x",
    "/uploads/x/y",
    "http://127.0.0.1:1/health/..",
    "*",
]


@pytest.mark.parametrize("target", AWAY, ids=range(len(AWAY)))
def test_a_path_that_leads_elsewhere_leads_nowhere(untouched: DevStack, target: str) -> None:
    answered = told(untouched.port, request("GET", target))
    assert answered.status in {307, 400, 401, 404, 405}, answered
    assert_discreet(answered)
    for secret in (b"def ", b"root:", b"[core]"):
        assert secret not in answered.body


def test_a_redirect_never_leads_to_another_host(untouched: DevStack) -> None:
    for target in ("//evil.example/health/", "/health//", "/uploads/", "///evil.example/%2e%2e/"):
        answered = told(untouched.port, request("GET", target, [("Host", "127.0.0.1")]))
        where = answered.headers.get("location", "")
        assert answered.status in {307, 400, 401, 404, 405}
        assert not where or where.startswith(("http://127.0.0.1/", "/"))
        assert not where.startswith("//")


def test_who_sends_a_line_and_no_more_holds_up_nobody(untouched: DevStack) -> None:
    slow = [socket.create_connection(("127.0.0.1", untouched.port), 5) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"POST /uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        assert told(untouched.port, request("GET", "/health")).status == 200
    finally:
        for connection in slow:
            connection.close()


@FEW
@given(data=st.binary(min_size=1, max_size=200).filter(lambda data: data.strip(b"\r\n")))  # for that, it waits
def test_no_bytes_make_the_server_fail(quiet: DevStack, data: bytes) -> None:
    answered = told(quiet.port, data + b"\r\n\r\n")
    assert answered.status in {None, 400}
    assert quiet.readiness() == "ready"


@FEW
@given(path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_no_path_makes_the_server_fail(quiet: DevStack, path: str) -> None:
    answered = told(quiet.port, request("GET", "/" + path))
    assert_discreet(answered)
    assert answered.status in {200, 307, 400, 401, 403, 404, 405, 406}
