"""What the environment names is looked up in Secrets Manager; what cannot be had is named and never shown."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aioboto3
import parts as world
import pytest

from vaultstream.adapters.secret_store import revealed
from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.secret_references import reference
from vaultstream.settings import SettingsError


@pytest.fixture(scope="module")
def secrets_url(tmp_path_factory, logs) -> Iterator[str]:
    part = parts.aws(tmp_path_factory.mktemp("secrets"), free_port(), world.REGION, is_durable=False)
    part.env["SERVICES"] = "secretsmanager"  # type: ignore[index]  # a dictionary of this test's own
    with world.running(part, logs):
        yield f"http://{part.address}"


@pytest.fixture
def environ(monkeypatch, secrets_url: str) -> dict[str, str]:
    """The process's own way to AWS, and the settings that every process has."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", world.ACCESS_KEY.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", world.ACCESS_KEY.secret.reveal())
    return {"VAULTSTREAM_REGION": world.REGION}


@pytest.fixture
async def store(environ, secrets_url: str) -> AsyncIterator[Any]:
    async with aioboto3.Session().client(
        "secretsmanager", region_name=world.REGION, endpoint_url=secrets_url
    ) as client:
        yield client


async def test_texts_and_fields_of_secrets_stand_where_they_were_named(environ, store):
    await store.create_secret(Name="one/text", SecretString="s3cret")
    await store.create_secret(Name="one/json", SecretString=json.dumps({"username": "u", "password": "p w"}))
    environ |= {
        "VAULTSTREAM_REDIS_URL": f"rediss://:{reference('one/text')}@cache:6379/0",
        "VAULTSTREAM_POSTGRES_DSN": f"{reference('one/json', 'username')}:{reference('one/json', 'password')}@db",
        "VAULTSTREAM_TABLE": "plain",
        "OTHERS": reference("one/text"),
    }
    found = await revealed(environ)
    assert found["VAULTSTREAM_REDIS_URL"] == "rediss://:s3cret@cache:6379/0"
    assert found["VAULTSTREAM_POSTGRES_DSN"] == "u:p w@db"
    assert (found["VAULTSTREAM_TABLE"], found["OTHERS"]) == ("plain", reference("one/text"))


async def test_what_is_not_there_is_named(environ, store):
    with pytest.raises(SettingsError, match="no/such"):
        await revealed(environ | {"VAULTSTREAM_REDIS_URL": reference("no/such")})


@pytest.mark.parametrize("text", ["no json and s3cret", '{"other": "s3cret"}', '["s3cret"]'])
async def test_a_field_that_is_not_there_is_told_without_the_secret(environ, store, text: str):
    name = f"broken/{len(text)}"
    await store.create_secret(Name=name, SecretString=text)
    with pytest.raises(SettingsError, match="VAULTSTREAM_TABLE names a field") as caught:
        await revealed(environ | {"VAULTSTREAM_TABLE": reference(name, "field")})
    assert "s3cret" not in str(caught.value)


async def test_where_nothing_is_named_nobody_is_asked(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    environ = {"VAULTSTREAM_TABLE": "plain", "PATH": "/bin"}
    assert await revealed(environ) == environ
