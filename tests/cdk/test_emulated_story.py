"""The story of a file over the deployed templates, IAM enforced: each process does its work in a role of its own."""

import asyncio
import json
import secrets
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import corpus
import emulator
import httpx
import parts as world
import pytest
from asking import Person
from botocore.exceptions import ClientError
from deployed import Deployed, here, migrated, process, running
from doors import Tus, until
from synths import ROOT

from vaultstream.http.app import create_app
from vaultstream.http.lambda_entry import Handler
from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.settings import Secret

pytestmark = pytest.mark.story
SMOKE = ROOT / ".github" / "smoke"  # what a deploy looks at
CHILDREN = """
query ($id: ID!) { folder(id: $id) { children(first: 9) { edges { node {
  id name ... on File { scan { status } thumbnail { status url } }
} } } } }
"""
PHOTO, BAD = "photo.png", "bad.com"


@pytest.fixture(scope="module")
async def env(emulated: str, issuer: world.LocalIssuer, tmp_path_factory, logs: Path) -> AsyncIterator[dict[str, str]]:
    """The variables of the template, but for what the emulator has not."""
    token = secrets.token_hex(24)
    keeper = emulator.client(emulated, "secretsmanager")
    for name, text in {"redis": token, "database-app": token[::-1], "content-key": world.new_rsa_pem()}.items():
        keeper.put_secret_value(SecretId=f"vaultstream-dev/{name}", SecretString=text)
    folder = tmp_path_factory.mktemp("stores")
    redis = parts.redis(folder / "redis", free_port(), Secret(token), is_durable=False)
    with world.running_postgres(folder / "postgres" / "data") as superuser_dsn, world.running(redis, logs):
        given = emulator.variables(emulated, "dev")
        ours = {
            "environment": "local",  # as the issuer is
            "redis_url": here(redis.address, given["VAULTSTREAM_REDIS_URL"]),
            "postgres_dsn": here(await migrated(emulated, superuser_dsn), given["VAULTSTREAM_POSTGRES_DSN"]),
            "postgres_replica_dsn": "",
            "oidc_issuer": issuer.url,
            "oidc_client_id": world.CLIENT_ID,
            "public_url": issuer.public_url,
            "clamd_url": "",
            "otlp_endpoint": "",
            "proxies": "0",
        }
        ours |= {f"endpoint_{service}": emulated for service in ("dynamodb", "streams", "s3", "kms", "sqs", "events")}
        yield given | {f"VAULTSTREAM_{name.upper()}": value for name, value in ours.items()}


@pytest.fixture(scope="module")
async def deployed(emulated: str, env: dict[str, str], tmp_path_factory) -> AsyncIterator[Deployed]:
    async with running(emulated, env, tmp_path_factory.mktemp("deployed")) as vault:
        yield vault


@pytest.fixture(scope="module")
async def client(deployed: Deployed) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=deployed.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
async def alice(client: httpx.AsyncClient, signed_in) -> Person:
    return Person(client, signed_in("alice@example.com"))


@pytest.fixture(scope="module")
async def bob(client: httpx.AsyncClient, signed_in) -> Person:
    return Person(client, signed_in("bob@example.com"))


@pytest.fixture(scope="module")
async def files(alice: Person) -> dict[str, dict]:
    """What Alice brought, when the workers have done what they do."""
    root, tus = await alice.root(), Tus(alice.client, alice.token)
    await tus.put(PHOTO, picture(), "image/png")
    await tus.put(BAD, corpus.EICAR)
    found: dict[str, dict] = {}

    async def is_done() -> bool:
        edges = (await alice.data(CHILDREN, id=root))["folder"]["children"]["edges"]
        found.update({edge["node"]["name"]: edge["node"] for edge in edges})
        return found[PHOTO]["thumbnail"]["status"] == "READY" and found[BAD]["scan"]["status"] == "INFECTED"

    await until(is_done, 60)
    return found


def picture() -> bytes:
    return corpus.encoded(corpus.picture(), "png")


def behind_cloudfront(url: str) -> str:
    """A signed address as the vault's tasks see it: CloudFront has checked its own signature and taken that off."""
    return urlsplit(url[: url.index("&Expires=")])._replace(scheme="", netloc="").geturl()


