"""What is asked: the same operations of every server, over many folders and files in turn."""

import json
import random
from dataclasses import dataclass

from benchmarks.seeding import COMMENTS, SHARES, VERSIONS

FILES_IN_A_FOLDER = 25
_PEOPLE = "owner { id displayName }"
PAGE = f"""query Page($id: ID!) {{ folder(id: $id) {{ id name children(first: {FILES_IN_A_FOLDER}) {{
  edges {{ cursor node {{ __typename id name ... on File {{ sizeBytes contentType updatedAt {_PEOPLE}
    currentVersion {{ id number sizeBytes createdAt }} thumbnail {{ status }}
    capabilities {{ canRead canDownload canEdit canDelete canShare }} }} }} }}
  pageInfo {{ hasNextPage endCursor }} }} }} }}"""
FILE = f"""query File($id: ID!) {{ file(id: $id) {{ id name sizeBytes {_PEOPLE}
  versions(first: {VERSIONS}) {{ edges {{ node {{ id number sizeBytes createdAt }} }} }}
  comments(first: {COMMENTS}) {{ edges {{ node {{ id body createdAt author {{ id displayName }} }} }} }}
  shares(first: {SHARES}) {{ edges {{ node {{ id role grantee {{ id displayName }} }} }} }} }} }}"""
TAG = "mutation Tag($input: FileTagsSetInput!) { fileTagsSet(input: $input) { file { id tags } errors { message } } }"


@dataclass(frozen=True, slots=True)
class Places:
    """The ids of what there is to ask for."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """Bodies of requests that are sent in turn, again and again."""

    name: str
    title: str
    bodies: tuple[bytes, ...]


def body(query: str, **variables: object) -> bytes:
    """A request as clients send it."""
    return json.dumps({"query": query, "variables": variables}).encode()


def pages(places: Places) -> Workload:
    """W1."""
    title = f"W1: a folder page of {FILES_IN_A_FOLDER} files with owner, version, thumbnail state and capabilities"
    return Workload("W1", title, tuple(body(PAGE, id=each) for each in places.folders))


def files(places: Places) -> Workload:
    """W2."""
    title = f"W2: one file with {VERSIONS} versions, {COMMENTS} comments and {SHARES} shares"
    return Workload("W2", title, tuple(body(FILE, id=each) for each in places.files))


def mix(places: Places) -> Workload:
    """W3, always in the same order."""
    chance, bodies = random.Random(3), []  # a shuffle that repeats
    for number in range(1000):
        if number % 20 == 0:
            tags = [f"turn {number}"]
            bodies.append(body(TAG, input={"fileId": chance.choice(places.files), "tags": tags}))
        elif chance.random() < 0.8:
            bodies.append(body(PAGE, id=chance.choice(places.folders)))
        else:
            bodies.append(body(FILE, id=chance.choice(places.files)))
    return Workload("W3", "W3: pages and files, 4 to 1, with 5% writes (tags of a file)", tuple(bodies))
