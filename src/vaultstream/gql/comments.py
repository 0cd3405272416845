"""Comments in the contract: what is shown of them, and what can be done to them."""

from asyncio import Future
from datetime import datetime
from typing import Annotated, Any, ForwardRef

import strawberry

from vaultstream import comments
from vaultstream.actions import comment as deeds
from vaultstream.actions.threads import CommentPage, CommentPageKey
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import FileLater, Node, comment_id, file_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, IF_VERSION, INPUT, Outcome, outcome
from vaultstream.gql.pages import PageInfo, Turn
from vaultstream.gql.users import Known, User
from vaultstream.ids import CommentId, FileId, UserId

_CommentLater: Any = Annotated[ForwardRef("Comment"), strawberry.lazy("vaultstream.gql.comments")]  # Any: no type yet
_BODY = f"Plain text of 1 to {comments.BODY_CHARACTERS_MAX:,} characters."
_MENTIONS = f"E-mail addresses of at most {comments.MENTIONS_MAX} people who may see the file."


@strawberry.type(description="What somebody said on a file. One that was deleted but has replies keeps its place.")
class Comment(Node):
    """Read from `vaultstream.comments.Comment`."""

    body: str = strawberry.field(description="Plain text; empty once it is deleted.")
    revision: int = strawberry.field(description="Counts people's changes; pass it as `ifVersion`.")
    created_at: datetime = strawberry.field(description="When it was said.")
    edited_at: datetime | None = strawberry.field(description="When its words were last changed; null if never.")
    resolved_at: datetime | None = strawberry.field(description="Since when its thread is settled; null while open.")
    deleted_at: datetime | None = strawberry.field(description="When it was deleted; null while it is not.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, comments.Comment)

    @by_key(lambda loaders: loaders.files, description="The file that it is on.", graphql_type=FileLater)
    def file(self: comments.Comment) -> FileId:
        """It is known where this came from it."""
        return self.file_id

    @by_key(
        lambda loaders: loaders.users,
        description="Who said it; null once it is deleted, and for somebody who is not for you to see.",
        graphql_type=User | None,
    )
    def author(self: comments.Comment) -> UserId | None:
        """Nobody's, once it is deleted."""
        return self.author_id

    @strawberry.field(
        description="The people it mentions; null in place of one who is not for you to see.",
        graphql_type=list[User | None],
    )
    def mentions(self: comments.Comment, info: Info) -> "list[Known | None] | Future[list[Known | None]]":
        """Load the people: one batch for a whole page."""
        return info.context.loaders.users.many(self.mentions)

    @by_key(
        lambda loaders: loaders.comments,
        description="The comment that begins the thread; null where this one begins it.",
        graphql_type=_CommentLater | None,
    )
    def reply_to(self: comments.Comment) -> CommentId | None:
        """It is known where it is on the same page."""
        return self.reply_to_id


@strawberry.type(description="One comment in a list.")
class CommentEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: Comment = strawberry.field(description="The comment.")


@strawberry.type(description="A page of the comments on a file, the newest last.")
class CommentConnection:
    """Read from `pages.Listing`."""

    edges: list[CommentEdge] = strawberry.field(description="The comments.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


async def page(info: Info, wanted: FileId, asked: Turn) -> CommentPage | None:
    """A page of the comments on a file, together with the file; None where it may not be seen."""
    return await info.context.loaders.comment_page(CommentPageKey(wanted, asked.first, asked.after))


@strawberry.input(description="A new comment.")
class CommentAddInput:
    """What `commentAdd` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file to comment on.")
    body: str = strawberry.field(description=_BODY)
    reply_to_id: strawberry.ID | None = strawberry.field(
        description="The comment to reply to, which begins a thread; none to begin one.", default=None
    )
    mentions: list[str] = strawberry.field(description=_MENTIONS, default_factory=list)
    idempotency_key: str | None = strawberry.field(description=IDEMPOTENCY_KEY, default=None)


@strawberry.input(description="Other words for a comment of your own.")
class CommentEditInput:
    """What `commentEdit` takes."""

    comment_id: strawberry.ID = strawberry.field(description="The comment.")
    body: str = strawberry.field(description=_BODY)
    mentions: list[str] | None = strawberry.field(
        description=f"{_MENTIONS} Those of before where it is not given.", default=None
    )
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.input(description="A comment to delete.")
class CommentDeleteInput:
    """What `commentDelete` takes."""

    comment_id: strawberry.ID = strawberry.field(description="The comment.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.input(description="A thread that is settled.")
class CommentResolveInput:
    """What `commentResolve` takes."""

    comment_id: strawberry.ID = strawberry.field(description="The comment that begins the thread.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.input(description="A thread that is open again.")
class CommentReopenInput:
    """What `commentReopen` takes."""

    comment_id: strawberry.ID = strawberry.field(description="The comment that begins the thread.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What commentAdd did.")
class CommentAddPayload:
    """Read from `outcomes.Outcome`."""

    made: Comment | None = strawberry.field(name="comment", description="The new comment; null where it was not made.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="What commentEdit did.")
class CommentEditPayload:
    """Read from `outcomes.Outcome`."""

    made: Comment | None = strawberry.field(name="comment", description="The comment as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="What commentDelete did.")
class CommentDeletePayload:
    """Read from `outcomes.Outcome`."""

    made: Comment | None = strawberry.field(
        name="comment", description="What is left of it, without author and words; null if unchanged."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="What commentResolve did.")
class CommentResolvePayload:
    """Read from `outcomes.Outcome`."""

    made: Comment | None = strawberry.field(name="comment", description="The comment as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="What commentReopen did.")
class CommentReopenPayload:
    """Read from `outcomes.Outcome`."""

    made: Comment | None = strawberry.field(name="comment", description="The comment as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class CommentMutations:
    """What can be done to comments."""

    @strawberry.mutation(
        description="Say something on a file, or reply to what begins a thread there.", graphql_type=CommentAddPayload
    )
    async def comment_add(
        self, info: Info, wanted: Annotated[CommentAddInput, strawberry.argument(name="input", description=INPUT)]
    ) -> Outcome[comments.Comment]:
        """One transaction."""

        async def deed() -> comments.Comment:
            context, replied = info.context, wanted.reply_to_id
            return await deeds.add(
                context.vault,
                context.actor,
                file_id(wanted.file_id),
                wanted.body,
                reply_to_id=comment_id(replied) if replied is not None else None,
                mentions=wanted.mentions,
                idempotency_key=wanted.idempotency_key,
            )

        return await outcome(info, deed())

    @strawberry.mutation(description="Change the words of a comment of your own.", graphql_type=CommentEditPayload)
    async def comment_edit(
        self, info: Info, wanted: Annotated[CommentEditInput, strawberry.argument(name="input", description=INPUT)]
    ) -> Outcome[comments.Comment]:
        """One transaction."""

        async def deed() -> comments.Comment:
            context, comment = info.context, comment_id(wanted.comment_id)
            return await deeds.edit(
                context.vault,
                context.actor,
                comment,
                wanted.body,
                mentions=wanted.mentions,
                if_version=wanted.if_version,
            )

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Delete a comment of your own, or any on a file that you manage. With replies it keeps its place.",
        graphql_type=CommentDeletePayload,
    )
    async def comment_delete(
        self, info: Info, wanted: Annotated[CommentDeleteInput, strawberry.argument(name="input", description=INPUT)]
    ) -> Outcome[comments.Comment]:
        """One transaction."""

        async def deed() -> comments.Comment:
            context, comment = info.context, comment_id(wanted.comment_id)
            return await deeds.delete(context.vault, context.actor, comment, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Settle a thread: its author may, and who may edit the file.", graphql_type=CommentResolvePayload
    )
    async def comment_resolve(
        self, info: Info, wanted: Annotated[CommentResolveInput, strawberry.argument(name="input", description=INPUT)]
    ) -> Outcome[comments.Comment]:
        """One transaction."""

        async def deed() -> comments.Comment:
            context, comment = info.context, comment_id(wanted.comment_id)
            return await deeds.resolve(context.vault, context.actor, comment, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Open a settled thread again: its author may, and who may edit the file.",
        graphql_type=CommentReopenPayload,
    )
    async def comment_reopen(
        self, info: Info, wanted: Annotated[CommentReopenInput, strawberry.argument(name="input", description=INPUT)]
    ) -> Outcome[comments.Comment]:
        """One transaction."""

        async def deed() -> comments.Comment:
            context, comment = info.context, comment_id(wanted.comment_id)
            return await deeds.reopen(context.vault, context.actor, comment, if_version=wanted.if_version)

        return await outcome(info, deed())
