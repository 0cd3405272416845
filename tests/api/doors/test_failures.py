"""What nobody expected is answered like everything else: as a problem, with a number to find it in the log by."""

import logging

import httpx
import parts
import pytest

from vaultstream.http.app import create_app
from vaultstream.settings import Secret, Settings

SETTINGS = Settings(
    table="a-vault-table",
    bucket="bucket",
    kms_key="alias/key",
    bus="bus",
    queue_prefix="queues",
    redis_url=Secret("redis://127.0.0.1:1/0"),
    postgres_dsn=Secret("postgresql://127.0.0.1:1/none"),
    oidc_issuer="http://127.0.0.1:1",
    oidc_client_id="client",
    public_url="http://127.0.0.1:1",
    content_key_pair_id="K",
    content_private_key=Secret(parts.new_rsa_pem()),
)


@pytest.mark.parametrize("path", ["/ready", "/uploads/x", "/content/x/1"])
async def test_a_failure_is_a_problem_with_the_number_that_the_log_has(path: str, caplog) -> None:
    transport = httpx.ASGITransport(create_app(SETTINGS), raise_app_exceptions=False)  # never opened: every door fails
    headers = {"Tus-Resumable": "1.0.0", "Authorization": "Bearer x", "X-Request-Id": "number-12345"}
    with caplog.at_level(logging.ERROR):
        async with httpx.AsyncClient(transport=transport, base_url="http://vault") as client:
            answer = await client.request("HEAD" if "uploads" in path else "GET", path, headers=headers)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "number-12345"
    if "uploads" not in path:
        assert "number-12345" in answer.json()["detail"]
        assert "AttributeError" not in answer.text
    assert "request number-12345 failed" in caplog.text
