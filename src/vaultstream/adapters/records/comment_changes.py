"""The changes of comments, each with its condition."""

from vaultstream import table
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, Change
from vaultstream.adapters.records.comment_items import comment_item, key_of
from vaultstream.comments import Comment
from vaultstream.errors import not_found
from vaultstream.ids import CommentId


def add_comment(comment: Comment) -> Change:
    """A comment that was not there."""
    request = {"Item": to_attributes(comment_item(comment)), "ConditionExpression": "attribute_not_exists(PK)"}
    return Change("Put", request, CHANGED_UNDERNEATH)


def replace_comment(comment: Comment) -> Change:
    """A comment as it is now, if nobody wrote it since it was read (its stamp was one less)."""
    request = {"Item": to_attributes(comment_item(comment))} | _unwritten(comment.stamp - 1)
    return Change("Put", request, CHANGED_UNDERNEATH)


def remove_comment(comment: Comment) -> Change:
    """The comment goes, if nobody wrote it since it was read."""
    request = {"Key": to_attributes(key_of(comment.id).attributes())} | _unwritten(comment.stamp)
    return Change("Delete", request, CHANGED_UNDERNEATH)


def count_reply(beginning: CommentId) -> Change:
    """One reply more to a comment that is there; any number of people may reply at the same time."""
    request = {
        "Key": to_attributes(key_of(beginning).attributes()),
        "UpdateExpression": "ADD replies :one, stamp :one",
        "ConditionExpression": f"attribute_exists({table.PK})",
        "ExpressionAttributeValues": to_attributes({":one": 1}),
    }
    return Change("Update", request, not_found("comment"))


def _unwritten(stamp: int) -> dict[str, object]:
    values = to_attributes({":seen": stamp})
    return {"ConditionExpression": "stamp = :seen", "ExpressionAttributeValues": values}
