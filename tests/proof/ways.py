"""Every way into the vault and what it asks for: a row for each mutation, query, subscription and route.

`test_ways` fails where the schema or the app has a way that has no row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from vaultstream.access import Deed

SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()  # no suite takes so long
ERRORS = "errors { __typename code message path }"


@dataclass(frozen=True, slots=True)
class Need:
    """An id that a way takes: in which field, which of the world's things it is of, and the deed it stands for.

    `deed` is None for what is somebody's own and nobody else's, whatever they may do to the item it belongs to.
    """

    field: str
    thing: str
    deed: Deed | None
    hidden: bool = False  # who may see the item, but not do this, is told NOT_FOUND as well


@dataclass(frozen=True, slots=True)
class Way:
    """A field of the schema with the ids that it takes and whatever else it must be given."""

    name: str
    needs: tuple[Need, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values
    called: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.called or ' '.join(need.thing for need in self.needs)}".strip()


def _file(deed: Deed) -> Need:
    return Need("fileId", "file", deed)


def _folder(deed: Deed, name: str = "folderId") -> Need:
    return Need(name, "folder", deed)


def _into(thing: str = "beside") -> Need:
    return Need("parentId", thing, Deed.EDIT)


def _comment(thing: str, deed: Deed) -> Need:
    return Need("commentId", thing, deed)


def _share(name: str) -> Need:
    return Need(name, "share", Deed.SHARE, hidden=True)


_LINK = Need("shareLinkId", "link", Deed.SHARE, hidden=True)
_FIRST = {"versionNumber": 1}

MUTATIONS = (
    Way("accessTokenCreate", (_folder(Deed.READ),), {"name": "x", "scopes": ["READ"], "expiresAt": SOON}),
    Way("accessTokenRevoke", (Need("accessTokenId", "token", None),)),
    Way("commentAdd", (_file(Deed.COMMENT),), {"body": "words"}),
    Way("commentAdd", (_file(Deed.COMMENT), Need("replyToId", "comment", Deed.COMMENT)), {"body": "words"}, "a reply"),
    Way("commentEdit", (_comment("own comment", Deed.COMMENT),), {"body": "other words"}),
    Way("commentDelete", (_comment("own comment", Deed.COMMENT),)),
    Way("commentDelete", (_comment("comment", Deed.SHARE),)),
    Way("commentResolve", (_comment("own comment", Deed.COMMENT),)),
    Way("commentResolve", (_comment("comment", Deed.EDIT),)),
    Way("commentReopen", (_comment("own comment", Deed.COMMENT),)),
    Way("commentReopen", (_comment("comment", Deed.EDIT),)),
    Way("downloadCreate", (_file(Deed.DOWNLOAD),)),
    Way("downloadCreate", (_file(Deed.DOWNLOAD),), _FIRST, "of a version"),
    Way("fileCopy", (_file(Deed.DOWNLOAD), _into()), {"name": "a copy"}),
    Way("fileMove", (_file(Deed.EDIT), _into())),
    Way("filePurge", (_file(Deed.PURGE),)),
    Way("fileRename", (_file(Deed.EDIT),), {"name": "another"}),
    Way("fileRename", (_file(Deed.EDIT),), {"name": "another", "ifVersion": 1}, "as seen"),
    Way("fileRestore", (_file(Deed.RESTORE),)),
    Way("fileTagsSet", (_file(Deed.EDIT),), {"tags": ["new"]}),
    Way("fileTrash", (_file(Deed.DELETE),)),
    Way("folderCreate", (_folder(Deed.EDIT, "parentId"),), {"name": "new"}),
    Way("folderMove", (_folder(Deed.EDIT), _into())),
    Way("folderPurge", (_folder(Deed.PURGE),)),
    Way("folderRename", (_folder(Deed.EDIT),), {"name": "another"}),
    Way("folderRestore", (_folder(Deed.RESTORE),)),
    Way("folderTrash", (_folder(Deed.DELETE),)),
    Way("quarantineRelease", (_file(Deed.SHARE),), {"reason": "we sent it"}),
    Way("scanRetry", (_file(Deed.EDIT),)),
    Way("shareGrant", (Need("itemId", "file", Deed.SHARE),), {"email": "?email", "role": "VIEWER", "expiresAt": SOON}),
    Way(
        "shareGrant", (Need("itemId", "folder", Deed.SHARE),), {"email": "?email", "role": "VIEWER", "expiresAt": SOON}
    ),
    Way("shareLinkCreate", (Need("itemId", "file", Deed.SHARE),), {"expiresAt": SOON}),
    Way("shareLinkCreate", (Need("itemId", "folder", Deed.SHARE),), {"expiresAt": SOON}),
    Way("shareLinkRevoke", (_LINK,)),
    Way("shareLinkUpdate", (_LINK,), {"viewOnly": True, "expiresAt": SOON}),
    Way("shareRevoke", (_share("shareId"),)),
    Way("shareUpdate", (_share("shareId"),), {"role": "VIEWER", "expiresAt": SOON}),
    Way("thumbnailHasten", (_file(Deed.READ),)),
    Way("storageRestore", (_file(Deed.DOWNLOAD),), {"days": 3}),
    Way("thumbnailRetry", (_file(Deed.EDIT),)),
    Way("uploadAbort", (Need("uploadId", "upload", None),)),
    Way("uploadBegin", (_folder(Deed.EDIT),), {"name": "new.txt", "sizeBytes": 5}),
    Way("uploadBegin", (_file(Deed.EDIT),), {"sizeBytes": 5}),
    Way("versionDelete", (_file(Deed.PURGE),), _FIRST),
    Way("versionLabel", (_file(Deed.EDIT),), {**_FIRST, "label": "kept"}),
    Way("versionRestore", (_file(Deed.EDIT),), _FIRST),
    Way("zipCreate", (Need("itemIds", "file", Deed.DOWNLOAD),)),
    Way("zipCreate", (Need("itemIds", "folder", Deed.DOWNLOAD),)),
)

# Queries that take an id: what they find, and which deed it takes to find it.
QUERIES = (
    Way("node", (Need("id", "file", Deed.READ),)),
    Way("node", (Need("id", "folder", Deed.READ),)),
    Way("node", (Need("id", "version", Deed.READ),)),
    Way("node", (Need("id", "comment", Deed.READ),)),
    Way("node", (Need("id", "share", Deed.SHARE),)),
    Way("node", (Need("id", "link", Deed.SHARE),)),
    Way("node", (Need("id", "upload", None),)),
    Way("node", (Need("id", "token", None),)),
    Way("node", (Need("id", "user", None),)),
    Way("nodes", (Need("ids", "file", Deed.READ),)),
    Way("file", (Need("id", "file", Deed.READ),)),
    Way("folder", (Need("id", "folder", Deed.READ),)),
)
ASKED = {
    "node": "query ($id: ID!) { node(id: $id) { __typename id } }",
    "nodes": "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
    "file": """query ($id: ID!) {
        file(id: $id) { id name currentVersion { id } versions(first: 1) { edges { cursor } } } }""",
    "folder": "query ($id: ID!) { folder(id: $id) { id name children(first: 9) { edges { node { id name } } } } }",
}
# Queries that take no id, or give nothing for one: each has a test of its own, here or in `tests/gql`.
LISTS = {"search", "sharedWithMe", "trash", "recent"}
AUDIT = {"auditEvents", "auditCheckpoint"}  # for auditors, who are told of everybody's deeds and see nobody's items
OTHER_QUERIES = LISTS | AUDIT | {"access", "exposure", "exposureReport", "shareLink", "storageCost"}
OWN_QUERIES = {"viewer", "rateLimit", "accessTokens"}  # of the viewer's account, and of nobody's items

SUBSCRIPTIONS = (
    Way("fileStatus", (_file(Deed.READ),)),
    Way("fileStatus", (_folder(Deed.READ),)),
    Way("folderChanged", (_folder(Deed.READ),)),
    Way("commentAdded", (_file(Deed.READ),)),
    Way("uploadProgress", (Need("uploadId", "upload", None),)),
)
_SEEN = {"fileStatus": "at", "folderChanged": "kind", "commentAdded": "id", "uploadProgress": "id"}

# Routes: what each serves. Those of `ITEM_ROUTES` give bytes or news of items, and are tried in `test_explained`.
ITEM_ROUTES = {
    "/uploads": "POST: Deed.EDIT on the folder or file",
    "/uploads/{upload_id}": "HEAD, DELETE: one's own; PATCH: one's own while Deed.EDIT holds",
    "/content/{file_id}/{version_number}": "Deed.DOWNLOAD",
    "/content/{file_id}/{version_number}/thumbnail/{edge}": "Deed.DOWNLOAD; by a link Deed.READ",
    "/zip": "Deed.DOWNLOAD on any of it",
    "/s/{token}": "Deed.READ, by the link",
    "/s/{token}/download": "Deed.DOWNLOAD, by the link",
    "/graphql": "the ways above",
}
PLAIN_ROUTES = {"/health", "/ready", "/metrics", "/", "/config.json", "/favicon.svg", "/assets"}  # of nobody's items
AUDIT_ROUTES = {"/audit/export"}  # as AUDIT


def mutation(way: Way, ids: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text of a mutation and its variables, with these ids in its fields."""
    kind = f"{way.name[0].upper()}{way.name[1:]}Input"
    return f"mutation ($input: {kind}!) {{ {way.name}(input: $input) {{ {ERRORS} }} }}", {"input": {**way.given, **ids}}


def query(way: Way, ids: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text of a query and its variables."""
    return ASKED[way.name], dict(ids)


def subscription(way: Way, ids: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text of a subscription and its variables."""
    (argument,) = (need.field for need in way.needs)
    return f"subscription ($id: ID!) {{ {way.name}({argument}: $id) {{ {_SEEN[way.name]} }} }}", {"id": ids[argument]}


def filled(way: Way, things: Mapping[str, str]) -> dict[str, Any]:
    """The ids of a way's fields; one whose name tells of many gets a list."""
    return {need.field: [things[need.thing]] if need.field.endswith("ds") else things[need.thing] for need in way.needs}
