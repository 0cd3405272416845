"""AWS clients as the vault wants them: short time-outs, bounded retries, lean reads of the table."""

import zlib
from typing import Any

import aioboto3
import orjson
from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.exceptions import ResponseStreamingError

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
    lean = AioSession()
    lean.register_component("response_parser_factory", _Parsers())
    if not settings.access_key_id:
        return aioboto3.Session(botocore_session=lean)
    return aioboto3.Session(
        botocore_session=lean,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key.reveal(),
    )


class _Parsers(AioResponseParserFactory):  # type: ignore[misc]  # no types are published
    """botocore's own parsers, but for the table's items."""

    def create_parser(self, protocol_name: str) -> Any:  # Any: as above
        return _ItemsParser(**self._defaults) if protocol_name == "json" else super().create_parser(protocol_name)


class _ItemsParser(AioJSONParser):  # type: ignore[misc]  # as above
    """Leaves the items of DynamoDB's reads as they came, where botocore would compare each value with its model: that
    is most of what a read costs. So bytes are still base64, which `from_attributes` knows. Errors, and all other
    answers, are botocore's to parse.
    """

    _ITEMS = frozenset({"QueryOutput", "GetItemOutput", "BatchGetItemOutput", "ScanOutput"})

    def _do_parse(self, response: Any, shape: Any) -> Any:  # Any: as above
        if shape is None or shape.name not in self._ITEMS:
            return super()._do_parse(response, shape)
        body, headers = response["body"], response["headers"]
        if zlib.crc32(body) != int(headers.get("x-amz-crc32", zlib.crc32(body))):
            raise ResponseStreamingError(error="it is not what its checksum says")
        try:
            parsed = orjson.loads(body)
        except ValueError:
            raise ResponseStreamingError(error="it is not JSON") from None
        self._inject_response_metadata(parsed, headers)
        return parsed


def _config(service: str) -> Config:
    """No digest of a body but where S3 asks for one: TLS guards it on its way, each frame authenticates itself, and
    the scan has opened every one of them before anything leaves.
    """
    return Config(
        connect_timeout=3,
        read_timeout=60 if service == "s3" else 25,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=50,
        user_agent="vaultstream",  # else botocore puts its own together for each request: a tenth of what one costs
        parameter_validation=service != "dynamodb",  # one place makes its requests, and DynamoDB looks at them too
        s3={"addressing_style": "path", "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
