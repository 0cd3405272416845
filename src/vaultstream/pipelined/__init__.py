"""A Redis client that all tasks of a process share: one connection, and what is asked together goes out together."""

from vaultstream.pipelined.client import Pipelined, Script

__all__ = ["Pipelined", "Script"]
