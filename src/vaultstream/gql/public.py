"""What may be asked without a token: nothing but what a link leads to."""

from graphql import FieldNode, OperationType

from vaultstream.gql.execution import Operation

_FIELDS = {"shareLink", "__typename"}


def is_public(operation: Operation) -> bool:
    """Whether a query asks at its root for nothing else; fragments there are not looked into, but refused."""
    roots = operation.node.selection_set.selections
    return operation.kind is OperationType.QUERY and all(
        isinstance(root, FieldNode) and root.name.value in _FIELDS for root in roots
    )
