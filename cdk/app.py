"""The app: `python -m cdk.app ENVIRONMENT --output FOLDER` writes the templates of all eight stacks."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aws_cdk as aws

from cdk import checks, environment, rights
from cdk.alarms import alarms
from cdk.companions import CLAMD_NAME, CLAMD_PORT, COLLECTOR_NAME, COLLECTOR_PORT
from cdk.deployments import Deployment
from cdk.functions import ROOT, Surroundings
from cdk.stacks.api import Api
from cdk.stacks.database import Database
from cdk.stacks.edge import Edge
from cdk.stacks.network import INTERNAL_ZONE, Network
from cdk.stacks.observability import Observability
from cdk.stacks.security import Security
from cdk.stacks.storage import Storage
from cdk.stacks.workers import Workers


def main(arguments: Sequence[str] | None = None) -> None:
    """Synthesize; anything that a check finds and nobody has acknowledged fails."""
    parser = argparse.ArgumentParser(description="Write the CloudFormation templates of one environment.")
    parser.add_argument("environment", choices=["dev", "prod"], nargs="?", default="dev")
    parser.add_argument("--output", help="where the templates go; the CDK command chooses itself")
    chosen = parser.parse_args(arguments)
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    deployment = Deployment.from_context(context["deployments"][chosen.environment])
    assembly = whole(deployment, context, output=chosen.output).synth()
    if found := checks.found(Path(assembly.directory)):
        sys.exit("\n".join(found))


def whole(deployment: Deployment, context: Mapping[str, Any], *, output: str | None) -> aws.App:
    """All of it; `context` are CDK's own flags, which only its command line would read from cdk.json."""
    app = aws.App(context=dict(context), outdir=output)
    zones = f"availability-zones:account={deployment.account}:region={deployment.region}"
    app.node.set_context(zones, [f"{deployment.region}{letter}" for letter in "abc"])  # or CDK would ask AWS
    security = Security(app, deployment)
    network = Network(app, deployment, logs_key=security.ops_key)
    storage = Storage(app, deployment, data_key=security.data_key)
    database = Database(
        app,
        deployment,
        vpc=network.vpc,
        callers=network.callers,
        keys=(security.data_key, security.ops_key),
        redis_token=security.redis_token,
    )
    places = environment.Places(
        data_key=security.data_key.key_arn,
        audit_key=security.audit_key.key_arn,
        postgres=database.primary.db_instance_endpoint_address,
        postgres_replica=database.replica.db_instance_endpoint_address,
        redis=database.redis_host,
        user_pool=security.pool.user_pool_id,
        user_pool_client=security.client.user_pool_client_id,
        content_key_id=security.public_key.public_key_id,
        clamd=f"tcp://{CLAMD_NAME}.{INTERNAL_ZONE}:{CLAMD_PORT}",
        collector=f"http://{COLLECTOR_NAME}.{INTERNAL_ZONE}:{COLLECTOR_PORT}",
    )
    around = Surroundings(
        deployment=deployment,
        vpc=network.vpc,
        callers=network.callers,
        env=environment.settings(deployment, places).to_env(),
        ops_key=security.ops_key,
        keys=rights.Keys(
            data=security.data_key.key_arn, ops=security.ops_key.key_arn, audit=security.audit_key.key_arn
        ),
    )
    workers = Workers(app, around, stream=storage.table, cluster=network.cluster, zone=network.zone)
    api = Api(
        app,
        around,
        cluster=network.cluster,
        balancer_group=network.balancer,
        owner=environment.owner(deployment, places),
    )
    api.add_stack_dependency(workers)
    Edge(app, deployment, balancer=api.balancer, key_group=security.key_group).add_stack_dependency(storage)
    Observability(
        app,
        deployment,
        ops_key=security.ops_key,
        alarms=alarms(
            deployment,
            balancer=api.balancer.load_balancer_full_name,
            tasks=api.tasks.target_group_full_name,
        ),
    ).add_stack_dependency(workers)
    for stack in app.node.children:
        aws.Tags.of(stack).add("vaultstream:environment", deployment.environment)
    checks.add(app, deployment)
    return app


if __name__ == "__main__":
    main()
