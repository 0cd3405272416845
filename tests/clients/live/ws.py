"""Follows subscriptions over one socket: ws.py {"url", "token", "subscriptions": {name: {query, variables}}}."""

import asyncio
import json
import sys
from typing import Any

from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport


def say(**line: Any) -> None:
    """One thing that was seen."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def follow(session: AsyncClientSession, name: str, request: dict[str, Any]) -> None:
    """Tell every value of one subscription, and how it ended."""
    wanted = gql(request["query"])
    wanted.variable_values = request["variables"]
    try:
        async for data in session.subscribe(wanted):
            say(name=name, data=data)
    except TransportQueryError as refused:
        say(name=name, ended=(refused.errors or [])[0]["extensions"]["code"])


async def main(told: dict[str, Any]) -> None:
    """Follow all that is wished for until all has ended."""
    transport = WebsocketsTransport(
        told["url"].replace("http", "ws"),
        init_payload={"authorization": f"Bearer {told['token']}"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    async with Client(transport=transport) as session:
        await asyncio.gather(*(follow(session, *one) for one in told["subscriptions"].items()))


asyncio.run(main(json.loads(sys.argv[1])))
