"""The templates promise what the vault promises: sealed, closed, watched, and no more rights than needed."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from synths import STACKS, Synth, Synths

from vaultstream import tiers

SERVICES_MIN = 15
# What is a part of another service rather than one that somebody would name.
NOT_COUNTED = {"IAM", "Logs", "EC2", "ApplicationAutoScaling", "Serverless", "CertificateManager", "ServiceDiscovery"}


def test_nothing_had_to_be_asked_of_aws(synth: Synth) -> None:
    manifest = synth.read("manifest.json")
    assert manifest.get("missing", []) == []
    assert {name for name, each in manifest["artifacts"].items() if each["type"] == "aws:cloudformation:stack"} == set(
        STACKS
    )


def test_more_than_fifteen_services_are_used(synth: Synth) -> None:
    services = {kind.split("::")[1] for kind in synth.types if kind.startswith("AWS::")} - NOT_COUNTED
    assert len(services) > SERVICES_MIN, sorted(services)


def test_every_stack_stays_below_what_cloudformation_takes(synth: Synth) -> None:
    for stack, template in synth.templates.items():
        assert len(template["Resources"]) <= 400, stack
        assert (synth.folder / f"{stack}.template.json").stat().st_size < 900_000, stack


def test_no_bucket_is_open_and_each_is_sealed(synth: Synth) -> None:
    buckets = dict(synth.all("AWS::S3::Bucket"))
    assert len(buckets) == 5
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        kind = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        assert kind == ("AES256" if name.startswith("Storage/Logs") else "aws:kms"), name
        assert rule.get("BucketKeyEnabled", False) is (kind == "aws:kms"), name
    policies = [policy["PolicyDocument"]["Statement"] for _, policy in synth.all("AWS::S3::BucketPolicy")]
    assert len(policies) == len(buckets)
    for statements in policies:
        plain = [each for each in statements if each["Effect"] == "Deny"]
        assert [each["Condition"] for each in plain] == [{"Bool": {"aws:SecureTransport": "false"}}]
        for each in statements:
            if each["Effect"] == "Allow":
                assert "*" not in json.dumps(each["Principal"])


def test_every_store_is_sealed(synth: Synth) -> None:
    for name, each in synth.all("AWS::SQS::Queue"):
        assert each["KmsMasterKeyId"], name
    for name, each in synth.all("AWS::SNS::Topic"):
        assert each["KmsMasterKeyId"], name
    for name, each in synth.all("AWS::SecretsManager::Secret"):
        assert each["KmsKeyId"], name
    for name, each in synth.all("AWS::Logs::LogGroup"):
        assert each["RetentionInDays"] <= 400, name
        assert "KmsKeyId" in each or name.startswith("Edge/"), name  # no key of ours lives in the edge's region
    for kind in ("AWS::Events::EventBus", "AWS::Events::Archive"):
        assert synth.one(kind)["KmsKeyIdentifier"], kind
    table = synth.one("AWS::DynamoDB::GlobalTable")
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    databases = [each for _, each in synth.all("AWS::RDS::DBInstance")]
    assert [each["StorageEncrypted"] for each in databases if "SourceDBInstanceIdentifier" not in each] == [True]
    assert [each.get("PubliclyAccessible", False) for each in databases] == [False, False]
    cache = synth.one("AWS::ElastiCache::ReplicationGroup")
    assert (cache["AtRestEncryptionEnabled"], cache["TransitEncryptionEnabled"]) == (True, True)
    assert synth.one("AWS::CloudTrail::Trail")["KMSKeyId"]
    for name, each in synth.all("AWS::KMS::Key"):
        turns = each.get("KeyUsage") != "SIGN_VERIFY"  # KMS turns no key that signs
        assert each.get("EnableKeyRotation", False) is turns, name


def may_use_the_operations_key(synth: Synth, service: str) -> Iterator[tuple[str, Any]]:
    """Each action of the key that a service of AWS has, and on what condition."""
    (key,) = [each for name, each in synth.all("AWS::KMS::Key") if name.startswith("Security/OpsKey")]
    for each in key["KeyPolicy"]["Statement"]:
        if f"{service}.amazonaws.com" in str(each["Principal"]):
            yield from ((action, each.get("Condition")) for action in actions_of(each))


def test_the_bus_may_use_its_key_as_eventbridge_asks(synth: Synth) -> None:
    """EventBridge User Guide: "Authorizing EventBridge to use a customer managed key", "Encrypting archives", and of
    sealed queues "Event bus targets", whose policy has no condition.
    """
    may = list(may_use_the_operations_key(synth, "events"))
    assert {action for action, condition in may if condition is None} == {
        "kms:DescribeKey",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }
    assert {"kms:ReEncryptFrom", "kms:ReEncryptTo"} <= {action for action, _ in may}
    for _, policy in synth.all("AWS::SQS::QueuePolicy"):
        for each in policy["PolicyDocument"]["Statement"]:
            if "events.amazonaws.com" in str(each["Principal"]):
                assert each["Condition"]["StringEquals"].keys() == {"aws:SourceAccount"}


def test_trail_and_alarms_may_use_the_key_that_seals_them(synth: Synth) -> None:
    """CloudTrail User Guide, "Configure AWS KMS key policies"; SNS Developer Guide, "Key management"."""
    for service in ("cloudtrail", "cloudwatch"):
        may = {action for action, _ in may_use_the_operations_key(synth, service)}
        assert {"kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey*"} <= may


def statements(synth: Synth) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that gives an identity something."""
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for name, policy in synth.all(kind):
            for each in policy["PolicyDocument"]["Statement"]:
                yield name, each
    for name, role in synth.all("AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            for each in policy["PolicyDocument"]["Statement"]:
                yield name, each


def actions_of(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def test_nobody_may_do_everything(synth: Synth) -> None:
    found = list(statements(synth))
    assert len(found) > 30
    for name, each in found:
        assert "NotAction" not in each, name
        for action in actions_of(each):
            assert action != "*", name
            assert not re.fullmatch(r"[a-z0-9-]+:\*", action), (name, action)


def test_each_function_may_open_its_own_variables(synth: Synth) -> None:
    """Lambda does it as the function's role."""
    policies = [each for _, each in synth.all("AWS::IAM::Policy")]
    functions = [each for _, each in synth.all("AWS::Lambda::Function") if "KmsKeyArn" in each]
    assert len(functions) > 9
    for function in functions:
        role = {"Ref": function["Role"]["Fn::GetAtt"][0]}
        may = [
            each["Resource"]
            for policy in policies
            if role in policy["Roles"]
            for each in policy["PolicyDocument"]["Statement"]
            if "kms:Decrypt" in actions_of(each) and "Condition" not in each
        ]
        keys = [key for one in may for key in (one if isinstance(one, list) else [one])]
        assert function["KmsKeyArn"] in keys, function["FunctionName"]


def test_who_may_do_something_to_anything_may_only_trace_or_sign_in_to_the_registry(synth: Synth) -> None:
    anything = {action for _, each in statements(synth) if each["Resource"] == "*" for action in actions_of(each)}
    assert anything <= {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "ecr:GetAuthorizationToken",
    }


def test_only_the_firewalls_side_faces_the_internet(synth: Synth) -> None:
    assert synth.one("AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"
    open_doors = [
        name
        for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress")
        for name, each in synth.all(kind)
        for rule in each.get("SecurityGroupIngress", [each])
        if rule.get("CidrIp") == "0.0.0.0/0" and ("SecurityGroupIngress" in each or kind.endswith("Ingress"))
    ]
    assert open_doors == []
    assert not [name for name, each in synth.all("AWS::EC2::Subnet") if each.get("MapPublicIpOnLaunch")]
    assert not list(synth.all("AWS::Lambda::Url"))


def test_the_firewall_stands_at_the_edge_and_knows_rate_sql_scripts_and_countries(synth: Synth) -> None:
    stacks = synth.read("manifest.json")["artifacts"]
    assert stacks["Edge"]["environment"].endswith("/us-east-1")
    acl = synth.one("AWS::WAFv2::WebACL")
    assert acl["Scope"] == "CLOUDFRONT"
    rules = {rule["Name"]: rule for rule in acl["Rules"]}
    assert sorted(rule["Priority"] for rule in acl["Rules"]) == list(range(len(rules)))
    assert rules["rate"]["Statement"]["RateBasedStatement"]["Limit"] >= 1000
    assert rules["countries"]["Statement"]["GeoMatchStatement"]["CountryCodes"]
    assert {"sql-in-addresses", "scripts-in-addresses", "AWSManagedRulesSQLiRuleSet"} <= rules.keys()
    (distribution,) = [each["DistributionConfig"] for _, each in synth.all("AWS::CloudFront::Distribution")]
    assert distribution["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}


def test_the_firewall_reads_no_upload_and_blocks_no_long_query(synth: Synth) -> None:
    rules = {rule["Name"]: rule["Statement"] for rule in synth.one("AWS::WAFv2::WebACL")["Rules"]}
    managed = {name: each["ManagedRuleGroupStatement"] for name, each in rules.items() if name.startswith("AWS")}
    assert len(managed) == 4
    for group in managed.values():
        elsewhere = group["ScopeDownStatement"]["NotStatement"]["Statement"]["ByteMatchStatement"]
        assert (elsewhere["SearchString"], elsewhere["PositionalConstraint"]) == ("/uploads", "STARTS_WITH")
    common = managed["AWSManagedRulesCommonRuleSet"]["RuleActionOverrides"]
    assert {"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}} in common


def test_contents_need_a_signed_url_and_the_page_comes_by_origin_access_control(synth: Synth) -> None:
    (distribution,) = [each["DistributionConfig"] for _, each in synth.all("AWS::CloudFront::Distribution")]
    ways = {each["PathPattern"]: each for each in distribution["CacheBehaviors"]}
    for path in ("/content/*", "/zip"):
        assert len(ways[path]["TrustedKeyGroups"]) == 1, path
    assert "TrustedKeyGroups" not in distribution["DefaultCacheBehavior"]
    origins = {each["Id"]: each for each in distribution["Origins"]}
    page = origins[ways["/assets/*"]["TargetOriginId"]]
    assert page["OriginAccessControlId"]
    assert page["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    assert origins[distribution["DefaultCacheBehavior"]["TargetOriginId"]]["VpcOriginConfig"]
    assert distribution["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"


def test_no_log_of_addresses_is_kept_for_addresses_are_keys(synth: Synth) -> None:
    fields = synth.one("AWS::Logs::Delivery")["RecordFields"]
    assert not {"cs-uri-stem", "cs-uri-query", "cs(Referer)", "cs(Cookie)"} & set(fields)
    redacted = synth.one("AWS::WAFv2::LoggingConfiguration")["RedactedFields"]
    assert {"UriPath": {}} in redacted
    assert {"QueryString": {}} in redacted
    balancer = synth.one("AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancerAttributes"]
    assert {"Key": "access_logs.s3.enabled", "Value": "true"} not in balancer


def test_two_instances_are_always_warm_and_one_app_runs_on_both(synth: Synth) -> None:
    alias = synth.one("AWS::Lambda::Alias")
    assert (alias["Name"], alias["ProvisionedConcurrencyConfig"]) == ("live", {"ProvisionedConcurrentExecutions": 2})
    services = [each for _, each in synth.all("AWS::ECS::Service")]
    assert {each["ServiceName"] for each in services} == {"api", "clamd", "collector"}
    rules = [each for _, each in synth.all("AWS::ElasticLoadBalancingV2::ListenerRule")]
    headers = [
        condition["HttpHeaderConfig"]["HttpHeaderName"]
        for rule in sorted(rules, key=lambda rule: rule["Priority"])
        for condition in rule["Conditions"]
        if condition["Field"] == "http-header"
    ]
    assert headers == ["Upgrade", "Accept"]


def test_lifecycle_rules_are_the_contracts_and_ones_that_s3_takes(synth: Synth) -> None:
    """S3 refuses IA before 30 days and days that go down, and no other check says so."""
    (blobs,) = [each for name, each in synth.all("AWS::S3::Bucket") if name.startswith("Storage/Blobs")]
    abandoned, *moving = blobs["LifecycleConfiguration"]["Rules"]
    assert abandoned["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": tiers.ABANDONED_UPLOAD_DAYS}
    assert [
        (
            rule["Id"],
            rule["Prefix"],
            int(rule["ObjectSizeGreaterThan"]),
            int(rule["ObjectSizeLessThan"]) - 1 if "ObjectSizeLessThan" in rule else None,
            tuple(tiers.Transition(step["StorageClass"], step["TransitionInDays"]) for step in rule["Transitions"]),
        )
        for rule in moving
    ] == [(rule.id, rule.prefix, rule.over_bytes, rule.up_to_bytes, rule.transitions) for rule in tiers.RULES]
    for name, bucket in synth.all("AWS::S3::Bucket"):
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", []):
            steps = [(each["TransitionInDays"], each["StorageClass"]) for each in rule.get("Transitions", [])]
            days = [day for day, _ in steps]
            assert days == sorted(set(days)), name
            assert all(day >= 30 for day, kind in steps if kind in {"STANDARD_IA", "ONEZONE_IA"}), name


def test_checkpoints_cannot_be_taken_back(synth: Synth) -> None:
    (bucket,) = [each for name, each in synth.all("AWS::S3::Bucket") if name.startswith("Storage/Checkpoints")]
    kept = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert bucket["ObjectLockEnabled"] is True
    expected = {"Mode": "COMPLIANCE", "Days": 400} if synth.environment == "prod" else {"Mode": "GOVERNANCE", "Days": 1}
    assert kept == expected


def test_what_prod_stores_outlives_its_stacks(synths: Synths) -> None:
    stored = {"AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::Cognito::UserPool"}
    for template in synths["prod"].templates.values():
        for name, each in template["Resources"].items():
            if each["Type"] in stored:
                assert each["DeletionPolicy"] == "Retain", name
    assert synths["prod"].one("AWS::DynamoDB::GlobalTable")["Replicas"][0]["DeletionProtectionEnabled"] is True


def test_the_pipelines_role_is_for_one_environment_of_one_repository(synth: Synth) -> None:
    (role,) = [each for name, each in synth.all("AWS::IAM::Role") if name.startswith("Security/Deploy")]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    claims = trust["Condition"]["StringEquals"]
    assert claims["token.actions.githubusercontent.com:sub"] == (
        f"repo:example/vaultstream:environment:{synth.environment}"
    )
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"


@pytest.mark.parametrize("stack", STACKS)
def test_no_template_holds_a_secret(synth: Synth, stack: str) -> None:
    text = json.dumps(synth.templates[stack])
    assert "PRIVATE KEY" not in text
    assert not re.search(r"AKIA[0-9A-Z]{16}", text)
