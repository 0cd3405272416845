"""A Redis client that all tasks of a process share: one connection, and what is asked together goes out together."""

from vaultstream.pipelined.client import Pipelined, Script
from vaultstream.pipelined.line import Reply

__all__ = ["Pipelined", "Reply", "Script"]
