"""Comments by the actions themselves: who may say, change, delete and settle what, and what is left of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest
from hypothesis import settings as tried
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.actions.talking import a_file, code_of, let, root
from vaultstream import comments, table
from vaultstream.actions import account, browse, comment, organize, threads
from vaultstream.actions.browse import VersionPageKey
from vaultstream.actions.threads import CommentPageKey
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.ids import CommentId, FileId
from vaultstream.shares import Role

Newcomer = Callable[[], Awaitable[Actor]]
_T = TypeVar("_T")


async def said(vault: Vault, actor: Actor, file_id: FileId, first: int = 100) -> list[Comment]:
    """All comments, page after page."""
    found: list[Comment] = []
    after = None
    while True:
        (page,) = await threads.pages(vault, actor, [CommentPageKey(file_id, first, after)])
        assert page is not None
        found += page.comments
        if not page.has_next:
            return found
        after = page.cursors[-1]


async def events(vault: Vault, file_id: FileId) -> list[Event]:
    """The file's events that are still in the outbox, the oldest first."""
    found = []
    for shard in table.outbox_shards():
        found += await vault.records.undelivered(shard, "Z", 1000)
    return sorted((event for event in found if event.item_id == file_id), key=lambda event: event.id)


async def email(vault: Vault, actor: Actor) -> str:
    return (await account.viewer(vault, actor.user_id)).email


async def test_what_was_said_is_listed_with_the_newest_last_and_paged_without_gap(vault: Vault, alice: Actor) -> None:
    file_id = await a_file(vault, alice)
    made = [await comment.add(vault, alice, file_id, f"comment {number}\r\nsecond line") for number in range(7)]
    assert [one.body for one in made] == [f"comment {number}\nsecond line" for number in range(7)]
    for first in (1, 3, 7, 100):
        assert await said(vault, alice, file_id, first) == made
    assert await threads.comments(vault, alice, [one.id for one in made]) == made


async def test_comments_do_not_stand_in_the_way_of_versions(vault: Vault, alice: Actor) -> None:
    file_id = await a_file(vault, alice)
    for number in range(5):
        await comment.add(vault, alice, file_id, f"{number}")
    for first in (1, 2, 100):
        (found,) = await browse.file_collections(vault, alice, [VersionPageKey(file_id, first)])
        assert found is not None
        assert ([version.number for version in found.versions], found.has_next) == ([1], False)
        assert found.file.id == file_id


async def test_an_event_holds_ids_and_no_words(vault: Vault, alice: Actor, bob: Actor) -> None:
    file_id = await a_file(vault, alice)
    await let(vault, alice, file_id, bob, Role.VIEWER)
    one = await comment.add(vault, alice, file_id, "a secret word", mentions=[await email(vault, bob)])
    await comment.edit(vault, alice, one.id, "another secret word")
    await comment.resolve(vault, alice, one.id)
    await comment.reopen(vault, alice, one.id)
    await comment.delete(vault, alice, one.id)
    told = [event for event in await events(vault, file_id) if event.name.startswith("comment.")]
    assert [event.name for event in told] == [
        EventName.COMMENT_ADDED,
        EventName.COMMENT_EDITED,
        EventName.COMMENT_RESOLVED,
        EventName.COMMENT_REOPENED,
        EventName.COMMENT_DELETED,
    ]
    assert {event.details["comment_id"] for event in told} == {one.id}
    assert told[0].details["mentions"] == [bob.user_id]
    assert not any("secret" in event.to_json() or "@" in event.to_json() for event in told)
    assert {event.topics for event in told} == {(file_id,)}


