"""Comments: add, edit, delete, resolve. Each is one transaction with its event, which holds ids and no words."""

from collections.abc import Sequence
from typing import Any

from vaultstream import access, comments, table
from vaultstream.access import Deed, Lineage
from vaultstream.actions import deeds, mention, once, reach
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, comment_changes, comment_items
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.ids import CommentId, FileId, comment_id, commented_file


async def add(
    vault: Vault,
    actor: Actor,
    file_id: FileId,
    body: str,
    *,
    reply_to_id: CommentId | None = None,
    mentions: Sequence[str] = (),
    idempotency_key: str | None = None,
) -> Comment:
    """A new comment on a file, or a reply to the comment that begins a thread there.

    `mentions` are e-mail addresses of people who may see the file. Raises NOT_FOUND, FORBIDDEN or INVALID.
    """
    body = comments.lawful_body(body)
    lineage = await reach.lineage(vault, actor, file_id, Deed.COMMENT)
    print_ = once.fingerprint("commentAdd", file_id, body, reply_to_id, list(mentions))
    if earlier := await once.answered(vault, actor, idempotency_key, print_):
        return await _stored(vault, CommentId(earlier))
    replied = await _beginning(vault, file_id, reply_to_id)
    people = await mention.people(vault, lineage, mentions)
    new = comment_id(file_id, vault.unique())
    comment = Comment(new, file_id, actor.user_id, body, vault.now(), reply_to_id, people)
    told = deeds.by_person(
        vault,
        actor,
        EventName.COMMENT_ADDED,
        file_id,
        topics=(file_id,),
        comment_id=new,
        reply_to_id=reply_to_id,
        mentions=list(people),
    )
    made = [changes.present(table.file(file_id)), comment_changes.add_comment(comment), *replied]
    await vault.commit([*made, *once.remembering(vault, actor, idempotency_key, print_, new)], [told])
    return comment


async def edit(
    vault: Vault,
    actor: Actor,
    wanted: CommentId,
    body: str,
    *,
    mentions: Sequence[str] | None = None,
    if_version: int | None = None,
) -> Comment:
    """The actor's own comment with other words; `mentions` stay as they are unless they are given."""
    body = comments.lawful_body(body)

    async def attempt() -> Comment:
        lineage, comment = await _found(vault, actor, wanted, if_version)
        if comment.author_id != actor.user_id:
            raise VaultError(Code.FORBIDDEN, "Only its author may edit a comment.")
        people = comment.mentions if mentions is None else await mention.people(vault, lineage, mentions)
        if (body, people) == (comment.body, comment.mentions):
            return comment
        edited = comment.edited(body, people, vault.now())
        return await _written(vault, actor, EventName.COMMENT_EDITED, edited, mentions=list(people))

    return await again(attempt)


async def delete(vault: Vault, actor: Actor, wanted: CommentId, *, if_version: int | None = None) -> Comment:
    """What is left of a comment that its author, or who manages the file, has deleted.

    The beginning of a thread stays as a husk for as long as it has replies; a husk goes with its last reply.
    """

    async def attempt() -> Comment:
        lineage, comment = await _found(vault, actor, wanted, if_version)
        manages = access.decide(actor.user_id, Deed.SHARE, lineage, vault.now()).allowed
        if comment.author_id != actor.user_id and not manages:
            raise VaultError(Code.FORBIDDEN, "Only its author, or who manages the file, may delete a comment.")
        husk = comment.husk(vault.now())
        if comment.is_husk:
            return comment
        if comment.replies:
            return await _written(vault, actor, EventName.COMMENT_DELETED, husk)
        gone = [comment_changes.remove_comment(comment), *await _without(vault, comment)]
        return await _written(vault, actor, EventName.COMMENT_DELETED, husk, gone)

    return await again(attempt)


async def resolve(vault: Vault, actor: Actor, wanted: CommentId, *, if_version: int | None = None) -> Comment:
    """A thread settled, by its author or by who may edit the file; once more changes nothing."""
    return await _settle(vault, actor, wanted, if_version, is_resolved=True)


async def reopen(vault: Vault, actor: Actor, wanted: CommentId, *, if_version: int | None = None) -> Comment:
    """A settled thread open again, by its author or by who may edit the file; once more changes nothing."""
    return await _settle(vault, actor, wanted, if_version, is_resolved=False)


async def _settle(
    vault: Vault, actor: Actor, wanted: CommentId, if_version: int | None, *, is_resolved: bool
) -> Comment:
    async def attempt() -> Comment:
        lineage, comment = await _found(vault, actor, wanted, if_version)
        edits = access.decide(actor.user_id, Deed.EDIT, lineage, vault.now()).allowed
        if comment.author_id != actor.user_id and not edits:
            raise VaultError(Code.FORBIDDEN, "Only its author, or who may edit the file, may settle a thread.")
        if comment.reply_to_id is not None:
            raise VaultError(Code.INVALID, "Resolve the comment that begins the thread.", path=("commentId",))
        if (comment.resolved_at is not None) == is_resolved:
            return comment
        deed = EventName.COMMENT_RESOLVED if is_resolved else EventName.COMMENT_REOPENED
        return await _written(vault, actor, deed, comment.resolved(vault.now() if is_resolved else None))

    return await again(attempt)


async def _found(vault: Vault, actor: Actor, wanted: CommentId, if_version: int | None) -> tuple[Lineage, Comment]:
    """The comment, with the file that the actor may comment on; raises STALE where it has changed since."""
    lineage = await reach.lineage(vault, actor, commented_file(wanted), Deed.COMMENT)
    comment = await _stored(vault, wanted)
    if if_version is not None and if_version != comment.revision:
        raise VaultError(
            Code.STALE, f"The comment is at version {comment.revision} by now: load it again.", path=("ifVersion",)
        )
    return lineage, comment


async def _stored(vault: Vault, wanted: CommentId) -> Comment:
    item = await vault.records.item(comment_items.key_of(wanted))
    if item is None:
        raise not_found("comment")
    return comment_items.comment_from(item)


async def _beginning(vault: Vault, file_id: FileId, reply_to_id: CommentId | None) -> list[Change]:
    """That the thread has one reply more; none for a comment that begins one."""
    if reply_to_id is None:
        return []
    if commented_file(reply_to_id) != file_id:
        raise VaultError(Code.INVALID, "Reply to a comment on the same file.", path=("replyToId",))
    if (await _stored(vault, reply_to_id)).reply_to_id is not None:
        raise VaultError(Code.INVALID, "Reply to the comment that begins the thread.", path=("replyToId",))
    return [comment_changes.count_reply(reply_to_id)]


async def _without(vault: Vault, reply: Comment) -> list[Change]:
    """What a deleted reply leaves of its thread: a husk with no other reply goes too."""
    if reply.reply_to_id is None:
        return []
    beginning = await _stored(vault, reply.reply_to_id)
    if beginning.is_husk and beginning.replies == 1:
        return [comment_changes.remove_comment(beginning)]
    return [comment_changes.replace_comment(beginning.with_replies(-1))]


async def _written(
    vault: Vault,
    actor: Actor,
    deed: EventName,
    comment: Comment,
    written: Sequence[Change] = (),
    **details: Any,  # Any: JSON values, by each event's own schema
) -> Comment:
    file_id = comment.file_id
    told = deeds.by_person(vault, actor, deed, file_id, topics=(file_id,), comment_id=comment.id, **details)
    await vault.commit(written or [comment_changes.replace_comment(comment)], [told])
    return comment
