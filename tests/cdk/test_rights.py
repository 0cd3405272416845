"""Each role does what it is for and is refused everything else, by the policies that the templates make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import emulator
import pytest
from botocore.exceptions import ClientError

from vaultstream import events, table

NAME = "vaultstream-dev"
BUCKET = f"{NAME}-{emulator.ACCOUNT}-{emulator.REGION}"
ITEM = {table.PK: {"S": "TEST#1"}, table.SK: {"S": "#TEST"}}
DENIED = {"AccessDenied", "AccessDeniedException", "403"}
SCANS, DRAWS = {events.SCAN.name, events.RESCAN.name}, {events.THUMBNAIL.name, events.HASTEN.name}
DOORS = {"api", "api-tasks"}
ALL = {*DOORS, *(row.name for row in events.WORKERS), "relay", "sweep", "migrate"}
LOOKS = {events.LIFECYCLE.name}
AUDIT = {events.AUDIT.name}
TABLE_WRITERS = AUDIT | DOORS | SCANS | DRAWS | LOOKS | {"sweep"}
OBJECT_READERS = DOORS | SCANS | DRAWS | LOOKS | {"sweep"}
CACHE_KEEPERS = {"relay", events.SEARCH.name}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody in a role."""

    endpoint: str
    credentials: Mapping[str, str]

    def to(self, service: str) -> Any:
        return emulator.client(self.endpoint, service, self.credentials)