class TestMentions:
    async def test_are_of_people_who_may_see_the_file_by_a_share_on_it_or_above_it(
        self, vault: Vault, alice: Actor, bob: Actor, newcomer: Newcomer
    ) -> None:
        folder = await organize.create_folder(vault, alice, await root(vault, alice), "mentions")
        file_id, carol = await a_file(vault, alice, folder_id=folder.id), await newcomer()
        await let(vault, alice, folder.id, bob, Role.VIEWER)
        await let(vault, alice, file_id, carol, Role.COMMENTER)
        addresses = [await email(vault, person) for person in (bob, carol, bob)]
        made = await comment.add(vault, carol, file_id, "you", mentions=[*addresses, await email(vault, alice)])
        assert made.mentions == (bob.user_id, carol.user_id, alice.user_id)
        kept = await comment.edit(vault, carol, made.id, "you all")
        assert kept.mentions == made.mentions
        fewer = await comment.edit(vault, carol, made.id, "you all", mentions=[addresses[0].upper()])
        assert fewer.mentions == (bob.user_id,)

    async def test_of_a_stranger_and_of_nobody_are_refused_alike(self, vault: Vault, alice: Actor, bob: Actor) -> None:
        file_id = await a_file(vault, alice)
        refusals = set()
        for address in (await email(vault, bob), "nobody@example.com", "nonsense"):
            with pytest.raises(VaultError) as caught:
                await comment.add(vault, alice, file_id, "you", mentions=[address])
            refusals.add((caught.value.code, caught.value.message, caught.value.path))
        assert refusals == {(Code.INVALID, "Mention people who may see the file.", ("mentions",))}
        many = [f"{number}@example.com" for number in range(comments.MENTIONS_MAX + 1)]
        assert await code_of(comment.add(vault, alice, file_id, "you", mentions=many)) is Code.INVALID
        for address in ("", "x" * 400, "a\nb@example.com", "\ud800@example.com"):
            assert await code_of(comment.add(vault, alice, file_id, "you", mentions=[address])) is Code.INVALID
        assert await said(vault, alice, file_id) == []


@pytest.mark.parametrize("body", ["", " \n\t ", "x" * 10_001, "\x00", "a\x1bb", "\ud800"])
async def test_a_body_that_is_no_text_is_refused(vault: Vault, alice: Actor, body: str) -> None:
    file_id = await a_file(vault, alice, f"{abs(hash(body))}")
    one = await comment.add(vault, alice, file_id, "x" * 10_000)
    assert await code_of(comment.add(vault, alice, file_id, body)) is Code.INVALID
    assert await code_of(comment.edit(vault, alice, one.id, body)) is Code.INVALID
    assert await said(vault, alice, file_id) == [one]


async def test_the_same_key_says_it_once(vault: Vault, alice: Actor) -> None:
    file_id = await a_file(vault, alice)
    made = await asyncio.gather(
        *(comment.add(vault, alice, file_id, "once", idempotency_key="k") for _ in range(5)), return_exceptions=True
    )
    done = [one for one in made if isinstance(one, Comment)]
    busy = [one.code for one in made if isinstance(one, VaultError)]
    assert done
    assert set(busy) <= {Code.CONFLICT}
    assert await comment.add(vault, alice, file_id, "once", idempotency_key="k") == done[0]
    assert await said(vault, alice, file_id) == done[:1]
    again = comment.add(vault, alice, file_id, "twice", idempotency_key="k")
    assert await code_of(again) is Code.CONFLICT


async def test_any_number_of_people_reply_at_the_same_time(vault: Vault, alice: Actor, bob: Actor) -> None:
    file_id = await a_file(vault, alice)
    await let(vault, alice, file_id, bob, Role.COMMENTER)
    one = await comment.add(vault, alice, file_id, "what do you think?")
    people = [alice, bob] * 10
    replies = await asyncio.gather(
        *(comment.add(vault, who, file_id, "this", reply_to_id=one.id) for who in people), return_exceptions=True
    )
    made = [reply for reply in replies if isinstance(reply, Comment)]
    assert {reply.code for reply in replies if isinstance(reply, VaultError)} <= {Code.CONFLICT}
    beginning, *rest = await said(vault, alice, file_id)
    assert beginning.replies == len(rest) == len(made)
    assert beginning.revision == 1
    await asyncio.gather(*(comment.delete(vault, alice, reply.id) for reply in made[:3]))
    assert (await said(vault, alice, file_id))[0].replies == len(made) - 3


