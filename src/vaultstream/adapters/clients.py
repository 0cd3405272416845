"""AWS clients as the vault wants them: short time-outs, bounded retries, endpoints from the settings."""

from typing import Any

import aioboto3
from botocore.config import Config

from vaultstream.settings import Settings


def client(session: aioboto3.Session, settings: Settings, service: str) -> Any:
    """An unopened client of one service; Any: botocore makes its clients at run time."""
    endpoints = {
        "dynamodb": settings.endpoint_dynamodb,
        "dynamodbstreams": settings.endpoint_streams,
        "s3": settings.endpoint_s3,
        "kms": settings.endpoint_kms,
        "sqs": settings.endpoint_sqs,
        "events": settings.endpoint_events,
    }
    return session.client(
        service, region_name=settings.region, endpoint_url=endpoints[service] or None, config=_config(service)
    )


def session(settings: Settings) -> aioboto3.Session:
    """A session with the settings' own access key, or with whatever the environment gives (a role)."""
    if not settings.access_key_id:
        return aioboto3.Session()
    return aioboto3.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key.reveal(),
    )


def _config(service: str) -> Config:
    """No digest of a body but where S3 asks for one: TLS guards it on its way, each frame authenticates itself, and
    the scan has opened every one of them before anything leaves.
    """
    return Config(
        connect_timeout=3,
        read_timeout=60 if service == "s3" else 25,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=50,
        s3={"addressing_style": "path", "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
