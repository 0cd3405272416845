"""What each role may do: a row for each process, made of a few grants over names that the contracts know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from cdk.deployments import Deployment
from vaultstream import events, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The rights of one role. `table` and `blobs` are actions of those services, `keys` of KMS on the data key.

    Who `signs` makes checkpoints of the audit log and keeps them; who `verifies` may read the key that verifies them.
    """

    table: frozenset[str] = frozenset()
    blobs: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    signs: bool = False
    verifies: bool = False
    stream: bool = False
    bus: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The ARNs of the keys: of data, of operations, and the one that signs."""

    data: str
    ops: str
    audit: str


_READ = frozenset({"GetItem", "BatchGetItem", "Query", "DescribeTable"})
_WRITE = frozenset({"PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"})
_CACHE = frozenset({"GetItem", "UpdateItem"})  # whether the cache may be believed is an item of the table
# Who may not list is told "forbidden" of an object that is gone, where the vault has to know that it is gone.
_GET = frozenset({"GetObject", "ListBucket"})
_PUT, _RESTORE, _DROP = "PutObject", "RestoreObject", frozenset({"DeleteObject", "AbortMultipartUpload"})
_WRAP, _UNWRAP, _LOOK = "GenerateDataKey", "Decrypt", "DescribeKey"
_WRAP_UNSEEN = "GenerateDataKeyWithoutPlaintext"
_SECRETS = frozenset({"redis", "database-app", "content-key"})

API = Rights(
    table=_READ | _WRITE,
    blobs=_GET | _DROP | {_PUT},
    keys=frozenset({_WRAP, _UNWRAP, _LOOK}),
    secrets=_SECRETS,
    verifies=True,
)
_SCANS = Rights(table=_READ | _WRITE, blobs=_GET, keys=frozenset({_UNWRAP}), secrets=_SECRETS)
_DRAWS = Rights(table=_READ | _WRITE, blobs=_GET | _DROP | {_PUT}, keys=frozenset({_WRAP, _UNWRAP}), secrets=_SECRETS)
MIGRATE = Rights(secrets=frozenset({"database-owner", "database-app"}))
WORKERS: Mapping[str, Rights] = {
    "relay": Rights(table=_CACHE, keys=frozenset({_UNWRAP}), secrets=_SECRETS, stream=True, bus=True),
    "sweep": Rights(
        table=_READ | _WRITE,
        blobs=_GET | _DROP | {_RESTORE},
        keys=frozenset({_UNWRAP}),
        secrets=_SECRETS,
        bus=True,
        signs=True,
        verifies=True,
    ),
    events.SCAN.name: _SCANS,
    events.RESCAN.name: _SCANS,
    events.THUMBNAIL.name: _DRAWS,
    events.HASTEN.name: _DRAWS,
    events.LIFECYCLE.name: Rights(
        table=_READ | _WRITE, blobs=_GET | {_RESTORE}, keys=frozenset({_UNWRAP}), secrets=_SECRETS
    ),
    # It keeps each person's key in the table, too: what is recorded of them is sealed under it.
    events.AUDIT.name: Rights(
        table=_READ | {"PutItem", "ConditionCheckItem", "BatchWriteItem"},
        keys=frozenset({_WRAP_UNSEEN, _UNWRAP}),
        secrets=_SECRETS,
    ),
    events.SEARCH.name: Rights(table=_READ | _CACHE, keys=frozenset({_UNWRAP}), secrets=_SECRETS),
}


def statements(deployment: Deployment, rights: Rights, *, keys: Keys) -> Sequence[iam.PolicyStatement]:
    """The policy of a role; everything but the keys is named by the deployment."""
    made = []
    where = deployment.arn("dynamodb", f"table/{deployment.name}")
    indexes = [f"{where}/index/{index.name}" for index in table.INDEXES]
    if rights.table:
        made.append(_allow("dynamodb", rights.table, [where, *indexes]))
    if rights.stream:
        reading = {"DescribeStream", "GetRecords", "GetShardIterator"}
        made.append(_allow("dynamodb", reading, [f"{where}/stream/*"]))
        made.append(_allow("dynamodb", {"ListStreams"}, [f"{where}/stream/*"]))
    bucket = f"arn:aws:s3:::{deployment.bucket}"
    if on_objects := rights.blobs - {"ListBucket"}:
        made.append(_allow("s3", on_objects, [f"{bucket}/*"]))
    if "ListBucket" in rights.blobs:
        made.append(_allow("s3", {"ListBucket"}, [bucket]))
    if rights.keys:
        made.append(_allow("kms", rights.keys, [keys.data]))
    if rights.signs:
        made.append(_allow("kms", {"Sign"}, [keys.audit]))
        made.append(_allow("kms", {"GenerateDataKey"}, [keys.data]))
        made.append(_allow("s3", {_PUT, "PutObjectRetention"}, [f"arn:aws:s3:::{deployment.audit_bucket}/*"]))
    if rights.verifies:
        made.append(_allow("kms", {"GetPublicKey"}, [keys.audit]))
    if rights.bus:
        made.append(_allow("events", {"PutEvents"}, [deployment.arn("events", f"event-bus/{deployment.name}")]))
    if rights.secrets:  # AWS ends a secret's ARN with six characters of its own
        named = [
            deployment.arn("secretsmanager", f"secret:{deployment.name}/{name}-??????")
            for name in sorted(rights.secrets)
        ]
        made.append(_allow("secretsmanager", {"GetSecretValue"}, named))
        through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{deployment.region}.amazonaws.com"}}
        made.append(_allow("kms", {"Decrypt"}, [keys.ops], through))
    return made


def _allow(
    service: str,
    actions: frozenset[str] | set[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, str]] | None = None,
) -> iam.PolicyStatement:
    named = [f"{service}:{action}" for action in sorted(actions)]
    return iam.PolicyStatement(actions=named, resources=list(resources), conditions=conditions)
