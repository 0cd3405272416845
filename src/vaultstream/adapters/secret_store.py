"""Secrets Manager: what the environment only names is looked up once, when a process starts."""

import asyncio
from collections.abc import Mapping

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.secret_references import filled, referred
from vaultstream.settings import PREFIX, SettingsError

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})


async def revealed(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with every secret of a VAULTSTREAM_ variable filled in; a call for each secret, none for none.

    Raises SettingsError for a secret that cannot be had, and never with what one holds.
    """
    ids = sorted({each for name, text in environ.items() if name.startswith(PREFIX) for each in referred(text)})
    if not ids:
        return dict(environ)
    async with aioboto3.Session().client(
        "secretsmanager", region_name=environ.get(f"{PREFIX}REGION"), config=_CONFIG
    ) as client:
        try:
            answers = await asyncio.gather(*(client.get_secret_value(SecretId=each) for each in ids))
        except (ClientError, BotoCoreError) as error:
            raise SettingsError(f"a secret cannot be had ({type(error).__name__}): {', '.join(ids)}") from None
    secrets = {each: answer["SecretString"] for each, answer in zip(ids, answers, strict=True)}
    return {name: _filled(name, text, secrets) for name, text in environ.items()}


def _filled(name: str, text: str, secrets: Mapping[str, str]) -> str:
    if not name.startswith(PREFIX):
        return text
    try:
        return filled(text, secrets)
    except (KeyError, TypeError, ValueError):
        raise SettingsError(f"{name} names a field that its secret does not have") from None