async def got(person: Person, file_id: str) -> bytes:
    """A file by a download link that this person asks for."""
    made = await person.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id)
    assert made["errors"] == []
    answer = await person.client.get(behind_cloudfront(made["url"]))
    assert answer.status_code == 200
    return answer.content


async def test_a_deploy_would_be_content_with_it(deployed: Deployed) -> None:
    smoked = await asyncio.to_thread(
        subprocess.run, [SMOKE, deployed.url], capture_output=True, text=True, timeout=120, check=False
    )
    assert (smoked.returncode, smoked.stdout) == (0, "it serves\n"), smoked


async def test_a_file_is_judged_drawn_and_given_back(alice: Person, files) -> None:
    assert files[PHOTO]["scan"]["status"] == "CLEAN"
    assert await got(alice, files[PHOTO]["id"]) == picture()
    shown = await alice.client.get(behind_cloudfront(files[PHOTO]["thumbnail"]["url"]))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")


async def test_what_is_infected_never_leaves(alice: Person, files) -> None:
    made = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=files[BAD]["id"])
    assert (made["url"], [error["code"] for error in made["errors"]]) == (None, ["INFECTED"])


async def test_a_file_is_shared_and_no_stranger_sees_it(alice: Person, bob: Person, files) -> None:
    await bob.root()
    wanted = {"fileId": files[PHOTO]["id"]}
    before = await bob.done("downloadCreate", "DownloadCreateInput", "url", **wanted)
    assert [error["code"] for error in before["errors"]] == ["NOT_FOUND"]
    granted = {"itemId": files[PHOTO]["id"], "email": "bob@example.com", "role": "VIEWER"}
    assert (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **granted))["errors"] == []
    assert await got(bob, files[PHOTO]["id"]) == picture()


async def test_a_file_is_found_by_a_part_of_its_name(alice: Person, files) -> None:
    async def is_found() -> bool:
        answer = await alice.data('{ search(text: "hoto.p", first: 5) { edges { node { id } } } }')
        return [edge["node"]["id"] for edge in answer["search"]["edges"]] == [files[PHOTO]["id"]]

    await until(is_found, 60)


async def test_what_was_done_is_recorded_and_the_record_is_signed_and_locked(deployed: Deployed, files) -> None:
    connection = await asyncpg.connect(deployed.settings.postgres_dsn.reveal())
    try:

        async def is_recorded() -> bool:
            names = await connection.fetch("SELECT DISTINCT name FROM audit.events")
            return {"version.stored", "version.scanned", "version.thumbnail"} <= {row["name"] for row in names}

        await until(is_recorded, 60)
    finally:
        await connection.close()
    s3, bucket = emulator.client(deployed.endpoint, "s3"), deployed.settings.audit_bucket

    async def is_kept() -> bool:
        return (await asyncio.to_thread(s3.list_objects_v2, Bucket=bucket, Prefix="checkpoints/"))["KeyCount"] > 0

    await until(is_kept, 60)
    (kept, *_) = s3.list_object_versions(Bucket=bucket, Prefix="checkpoints/")["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=kept["Key"], VersionId=kept["VersionId"])


async def test_lambda_gives_the_answer_that_the_tasks_give(deployed: Deployed, env, alice: Person, files) -> None:
    query = "query ($id: ID!) { node(id: $id) { id ... on File { name sizeBytes currentVersion { sha256 } } } }"
    wanted = files[PHOTO]["id"]
    headers = {name: [value] for name, value in alice.headers.items()}
    body = json.dumps({"query": query, "variables": {"id": wanted}})
    event = {"httpMethod": "POST", "path": "/graphql", "multiValueHeaders": headers, "body": body}
    handler, role = Handler(create_app), emulator.roles(deployed.endpoint, "dev")["api"]

    def ask() -> dict:
        try:
            return handler(event, None)
        finally:
            handler.close()

    with process(env, role, deployed.endpoint), ThreadPoolExecutor(1) as thread:
        answer = await asyncio.get_running_loop().run_in_executor(thread, ask)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["data"] == await alice.data(query, id=wanted)
