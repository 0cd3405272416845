"""GraphQL over HTTP (graphql.github.io/graphql-over-http): one path for requests, streams and sockets."""

from collections.abc import Mapping

import orjson
from graphql import OperationType
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.gql import schema
from vaultstream.gql.documents import Refused
from vaultstream.gql.execution import Answer, Ask, Engine, Json, Operation, broken, failure, refusal
from vaultstream.http import graphiql, live_sse, live_ws
from vaultstream.http.answers import STATUSES
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql_door import Door
from vaultstream.http.graphql_media import Media, acceptable
from vaultstream.http.graphql_request import Unserved, posted, queried
