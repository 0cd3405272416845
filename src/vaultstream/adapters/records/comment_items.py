"""Comments ↔ plain items of the table."""

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.comments import Comment
from vaultstream.ids import CommentId, commented_file


def key_of(comment_id: CommentId) -> table.Key:
    """Where the comment with this id lives: in its file's collection, in the order of time."""
    return table.comment(commented_file(comment_id), comment_id.rpartition("_")[2])


def comment_item(comment: Comment) -> Item:
    """A comment's own item; a husk is nobody's, and leaves the index of its author's things."""
    item = key_of(comment.id).attributes() | {
        "id": comment.id,
        "file_id": comment.file_id,
        "author_id": comment.author_id,
        "body": comment.body,
        "created_at": moment(comment.created_at),
        "reply_to_id": comment.reply_to_id,
        "mentions": list(comment.mentions),
        "edited_at": maybe_moment(comment.edited_at),
        "resolved_at": maybe_moment(comment.resolved_at),
        "deleted_at": maybe_moment(comment.deleted_at),
        "replies": comment.replies,
        "revision": comment.revision,
        "stamp": comment.stamp,
    }
    if comment.author_id is not None:
        item[table.GSI1.pk] = table.persons_things(comment.author_id)
        item[table.GSI1.sk] = f"COMMENT#{moment(comment.created_at)}#{comment.id}"
    return item


def comment_from(item: Item) -> Comment:
    """The comment in its item."""
    return Comment(
        item["id"],
        item["file_id"],
        item.get("author_id"),
        item["body"],
        time_of(item["created_at"]),
        item.get("reply_to_id"),
        tuple(item["mentions"]),
        maybe_time(item.get("edited_at")),
        maybe_time(item.get("resolved_at")),
        maybe_time(item.get("deleted_at")),
        item["replies"],
        item["revision"],
        item["stamp"],
    )
