"""The templates deployed into an emulator that enforces IAM, and whoever a role of theirs makes of a caller."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config
from synths import Synth

ACCOUNT, REGION = "111111111111", "eu-west-1"
ROOT_KEY = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"  # a template of more than 51,200 bytes comes from a bucket
STACKS = ("Security", "Network", "Storage", "Database", "Workers", "Api")
# What the emulator does not know, and whatever cannot be without it. None of it gives or takes a right.
UNKNOWN = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudFront::KeyGroup",
        "AWS::CloudFront::PublicKey",
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::NatGateway",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::Events::Archive",
        "AWS::IAM::OIDCProvider",
        "AWS::SecretsManager::ResourcePolicy",
        "AWS::SecretsManager::RotationSchedule",
        "AWS::Serverless::Application",
    }
)
# The test carries messages itself, as the event source mappings would; the emulator's own would take them away.
CARRIED = frozenset({"AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule"})


def client(endpoint: str, service: str, credentials: Mapping[str, str] = ROOT_KEY) -> Any:
    """A client of the emulator, as the account's owner or as somebody else."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        **credentials,
    )


def deploy(endpoint: str, synth: Synth) -> None:
    """All stacks that hold what the application uses, in their order."""
    client(endpoint, "ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    formation, s3 = client(endpoint, "cloudformation"), client(endpoint, "s3")
    s3.create_bucket(Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": REGION})
    for stack in STACKS:
        name = f"vaultstream-{synth.environment}-{stack.lower()}"
        s3.put_object(Bucket=ASSETS, Key=name, Body=json.dumps(pruned(synth.templates[stack])))
        formation.create_stack(
            StackName=name,
            TemplateURL=f"{endpoint}/{ASSETS}/{name}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    _lock_objects(s3, synth)


def _lock_objects(s3: Any, synth: Synth) -> None:
    """What the emulator leaves out when it makes a bucket."""
    for name, bucket in synth.all("AWS::S3::Bucket"):
        if "ObjectLockConfiguration" in bucket and name.partition("/")[0] in STACKS:
            s3.put_object_lock_configuration(
                Bucket=bucket["BucketName"], ObjectLockConfiguration=bucket["ObjectLockConfiguration"]
            )


def pruned(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without what the emulator does not know and without what refers to that; outputs stay, as a word."""
    resources = template["Resources"]
    gone = {name for name, each in resources.items() if each["Type"] in UNKNOWN | CARRIED}
    while more := {name for name, each in resources.items() if gone & set(references(each))} - gone:
        gone |= more
    kept = {name: _on_loopback(each, gone) for name, each in resources.items() if name not in gone}
    outputs = {
        name: each | ({"Value": "UNKNOWN"} if gone & set(references(each)) else {})
        for name, each in template.get("Outputs", {}).items()
    }
    return {"Parameters": template["Parameters"], "Resources": kept, "Outputs": outputs}


def _on_loopback(resource: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    """A resource that waits for nothing that is gone, and does not ask for TLS, which the emulator does not speak."""
    waits = [name for name in resource.get("DependsOn", []) if name not in gone]
    properties = dict(resource.get("Properties", {}))
    if resource["Type"] in {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"}:
        document = properties["PolicyDocument"]
        kept = [each for each in document["Statement"] if "aws:SecureTransport" not in json.dumps(each)]
        properties["PolicyDocument"] = document | {"Statement": kept}
    return {**resource, "DependsOn": waits, "Properties": properties}


def references(node: object) -> Iterator[str]:
    """The logical ids that stand in a part of a template."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        for key, each in node.items():
            if key == "Ref":
                yield each
            elif key == "Fn::GetAtt":
                yield each[0]
            else:
                yield from references(each)


def assumed(endpoint: str, role: str) -> dict[str, str]:
    """The keys of somebody who has this role."""
    made = client(endpoint, "sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


def roles(endpoint: str, environment: str) -> dict[str, str]:
    """The role of every function and task of the vault, by the process's name."""
    prefix = f"vaultstream-{environment}-"
    functions = client(endpoint, "lambda").list_functions()["Functions"]
    ecs = client(endpoint, "ecs")
    tasks = [
        ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for arn in ecs.list_task_definitions()["taskDefinitionArns"]
    ]
    found = {each["FunctionName"]: each["Role"] for each in functions}
    found |= {each["family"]: each["taskRoleArn"] for each in tasks}
    return {name.removeprefix(prefix): role for name, role in found.items() if name.startswith(prefix)}


def variables(endpoint: str, environment: str) -> dict[str, str]:
    """What the deployed API's process would find in its environment."""
    name = f"vaultstream-{environment}-api"
    found: dict[str, str] = client(endpoint, "lambda").get_function_configuration(FunctionName=name)["Environment"][
        "Variables"
    ]
    return found


def task_variables(endpoint: str, family: str) -> dict[str, str]:
    """What a deployed task would find in its environment."""
    task = client(endpoint, "ecs").describe_task_definition(taskDefinition=family)["taskDefinition"]
    return {each["name"]: each["value"] for each in task["containerDefinitions"][0]["environment"]}


def secret(endpoint: str, name: str) -> str:
    """A secret, as the account's owner sees it."""
    text: str = client(endpoint, "secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return text
