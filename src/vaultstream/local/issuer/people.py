"""The made-up people who can sign in to a local vault."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the local issuer vouches for; `subject` is stable and never shown."""

    subject: str
    email: str
    name: str
    about: str


PEOPLE = (
    Person("local-alice", "alice@example.com", "Alice", "has files to keep"),
    Person("local-bob", "bob@example.com", "Bob", "has files of his own"),
    Person("local-mallory", "mallory@example.com", "Mallory", "would like to see theirs"),
)


def by_email(email: str) -> Person | None:
    """The person with this address, in any case."""
    return next((person for person in PEOPLE if person.email == email.strip().casefold()), None)


def by_subject(subject: str) -> Person | None:
    """The person a grant was made for."""
    return next((person for person in PEOPLE if person.subject == subject), None)
