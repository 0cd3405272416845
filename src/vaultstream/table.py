"""The one DynamoDB table as a contract: keys, indexes, prefixes. CDK and the local provisioner read it too."""

from dataclasses import dataclass

PK = "PK"
SK = "SK"
TTL = "ttl"
TABLE_NAME_MINIMUM = 11  # a stream's shard id holds the table's name and must be 28 characters long
OUTBOX_SHARDS = 4
DUE_SHARDS = 4


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index: its name and its two key attributes."""

    name: str
    pk: str
    sk: str


GSI1 = Index("GSI1", "GSI1PK", "GSI1SK")  # a person's things
GSI2 = Index("GSI2", "GSI2PK", "GSI2SK")  # names
GSI3 = Index("GSI3", "GSI3PK", "GSI3SK")  # work that falls due
INDEXES = (GSI1, GSI2, GSI3)


@dataclass(frozen=True, slots=True)
class Key:
    """Where an item lives."""

    pk: str
    sk: str

    def attributes(self) -> dict[str, str]:
        """The two key attributes, for a request."""
        return {PK: self.pk, SK: self.sk}


ENTRY = "ENTRY#"
VERSION = "VERSION#"
PART = "PART#"
GRANT = "GRANT#USER#"
LINK = "LINK#"
COMMENT = "COMMENT#"
TOKEN = "TOKEN#"  # noqa: S105  # a prefix, and no secret
ENTRY_END = "ENTRY$"  # "$" follows "#": no entry sorts after it
VERSION_END = "VERSION$"
PART_END = "PART$"
GRANT_END = "GRANT#USER$"
LINK_END = "LINK$"
COMMENT_END = "COMMENT$"
TOKEN_END = "TOKEN$"  # noqa: S105  # as above
OUTBOX = "OUTBOX#"
TRASHED = "AT#"
CACHED = ("USER#", "FOLDER#", "FILE#", "TOKEN#", "TRASH#")  # partitions that are read through the cache


def user(user_id: str) -> Key:
    """A person."""
    return Key(f"USER#{user_id}", "#USER")


def email_claim(email: str) -> Key:
    """What makes an e-mail address unique; it names the person who has it."""
    return Key(f"EMAIL#{email.casefold()}", "#CLAIM")


def folder(folder_id: str) -> Key:
    """A folder; its entries are in the same collection."""
    return Key(f"FOLDER#{folder_id}", "#FOLDER")


def entry(parent_id: str, folded_name: str) -> Key:
    """A child under its name, with all that a listing shows. The sort key makes the name unique."""
    return Key(f"FOLDER#{parent_id}", ENTRY + folded_name)


def file(file_id: str) -> Key:
    """A file; its versions are in the same collection."""
    return Key(f"FILE#{file_id}", "#FILE")


def version(file_id: str, number: int) -> Key:
    """One version of a file."""
    return Key(f"FILE#{file_id}", f"{VERSION}{number:010d}")


def item(item_id: str) -> Key:
    """A folder or a file, whichever the id names; its grants and links are in the same collection."""
    return folder(item_id) if item_id.startswith("folder_") else file(item_id)


def grant(item_id: str, user_id: str) -> Key:
    """What one person was given on one folder or file."""
    return Key(item(item_id).pk, f"{GRANT}{user_id}")


def link(item_id: str, unique: str) -> Key:
    """A link, in the collection of what it is to."""
    return Key(item(item_id).pk, f"{LINK}{unique}")


def link_token(token_sha256: str) -> Key:
    """Where a link is, by the hash of its token."""
    return Key(f"{LINK}{token_sha256}", "#LINK")


def link_guesses(token_sha256: str) -> Key:
    """How often the password of a link was tried of late."""
    return Key(f"{LINK}{token_sha256}", "#GUESSES")


def comment(file_id: str, unique: str) -> Key:
    """A comment on a file; ULIDs keep them in the order of time."""
    return Key(f"FILE#{file_id}", f"{COMMENT}{unique}")


def access_token(secret_sha256: str) -> Key:
    """A program's token, by the hash of its secret."""
    return Key(f"{TOKEN}{secret_sha256}", "#TOKEN")