Call = Callable[[Caller, Mapping[str, str]], object]
# What a caller tries, and who may.
CALLS: dict[str, tuple[Call, set[str]]] = {
    "read an item": (
        lambda who, _: who.to("dynamodb").get_item(TableName=NAME, Key=ITEM),
        TABLE_WRITERS | CACHE_KEEPERS,
    ),
    "read an index": (
        lambda who, _: who.to("dynamodb").query(
            TableName=NAME,
            IndexName=table.GSI3.name,
            KeyConditionExpression=f"{table.GSI3.pk} = :x",
            ExpressionAttributeValues={":x": {"S": "x"}},
        ),
        TABLE_WRITERS | {events.SEARCH.name},
    ),
    "write an item": (
        lambda who, _: who.to("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": NAME, "Item": ITEM}}]
        ),
        TABLE_WRITERS,
    ),
    "restore an object": (
        lambda who, _: who.to("s3").restore_object(Bucket=BUCKET, Key="files/x", RestoreRequest={"Days": 1}),
        LOOKS | {"sweep"},
    ),
    "strike off the outbox": (
        lambda who, _: who.to("dynamodb").batch_write_item(RequestItems={NAME: [{"DeleteRequest": {"Key": ITEM}}]}),
        AUDIT,
    ),
    "read the whole table": (lambda who, _: who.to("dynamodb").scan(TableName=NAME), set()),
    "delete the table": (lambda who, _: who.to("dynamodb").delete_table(TableName=NAME), set()),
    "read an object": (
        lambda who, _: who.to("s3").get_object(Bucket=BUCKET, Key="files/x"),
        OBJECT_READERS,
    ),
    "know that an object is gone": (
        lambda who, _: who.to("s3").head_bucket(Bucket=BUCKET),
        OBJECT_READERS,
    ),
    "write an object": (lambda who, _: who.to("s3").put_object(Bucket=BUCKET, Key="files/x", Body=b""), DOORS | DRAWS),
    "delete an object": (
        lambda who, _: who.to("s3").delete_object(Bucket=BUCKET, Key="files/none"),
        DOORS | DRAWS | {"sweep"},
    ),
    "open the bucket to others": (lambda who, _: who.to("s3").delete_bucket_policy(Bucket=BUCKET), set()),
    "delete the bucket": (lambda who, _: who.to("s3").delete_bucket(Bucket=BUCKET), set()),
    "make a data key": (
        lambda who, env: who.to("kms").generate_data_key(KeyId=env["VAULTSTREAM_KMS_KEY"], KeySpec="AES_256"),
        DOORS | DRAWS | {"sweep"},
    ),
    "make a person's key": (
        lambda who, env: who.to("kms").generate_data_key_without_plaintext(
            KeyId=env["VAULTSTREAM_KMS_KEY"], NumberOfBytes=32
        ),
        AUDIT,
    ),
    "open a data key": (
        lambda who, env: who.to("kms").decrypt(KeyId=env["VAULTSTREAM_KMS_KEY"], CiphertextBlob=b"x" * 64),
        ALL - {"migrate"},
    ),
    "delete the key": (
        lambda who, env: who.to("kms").schedule_key_deletion(KeyId=env["VAULTSTREAM_KMS_KEY"]),
        set(),
    ),
    "sign a checkpoint": (
        lambda who, env: who.to("kms").sign(
            KeyId=env["VAULTSTREAM_AUDIT_KEY"], Message=b"x", MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        ),
        {"sweep"},
    ),
    "read the key that verifies checkpoints": (
        lambda who, env: who.to("kms").get_public_key(KeyId=env["VAULTSTREAM_AUDIT_KEY"]),
        DOORS | {"sweep"},
    ),
    "keep a checkpoint": (
        lambda who, env: who.to("s3").put_object(Bucket=env["VAULTSTREAM_AUDIT_BUCKET"], Key="checkpoints/x", Body=b""),
        {"sweep"},
    ),
    "delete a checkpoint": (
        lambda who, env: who.to("s3").delete_object(Bucket=env["VAULTSTREAM_AUDIT_BUCKET"], Key="checkpoints/x"),
        set(),
    ),
    "put an event": (
        lambda who, _: who.to("events").put_events(
            Entries=[{"EventBusName": NAME, "Source": "test", "DetailType": "test", "Detail": "{}"}]
        ),
        {"relay", "sweep"},
    ),
    "change a rule": (lambda who, _: who.to("events").delete_rule(Name=f"{NAME}-scan", EventBusName=NAME), set()),
    "know the application's password": (
        lambda who, _: who.to("secretsmanager").get_secret_value(SecretId=f"{NAME}/database-app"),
        ALL,
    ),
    "know the owner's password": (
        lambda who, _: who.to("secretsmanager").get_secret_value(SecretId=f"{NAME}/database-owner"),
        {"migrate"},
    ),
    "know the key of addresses": (
        lambda who, _: who.to("secretsmanager").get_secret_value(SecretId=f"{NAME}/content-key"),
        ALL - {"migrate"},
    ),
    "give itself rights": (
        lambda who, _: who.to("iam").put_user_policy(UserName="x", PolicyName="x", PolicyDocument="{}"),
        set(),
    ),
    "make a user": (lambda who, _: who.to("iam").create_user(UserName="x"), set()),
    "change a function": (
        lambda who, _: who.to("lambda").update_function_configuration(FunctionName=f"{NAME}-api", Timeout=3),
        set(),
    ),
}


@pytest.fixture(scope="module")
def callers(emulated: str) -> dict[str, Caller]:
    secrets = emulator.client(emulated, "secretsmanager")
    secrets.put_secret_value(SecretId=f"{NAME}/content-key", SecretString="a key")
    found = emulator.roles(emulated, "dev")
    return {name: Caller(emulated, emulator.assumed(emulated, role)) for name, role in found.items()}


@pytest.fixture(scope="module")
def env(emulated: str) -> dict[str, str]:
    return emulator.variables(emulated, "dev")


def test_every_process_has_a_role_of_its_own(emulated: str) -> None:
    found = emulator.roles(emulated, "dev")
    assert found.keys() == ALL
    assert len(set(found.values())) == len(ALL)


@pytest.mark.parametrize("role", sorted(ALL))
@pytest.mark.parametrize("call", CALLS)
def test_a_role_may_do_this_or_may_not(callers: dict[str, Caller], env: dict[str, str], call: str, role: str) -> None:
    tried, may = CALLS[call]
    try:
        tried(callers[role], env)
    except ClientError as error:
        denied = error.response["Error"]["Code"] in DENIED
    else:
        denied = False
    assert denied is (role not in may)
