"""A partner's Python program on a client that ariadne-codegen made: every name and value below is of a generated type.

Run in an environment of its own, beside the generated package: `python tour.py WORLD`, where WORLD is JSON.
"""

import asyncio
import json
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from vault_client import (  # made by the generator, next to this file
    AccessScope,
    AccessTokenCreateInput,
    AccessTokenRevokeInput,
    Client,
    CommentAddInput,
    DownloadCreateInput,
    FileTagsSetInput,
    FolderChangeKind,
    FolderCreateInput,
    FolderRenameInput,
    GraphQLClientHttpError,
    Role,
    ScanStatus,
    ShareGrantInput,
    ShareLinkCreateInput,
    ShareRevokeInput,
)


class Tour:
    """Alice's program, bob's, and one of nobody's."""

    def __init__(self, world: dict[str, str]) -> None:
        self.world = world
        self.alice, self.bob, self.guest = (self.client(world["alice"]), self.client(world["bob"]), self.client(None))

    def client(self, token: str | None) -> Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.world["url"]
        return Client(
            url,
            headers,
            ws_url=url.replace("http", "ws", 1),
            ws_connection_init_payload={"authorization": headers.get("Authorization")},
        )

    async def folders(self) -> None:
        alice, parent_id = self.alice, self.world["folder_id"]
        made = (await alice.folder_create(FolderCreateInput(parent_id=parent_id, name="made by python"))).folder_create
        assert made.folder is not None
        assert made.errors == []
        named = FolderRenameInput(folder_id=made.folder.id, name="again", if_version=made.folder.revision)
        renamed = (await alice.folder_rename(named)).folder_rename
        assert renamed.folder is not None
        assert renamed.folder.name == "again"
        stale = (await alice.folder_rename(named)).folder_rename
        assert (stale.folder, [error.code.value for error in stale.errors]) == (None, ["STALE"])
        page = (await alice.folder_page(id=parent_id, first=100)).folder
        assert page is not None
        assert {"again", "report.txt"} <= {edge.node.name for edge in page.children.edges}
        assert page.updated_at.tzinfo is not None

    async def files(self) -> None:
        alice, file_id = self.alice, self.world["file_id"]
        file = (await alice.file_details(file_id)).file
        assert file is not None
        assert (file.scan.status, file.size_bytes) == (ScanStatus.CLEAN, 12)
        tagged = (await alice.file_tags_set(FileTagsSetInput(file_id=file_id, tags=["python"]))).file_tags_set
        assert tagged.file is not None
        assert tagged.file.tags == ["python"]
        said = (await alice.comment_add(CommentAddInput(file_id=file_id, body="from python"))).comment_add
        assert said.comment is not None
        link = (await alice.download_create(DownloadCreateInput(file_id=file_id))).download_create
        assert link.url is not None
        found = (await alice.search(text="report", first=5)).search
        assert all("report" in edge.node.name for edge in found.edges)

    async def sharing(self) -> None:
        alice, folder_id = self.alice, self.world["folder_id"]
        assert (await self.bob.folder_page(id=folder_id, first=1)).folder is None
        wanted = ShareGrantInput(item_id=folder_id, email="bob@example.com", role=Role.VIEWER)
        given = (await alice.share_grant(wanted)).share_grant
        assert given.share is not None
        assert (await self.bob.folder_page(id=folder_id, first=1)).folder is not None
        await alice.share_revoke(ShareRevokeInput(share_id=given.share.id))
        assert (await self.bob.folder_page(id=folder_id, first=1)).folder is None
        made = (await alice.share_link_create(ShareLinkCreateInput(item_id=folder_id))).share_link_create
        assert made.token is not None
        behind = (await self.guest.behind_link(token=made.token)).share_link
        assert behind is not None
        assert behind.is_folder

    async def programs(self) -> None:
        ends = datetime.now(UTC) + timedelta(hours=1)
        wanted = AccessTokenCreateInput(name="python", scopes=[AccessScope.READ], expires_at=ends)
        made = (await self.alice.access_token_create(wanted)).access_token_create
        assert made.access_token is not None
        program = self.client(made.secret)
        refused = await program.folder_create(FolderCreateInput(parent_id=self.world["folder_id"], name="no"))
        assert [error.code.value for error in refused.folder_create.errors] == ["FORBIDDEN"]
        await self.alice.access_token_revoke(AccessTokenRevokeInput(access_token_id=made.access_token.id))
        try:
            await program.viewer()
        except GraphQLClientHttpError as error:
            assert error.status_code == 401  # there is no pytest here
        else:
            raise AssertionError("a token that was revoked still works")

    async def watching(self) -> None:
        parent_id, kinds = self.world["folder_id"], []
        async with aclosing(self.alice.watch_folder(folder_id=parent_id)) as changes:
            async for change in changes:
                kinds.append(change.folder_changed.kind)
                if len(kinds) == 2:
                    break
                await self.alice.folder_create(FolderCreateInput(parent_id=parent_id, name="while python watches"))
        assert kinds == [FolderChangeKind.PRESENT, FolderChangeKind.ADDED]


async def main() -> None:
    tour = Tour(json.loads(sys.argv[1]))
    for part in (tour.folders, tour.files, tour.sharing, tour.programs, tour.watching):
        await part()
        print(part.__name__)
    for client in (tour.alice, tour.bob, tour.guest):
        await client.http_client.aclose()


asyncio.run(main())