async def test_a_beginning_that_is_deleted_while_others_reply_keeps_its_place_or_their_reply_is_refused(
    vault: Vault, alice: Actor
) -> None:
    for number in range(6):
        file_id = await a_file(vault, alice, f"race {number}")
        one = await comment.add(vault, alice, file_id, "what do you think?")
        reply, _ = await asyncio.gather(
            code_of(comment.add(vault, alice, file_id, "this", reply_to_id=one.id)),
            comment.delete(vault, alice, one.id),
        )
        left = await said(vault, alice, file_id)
        if reply is None:
            assert [(it.is_husk, it.replies) for it in left] == [(True, 1), (False, 0)]
        else:
            assert (reply, left) == (Code.NOT_FOUND, [])


async def test_of_two_who_change_the_same_revision_one_is_told_that_it_is_stale(vault: Vault, alice: Actor) -> None:
    file_id = await a_file(vault, alice)
    one = await comment.add(vault, alice, file_id, "as it was")
    done = await asyncio.gather(
        *(code_of(comment.edit(vault, alice, one.id, f"edit {number}", if_version=1)) for number in range(4))
    )
    assert sorted(map(str, done)) == ["None", "STALE", "STALE", "STALE"]
    assert (await said(vault, alice, file_id))[0].revision == 2


@dataclass(frozen=True)
class Expected:
    """A comment as the model has it; `by` is None for a husk."""

    by: str | None
    body: str
    reply_to: CommentId | None = None
    is_resolved: bool = False
    revision: int = 1


