"""Documents that were parsed, measured and validated once, kept for the next request that sends the same text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)

from vaultstream.breadth import Plan, compile_plan
from vaultstream.errors import Code
from vaultstream.gql import limits
from vaultstream.gql.prices import Price, price_of

DOCUMENTS_MAX = 256
DOCUMENT_CHARACTERS_MAX = 8_192
ERRORS_MAX = 5
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"


class Refused(Exception):
    """A request that will not run, and why; `code` is for the errors that bring none of their own."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = errors
        self.code = code


@dataclass(frozen=True, slots=True)
class Document:
    """A lawful document."""

    schema: GraphQLSchema
    tree: DocumentNode
    fragments: dict[str, FragmentDefinitionNode]
    _plans: dict[str | None, Plan | None] = field(default_factory=dict)
    _prices: dict[str | None, Price] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation of this name, or the only one; raises Refused."""
        node = get_operation_ast(self.tree, name)
        if node is None:
            problem = "There is no operation of this name." if name else "Name one of the operations (operationName)."
            raise Refused([GraphQLError(problem)], Code.INVALID)
        return node

    def price(self, name: str | None, variables: Mapping[str, Any]) -> Price:  # Any: JSON values
        """What the operation of this name may cost; raises Refused where there is none."""
        known = self._prices.get(name)
        if known is None:
            known = price_of(self.operation(name), self.fragments, variables)
            if not known.varies:
                self._prices[name] = known
        return known

    def plan(self, name: str | None) -> Plan | None:
        """How to execute the operation of this name, which is there, or the only one; None is graphql-core's way."""
        if name not in self._plans:
            self._plans[name] = compile_plan(self.schema, self.tree, name)
        return self._plans[name]


class Documents:
    """The least recently used go first; a text that is long or unlawful is not kept."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        self._schema = schema
        self._hides = not introspection
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str) -> Document:
        """The document that this text is; raises Refused with at most a few errors."""
        known = self._kept.get(text)
        if known is not None:
            self._kept.move_to_end(text)
            return known
        document = self._new(text)
        if len(text) <= DOCUMENT_CHARACTERS_MAX:
            self._kept[text] = document
            if len(self._kept) > DOCUMENTS_MAX:
                self._kept.popitem(last=False)
        return document

    def _new(self, text: str) -> Document:
        tree = _parsed(text)
        try:
            limits.check_document(tree)
        except GraphQLError as error:
            raise Refused([error], Code.LIMITED) from None
        if errors := validate(self._schema, tree, self._rules, ERRORS_MAX, hide_suggestions=self._hides):
            raise Refused(errors, VALIDATION_FAILED)
        return Document(self._schema, tree, limits.fragments_of(tree))


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(
            text,
            max_lexical_tokens=limits.TOKENS_MAX,
            max_comments=limits.COMMENTS_MAX,
            max_source_length=limits.SOURCE_CHARACTERS_MAX,
        )
    except GraphQLError as error:
        raise Refused([error], PARSE_FAILED) from None
