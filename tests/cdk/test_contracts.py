"""What the stacks make is what the application reads: no key, index, queue, event or variable has a second home."""

import ast
import json
from dataclasses import fields
from pathlib import Path

import asyncpg
from synths import ROOT, Synth

from vaultstream import events, table
from vaultstream.secret_references import referred
from vaultstream.settings import PREFIX, Settings

SECRETS = {"redis", "database-app", "content-key"}


def test_the_table_has_the_contracts_keys_indexes_stream_and_end_of_life(synth: Synth) -> None:
    made = synth.one("AWS::DynamoDB::GlobalTable")
    assert made["KeySchema"] == [
        {"AttributeName": table.PK, "KeyType": "HASH"},
        {"AttributeName": table.SK, "KeyType": "RANGE"},
    ]
    assert {
        (each["IndexName"], *(key["AttributeName"] for key in each["KeySchema"]), each["Projection"]["ProjectionType"])
        for each in made["GlobalSecondaryIndexes"]
    } == {(index.name, index.pk, index.sk, "ALL") for index in table.INDEXES}
    assert made["TimeToLiveSpecification"] == {"AttributeName": table.TTL, "Enabled": True}
    assert made["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    (replica,) = made["Replicas"]
    assert replica["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 35,
    }
    assert len(made["TableName"]) >= table.TABLE_NAME_MINIMUM


def test_each_worker_has_its_rows_queue_rule_and_function(synth: Synth) -> None:
    prefix = f"vaultstream-{synth.environment}"
    queues = {each["QueueName"]: each for _, each in synth.all("AWS::SQS::Queue")}
    rules = {each["Name"]: each for _, each in synth.all("AWS::Events::Rule") if "Name" in each}
    functions = {each["FunctionName"]: each for _, each in synth.all("AWS::Lambda::Function") if "FunctionName" in each}
    for row in events.WORKERS:
        queue = queues[f"{prefix}-{row.name}"]
        assert queue["VisibilityTimeout"] == row.visibility_seconds >= functions[f"{prefix}-{row.name}"]["Timeout"]
        assert queue["RedrivePolicy"]["maxReceiveCount"] == row.attempts
        assert f"{prefix}-{row.dead_letters}" in queues
        pattern = rules[f"{prefix}-{row.name}"]["EventPattern"]
        assert (pattern["source"], set(pattern["detail-type"])) == ([events.SOURCE], set(row.gets))
    mappings = [each for _, each in synth.all("AWS::Lambda::EventSourceMapping")]
    batches = [each["BatchSize"] for each in mappings if "StartingPosition" not in each]
    assert sorted(batches) == sorted(row.batch for row in events.WORKERS)
    hearing = {f"{prefix}-{row.name}-storage": row for row in events.WORKERS if row.hears}
    for name, row in hearing.items():
        pattern = rules[name]["EventPattern"]
        assert "EventBusName" not in rules[name]  # S3 speaks on the account's default bus alone
        assert (pattern["source"], set(pattern["detail-type"])) == ([events.STORAGE_SOURCE], set(row.hears))
        assert len(pattern["detail"]["bucket"]["name"]) == 1
    assert set(rules) == {f"{prefix}-{row.name}" for row in events.WORKERS} | set(hearing)


def test_every_delivery_tells_its_failures_one_by_one(synth: Synth) -> None:
    mappings = list(synth.all("AWS::Lambda::EventSourceMapping"))
    assert len(mappings) == len(events.WORKERS) + 1
    assert {str(each["FunctionResponseTypes"]) for _, each in mappings} == {"['ReportBatchItemFailures']"}
    ((_, stream),) = [each for each in mappings if each[1].get("StartingPosition")]
    (wanted,) = stream["FilterCriteria"]["Filters"]
    assert json.loads(wanted["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {table.PK: {"S": [{"prefix": table.OUTBOX}]}}},
    }


def test_every_function_is_one_of_lambdas_and_every_lambda_is_a_function(synth: Synth) -> None:
    functions = [each for _, each in synth.all("AWS::Lambda::Function") if "FunctionName" in each]
    images = {each["ImageConfig"]["Command"][0] for each in functions}
    modules = {f"lambdas.{path.stem}.handler" for path in (ROOT / "lambdas").glob("[a-z]*.py")}
    assert images == modules
    assert len({json.dumps(each["Code"]) for each in functions}) == 1


def environments(synth: Synth) -> list[dict[str, str]]:
    """The variables of every process that runs the vault; what only AWS knows stands as a word."""

    def plain(value: object) -> str:
        if isinstance(value, dict) and "Fn::Join" in value:
            return "".join(plain(part) for part in value["Fn::Join"][1])
        return value if isinstance(value, str) else "known-to-aws"

    functions = [each for _, each in synth.all("AWS::Lambda::Function") if "FunctionName" in each]
    tasks = [each["ContainerDefinitions"][0] for _, each in synth.all("AWS::ECS::TaskDefinition")]
    running = [task.get("Environment", []) for task in tasks if task["Name"] == "vault" and "Command" not in task]
    found = [each["Environment"]["Variables"] for each in functions]
    found += [{each["Name"]: each["Value"] for each in variables} for variables in running]
    return [{name: plain(value) for name, value in each.items()} for each in found if each]


def test_every_process_gets_settings_that_it_can_read_and_all_the_same(synth: Synth) -> None:
    found = environments(synth)
    assert len(found) == len(events.WORKERS) + 4  # with the relay, the sweeper and the API twice
    first = Settings.from_env(found[0])
    for each in found:
        ours = {name: value for name, value in each.items() if name.startswith(PREFIX)}
        assert Settings.from_env(ours) == first
        assert ours == first.to_env()
    assert first.environment == synth.environment
    assert (first.proxies, first.edge_checks_signatures) == (2, True)


AS_IT_COMES = {
    "port": "the image, the health check and the balancer's target group say 8000, too",
    "clamd_limit_bytes": "clamd runs with the limits that its image has",
    "default_quota_bytes": "what the product promises is the same everywhere",
    "upload_bytes_max": "what the product promises is the same everywhere",
    "upload_ttl_seconds": "what the product promises is the same everywhere",
    "content_url_ttl_seconds": "what the product promises is the same everywhere",
    "key_cache_seconds": "what the product promises is the same everywhere",
    "trash_ttl_seconds": "what the product promises is the same everywhere",
    "versions_max": "what the product promises is the same everywhere",
    "budget_size": "what the product promises is the same everywhere",
    "budget_per_second": "what the product promises is the same everywhere",
    "trace_percent": "one in a hundred is enough to see where time goes",
    "trusted_documents": "partners send queries of their own, so there is no list of all",
    "trusted_only": "partners send queries of their own, so there is no list of all",
    "endpoint_dynamodb": "empty means AWS itself",
    "endpoint_streams": "empty means AWS itself",
    "endpoint_s3": "empty means AWS itself",
    "endpoint_kms": "empty means AWS itself",
    "endpoint_sqs": "empty means AWS itself",
    "endpoint_events": "empty means AWS itself",
    "access_key_id": "a process has its role's keys, which it is given as it runs",
    "secret_access_key": "a process has its role's keys, which it is given as it runs",
}


def test_every_setting_comes_from_the_stacks_or_is_meant_to_be_as_it_comes(synth: Synth) -> None:
    tree = ast.parse((ROOT / "cdk" / "environment.py").read_text())
    (made,) = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and ast.unparse(each.func) == "Settings"]
    given = {keyword.arg for keyword in made.keywords}
    assert given & AS_IT_COMES.keys() == set()
    assert given | AS_IT_COMES.keys() == {field.name for field in fields(Settings)}
    (first, *_) = environments(synth)
    for name in AS_IT_COMES:
        (default,) = [field.default for field in fields(Settings) if field.name == name]
        assert getattr(Settings.from_env(first), name) == default


def test_what_the_settings_name_is_what_the_stacks_make(synth: Synth) -> None:
    settings = Settings.from_env(environments(synth)[0])
    assert settings.table == synth.one("AWS::DynamoDB::GlobalTable")["TableName"]
    assert {settings.bucket, settings.audit_bucket} < {each["BucketName"] for _, each in synth.all("AWS::S3::Bucket")}
    assert settings.bus == synth.one("AWS::Events::EventBus")["Name"]
    queues = {each["QueueName"] for _, each in synth.all("AWS::SQS::Queue")}
    assert {f"{settings.queue_prefix}-{row.name}" for row in events.WORKERS} < queues
    (tasks,) = [each for _, each in synth.all("AWS::ElasticLoadBalancingV2::TargetGroup") if "Port" in each]
    assert settings.port == tasks["Port"]
    domain = synth.one("AWS::Cognito::UserPoolDomain")["Domain"]
    assert settings.oidc_token_origin == f"https://{domain}.auth.{settings.region}.amazoncognito.com"
    chosen = json.loads((ROOT / "cdk.json").read_text())["context"]["deployments"][synth.environment]
    assert (settings.auditors.split(","), settings.region) == (chosen["auditors"], chosen["region"])


def test_the_variables_fit_into_the_4_kib_that_lambda_gives_them(synth: Synth) -> None:
    for each in environments(synth):
        text = "".join(name + value for name, value in each.items())
        assert len(text.replace("known-to-aws", "x" * 100)) < 4096 - 500  # what only AWS knows is an ARN at the longest


async def test_the_database_is_of_the_major_version_that_the_tests_run_on(synth: Synth, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    major = connection.get_server_version().major
    await connection.close()
    (version,) = {each["EngineVersion"] for _, each in synth.all("AWS::RDS::DBInstance") if "EngineVersion" in each}
    assert version.partition(".")[0] == f"{major}"


def test_no_variable_holds_a_secret_but_only_its_name(synth: Synth) -> None:
    (first, *_) = environments(synth)
    named = {
        name: {each.rpartition("/")[2] for each in referred(value)} for name, value in first.items() if referred(value)
    }
    assert named == {
        f"{PREFIX}REDIS_URL": {"redis"},
        f"{PREFIX}POSTGRES_DSN": {"database-app"},
        f"{PREFIX}POSTGRES_REPLICA_DSN": {"database-app"},
        f"{PREFIX}CONTENT_PRIVATE_KEY": {"content-key"},
    }
    declared = {each["Name"].rpartition("/")[2] for _, each in synth.all("AWS::SecretsManager::Secret")}
    assert declared == {*SECRETS, "database-owner"}


def test_the_stacks_read_nothing_of_the_application_but_its_contracts() -> None:
    contracts = ("table", "events", "settings", "tiers", "metrics", "secret_references")
    allowed = {f"vaultstream.{name}" for name in contracts}
    for path in Path(ROOT / "cdk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vaultstream"):
                full = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                assert full & allowed, f"{path} imports {node.module}"


def test_no_stack_writes_an_events_or_an_attributes_name_itself() -> None:
    ours = {name.value for name in events.EventName} | {index.name for index in table.INDEXES} | {table.PK, table.SK}
    for path in Path(ROOT / "cdk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in ours, f"{path}:{node.lineno}"
