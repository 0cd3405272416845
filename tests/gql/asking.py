"""People who ask GraphQL questions over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

GRAPHQL = "application/graphql-response+json"


@dataclass(frozen=True, slots=True)
class Person:
    """One person's requests: nothing unseen is added but the token."""

    client: httpx.AsyncClient
    token: str

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, content: Any, **headers: str) -> httpx.Response:
        """Send a body as it is, or a value as JSON."""
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = {"json": content} if isinstance(content, dict) else {"content": content}
        return await self.client.post(
            "/graphql",
            headers={"Accept": GRAPHQL, "Content-Type": "application/json", **self.authorization, **spelt},
            **sent,
        )

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to a query."""
        answer = await self.post({"query": query, "variables": variables})
        return answer.json()

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]
