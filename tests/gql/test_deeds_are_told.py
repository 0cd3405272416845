"""Every way to change or to get something has an event: a new one that names none fails here."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from vaultstream.events import EventName as Deed
from vaultstream.gql import schema
from vaultstream.http.app import create_app
from vaultstream.settings import Settings

MUTATIONS = {
    "accessTokenCreate": Deed.TOKEN_CREATED,
    "accessTokenRevoke": Deed.TOKEN_REVOKED,
    "commentAdd": Deed.COMMENT_ADDED,
    "commentDelete": Deed.COMMENT_DELETED,
    "commentEdit": Deed.COMMENT_EDITED,
    "commentReopen": Deed.COMMENT_REOPENED,
    "commentResolve": Deed.COMMENT_RESOLVED,
    "downloadCreate": Deed.DOWNLOAD_LINKED,
    "fileCopy": Deed.FILE_COPIED,
    "fileMove": Deed.FILE_MOVED,
    "filePurge": Deed.FILE_PURGE_BEGUN,
    "fileRename": Deed.FILE_RENAMED,
    "fileRestore": Deed.FILE_RESTORED,
    "fileTagsSet": Deed.FILE_TAGGED,
    "fileTrash": Deed.FILE_TRASHED,
    "folderCreate": Deed.FOLDER_CREATED,
    "folderMove": Deed.FOLDER_MOVED,
    "folderPurge": Deed.FOLDER_PURGE_BEGUN,
    "folderRename": Deed.FOLDER_RENAMED,
    "folderRestore": Deed.FOLDER_RESTORED,
    "folderTrash": Deed.FOLDER_TRASHED,
    "quarantineRelease": Deed.VERSION_RELEASED,
    "scanRetry": Deed.SCAN_DUE,
    "shareGrant": Deed.SHARE_GRANTED,
    "shareLinkCreate": Deed.LINK_CREATED,
    "shareLinkRevoke": Deed.LINK_REVOKED,
    "shareLinkUpdate": Deed.LINK_UPDATED,
    "shareRevoke": Deed.SHARE_REVOKED,
    "shareUpdate": Deed.SHARE_UPDATED,
    "storageRestore": Deed.STORAGE_RESTORE_ASKED,
    "thumbnailHasten": Deed.THUMBNAIL_HASTENED,
    "thumbnailRetry": Deed.THUMBNAIL_DUE,
    "uploadAbort": Deed.UPLOAD_ABORTED,
    "uploadBegin": Deed.UPLOAD_BEGUN,
    "versionDelete": Deed.VERSION_DELETED,
    "versionLabel": Deed.VERSION_LABELLED,
    "versionRestore": Deed.VERSION_RESTORED,
    "zipCreate": Deed.DOWNLOAD_LINKED,
}
# None: it gives and changes nothing that is anybody's. GraphQL's deeds are its mutations'.
ROUTES = {
    "/": None,
    "/assets": None,
    "/audit/export": Deed.AUDIT_EXPORTED,
    "/config.json": None,
    "/content/{file_id}/{version_number}": Deed.DOWNLOAD_BEGUN,
    "/content/{file_id}/{version_number}/thumbnail/{edge}": Deed.DOWNLOAD_BEGUN,
    "/favicon.svg": None,
    "/graphql": None,
    "/health": None,
    "/metrics": None,
    "/ready": None,
    "/s/{token}": None,
    "/s/{token}/download": Deed.DOWNLOAD_LINKED,
    "/uploads": Deed.UPLOAD_BEGUN,
    "/uploads/{upload_id}": Deed.VERSION_STORED,
    "/zip": Deed.DOWNLOAD_BEGUN,
}


def test_every_mutation_names_its_event() -> None:
    mutations = schema.executable().mutation_type
    assert mutations is not None
    assert set(mutations.fields) == set(MUTATIONS)


def routes_of(app: object) -> list[BaseRoute]:
    """The routes of the application within its wrappings."""
    while not isinstance(app, Starlette):
        app = vars(app)["_app"]
    return app.routes


def test_every_way_in_names_its_event_or_that_it_needs_none(settings: Settings) -> None:
    routes = routes_of(create_app(settings))
    named = {route.path for route in routes if isinstance(route, Route | WebSocketRoute | Mount)}
    assert len({getattr(route, "path", route) for route in routes}) == len(named)
    assert named == set(ROUTES)