class Talk(RuleBasedStateMachine):
    """Two people, whose role changes, and a stranger talk on one file; the model says what must be there."""

    vault: Vault
    loop: asyncio.AbstractEventLoop
    newcomer: Newcomer

    def run(self, deed: Awaitable[_T]) -> _T:
        async def awaited() -> _T:
            return await deed

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(60)

    @initialize()
    def begin(self) -> None:
        names = ("alice", "bob", "mallory")
        self.people = {name: self.run(self.newcomer()) for name in names}
        self.roles: dict[str, Role | None] = {"alice": Role.OWNER, "bob": Role.COMMENTER, "mallory": None}
        self.file_id = self.run(a_file(self.vault, self.people["alice"]))
        self.known: dict[CommentId, Expected] = {}
        self.every: list[CommentId] = []
        self.let(Role.COMMENTER)

    who = st.sampled_from(["alice", "bob", "bob", "mallory"])
    which = st.integers(0, 30)
    words = st.text("abc é\n", min_size=1, max_size=8).filter(str.strip)
    seen = st.sampled_from(["none", "right", "wrong"])

    @rule(role=st.sampled_from([None, Role.VIEWER, Role.COMMENTER, Role.COMMENTER, Role.EDITOR, Role.MANAGER]))
    def let(self, role: Role | None) -> None:
        self.roles["bob"] = role
        self.run(let(self.vault, self.people["alice"], self.file_id, self.people["bob"], role))

    @rule(who=who, body=words, which=st.none() | which)
    def add(self, who: str, body: str, which: int | None) -> None:
        target = self.chosen(which) if which is not None else None
        expected = self.outsider(who)
        if expected is None and target is not None:
            replied = self.known.get(target)
            expected = Code.NOT_FOUND if replied is None else Code.INVALID if replied.reply_to else None
        deed = comment.add(self.vault, self.people[who], self.file_id, body, reply_to_id=target)
        made = self.done(deed, expected)
        if made is not None:
            self.known[made.id] = Expected(who, body, target)
            self.every.append(made.id)

    @rule(who=who, which=which, body=words, seen=seen)
    def edit(self, who: str, which: int, body: str, seen: str) -> None:
        if (target := self.chosen(which)) is None:
            return
        now = self.known.get(target)
        expected = self.refused(who, target, seen)
        if expected is None and now is not None and now.by != who:
            expected = Code.FORBIDDEN
        deed = comment.edit(self.vault, self.people[who], target, body, if_version=self.version(target, seen))
        if self.done(deed, expected) is not None and now is not None and now.body != body:
            self.known[target] = replace(now, body=body, revision=now.revision + 1)

    @rule(who=who, which=which, seen=seen)
    def delete(self, who: str, which: int, seen: str) -> None:
        if (target := self.chosen(which)) is None:
            return
        now = self.known.get(target)
        expected = self.refused(who, target, seen)
        if expected is None and now is not None and now.by != who and (self.roles[who] or 0) < Role.MANAGER:
            expected = Code.FORBIDDEN
        deed = comment.delete(self.vault, self.people[who], target, if_version=self.version(target, seen))
        if self.done(deed, expected) is None or now is None or now.by is None:
            return
        if self.replies(target):
            self.known[target] = replace(now, by=None, body="", revision=now.revision + 1)
            return
        del self.known[target]
        if now.reply_to is not None and self.known[now.reply_to].by is None and not self.replies(now.reply_to):
            del self.known[now.reply_to]

    @rule(who=who, which=which, seen=seen, resolves=st.booleans())
    def settle(self, who: str, which: int, seen: str, resolves: bool) -> None:
        if (target := self.chosen(which)) is None:
            return
        now = self.known.get(target)
        expected = self.refused(who, target, seen)
        if expected is None and now is not None and now.by != who and (self.roles[who] or 0) < Role.EDITOR:
            expected = Code.FORBIDDEN
        if expected is None and now is not None and now.reply_to is not None:
            expected = Code.INVALID
        act = comment.resolve if resolves else comment.reopen
        deed = act(self.vault, self.people[who], target, if_version=self.version(target, seen))
        if self.done(deed, expected) is not None and now is not None and now.is_resolved != resolves:
            self.known[target] = replace(now, is_resolved=resolves, revision=now.revision + 1)

    @invariant()
    def the_table_has_what_the_model_has(self) -> None:
        if not hasattr(self, "every"):
            return
        found = self.run(said(self.vault, self.people["alice"], self.file_id, first=4))
        names = {actor.user_id: name for name, actor in self.people.items()}
        shown = {
            it.id: Expected(
                names[it.author_id] if it.author_id else None,
                it.body,
                it.reply_to_id,
                it.resolved_at is not None,
                it.revision,
            )
            for it in found
        }
        assert shown == self.known
        assert [it.id for it in found] == sorted(self.known)
        assert {it.id: it.replies for it in found} == {target: self.replies(target) for target in self.known}
        for it in found:
            assert it.is_husk == (it.author_id is None)
            assert (it.edited_at is not None) <= (it.revision > 1)

    @invariant()
    def a_stranger_sees_nothing(self) -> None:
        if not hasattr(self, "every"):
            return
        for name in ("bob", "mallory"):
            sees = self.roles[name] is not None
            key = CommentPageKey(self.file_id, 100)
            (page,) = self.run(threads.pages(self.vault, self.people[name], [key]))
            assert (page is not None) == sees
            found = self.run(threads.comments(self.vault, self.people[name], list(self.known)))
            assert [it.id for it in found if it is not None] == (list(self.known) if sees else [])

    def chosen(self, which: int) -> CommentId | None:
        return self.every[which % len(self.every)] if self.every else None

    def replies(self, target: CommentId) -> int:
        return sum(it.reply_to == target for it in self.known.values())

    def outsider(self, who: str) -> Code | None:
        role = self.roles[who]
        return Code.NOT_FOUND if role is None else Code.FORBIDDEN if role < Role.COMMENTER else None

    def refused(self, who: str, target: CommentId, seen: str) -> Code | None:
        if (outside := self.outsider(who)) is not None:
            return outside
        if target not in self.known:
            return Code.NOT_FOUND
        return Code.STALE if seen == "wrong" else None

    def version(self, target: CommentId, seen: str) -> int | None:
        if seen == "none" or target not in self.known:
            return None
        return self.known[target].revision + (seen == "wrong")

    def done(self, deed: Awaitable[Comment], expected: Code | None) -> Comment | None:
        try:
            made = self.run(deed)
        except VaultError as error:
            assert error.code is expected
            return None
        assert expected is None
        return made


async def test_two_people_and_a_stranger_talk_as_the_model_says(vault: Vault, newcomer: Newcomer) -> None:
    loop = asyncio.get_running_loop()
    machine = type("Machine", (Talk,), {"vault": vault, "newcomer": staticmethod(newcomer), "loop": loop})
    limits = tried(max_examples=12, stateful_step_count=25, deadline=None)
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=limits)
