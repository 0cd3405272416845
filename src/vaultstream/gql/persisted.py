"""Documents that a request names by their SHA-256, in place of their text or beside it.

Trusted documents by `documentId` (GraphQL over HTTP, appendix "Persisted Documents"), what some client sent before by
Apollo's automatic persisted queries. Both names mean the same text, so either finds both.
"""

from collections.abc import Mapping

from graphql import GraphQLError

from vaultstream.adapters.documents import SharedDocuments
from vaultstream.gql import schema
from vaultstream.gql.documents import Documents, Refused
from vaultstream.gql.errors import MESSAGE_CHARACTERS_MAX
from vaultstream.gql.execution import Ask
from vaultstream.settings import SettingsError
from vaultstream.trusted import hashed

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
MISMATCH = "PERSISTED_QUERY_MISMATCH"
NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"


class Unnamed(Refused):
    """A request whose document is not found, not the one it names, or not one of those that may run."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__([GraphQLError(message)], code)


class Persisted:
    """The texts behind names. `only_trusted` lets no other document run."""

    def __init__(self, shared: SharedDocuments, trusted: Mapping[str, str], *, only_trusted: bool) -> None:
        self._shared = shared
        self._trusted = trusted
        self._only_trusted = only_trusted

    async def text(self, ask: Ask) -> str:
        """The document that a request means; raises Unnamed."""
        if ask.digest is not None and ask.query and hashed(ask.query) != ask.digest:
            raise Unnamed("The document has another SHA-256 than the one that was sent with it.", MISMATCH)
        if self._only_trusted:
            return self._of_the_trusted(ask)
        found = ask.query or self._trusted.get(ask.digest or "") or await self._shared.find(ask.digest or "")
        if not found:
            raise Unnamed("PersistedQueryNotFound", NOT_FOUND)  # the very word that clients look for
        return found

    def _of_the_trusted(self, ask: Ask) -> str:
        found = self._trusted.get(ask.digest or hashed(ask.query))
        if found is None:
            raise Unnamed("This vault runs the documents that its clients were built with, and no others.", NOT_TRUSTED)
        return found

    async def keep(self, ask: Ask) -> None:
        """Remember a lawful document that came with its name, for whoever names it next."""
        if ask.digest is not None and ask.query and ask.digest not in self._trusted:
            await self._shared.keep(ask.digest, ask.query)


def check_trusted(trusted: Mapping[str, str], *, introspection: bool) -> None:
    """Read each trusted document once, so that none is found wanting later; raises SettingsError."""
    documents = Documents(schema.executable(), introspection=introspection)
    for digest, text in trusted.items():
        try:
            documents.read(text)
        except Refused as refused:
            problem = refused.errors[0].message[:MESSAGE_CHARACTERS_MAX]
            raise SettingsError(f"The trusted document {digest} does not fit this vault: {problem}") from None