def persons_token(user_id: str, unique: str) -> Key:
    """A token among those of its person; ULIDs keep them in the order of time."""
    return Key(user(user_id).pk, f"{TOKEN}{unique}")


def token_roll(user_id: str) -> Key:
    """Which tokens of a person may be good."""
    return Key(user(user_id).pk, "#TOKENS")


def upload(upload_id: str) -> Key:
    """An upload; its parts are in the same collection."""
    return Key(f"UPLOAD#{upload_id}", "#UPLOAD")


def upload_part(upload_id: str, number: int) -> Key:
    """One part of an upload's object (1 to 10,000)."""
    return Key(f"UPLOAD#{upload_id}", f"{PART}{number:05d}")


def outbox(event_id: str) -> Key:
    """An event on its way out; the shard comes from the id, so that no partition is hot."""
    return Key(f"{OUTBOX}{sum(event_id.encode()) % OUTBOX_SHARDS}", event_id)


def outbox_shards() -> tuple[str, ...]:
    """Every partition that may hold events."""
    return tuple(f"{OUTBOX}{shard}" for shard in range(OUTBOX_SHARDS))


def trashed(owner_id: str, trashed_at: str, item_id: str) -> Key:
    """The root of something that was thrown away, in its owner's trash; times are text that sorts."""
    return Key(trash_of(owner_id), f"{TRASHED}{trashed_at}#{item_id}")


def trash_of(owner_id: str) -> str:
    """The partition of a person's trash."""
    return f"TRASH#{owner_id}"


def purge(item_id: str) -> Key:
    """A purge that is under way."""
    return Key(f"PURGE#{item_id}", "#PURGE")


def shred(version_id: str) -> Key:
    """What a version that is gone has left in S3."""
    return Key(f"SHRED#{version_id}", "#SHRED")


def thinning(file_id: str) -> Key:
    """When to look for versions of a file that need not be kept."""
    return Key(f"THIN#{file_id}", "#THIN")


def signatures() -> Key:
    """Which rules the scanners have, and since when."""
    return Key("SIGNATURES", "#SIGNATURES")


def scrub() -> Key:
    """How far the integrity scrub has come."""
    return Key("SCRUB", "#SCRUB")


def look(version_id: str) -> Key:
    """When to ask S3 how it keeps a version."""
    return Key(f"LOOK#{version_id}", "#LOOK")


def person_key(subject: str) -> Key:
    """The wrapped key under which the audit log seals what is personal of a person, or that it was erased."""
    return Key(f"AUDITKEY#{subject}", "#AUDITKEY")


def once(actor_id: str, key: str) -> Key:
    """What a mutation with this idempotency key has answered."""
    return Key(f"ONCE#{actor_id}#{key}", "#ONCE")


def persons_things(user_id: str) -> str:
    """GSI1 partition of what belongs to a person."""
    return f"USER#{user_id}"


def owners_names(user_id: str) -> str:
    """GSI2 partition of the names in a person's tree."""
    return f"OWNER#{user_id}"


def cache_state() -> Key:
    """Whether processes may believe the cache, and which of what is in it."""
    return Key("CACHE", "#STATE")


def due_shard(kind: str, unique: str) -> str:
    """GSI3 partition for work of one kind ("SCAN", "THUMBNAIL", "UPLOAD") that falls due."""
    return f"DUE#{kind}#{sum(unique.encode()) % DUE_SHARDS}"


def due_shards(kind: str) -> tuple[str, ...]:
    """Every GSI3 partition of one kind of work."""
    return tuple(f"DUE#{kind}#{shard}" for shard in range(DUE_SHARDS))
