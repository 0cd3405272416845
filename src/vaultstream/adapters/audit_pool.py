"""Connections to a PostgreSQL of the audit log."""

from vaultstream.errors import Code, VaultError
from vaultstream.postgres import Init, Pool


class AuditUnavailable(VaultError):
    """PostgreSQL cannot be reached or cannot work now; the same call may succeed later."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "The audit log cannot be reached. Try again in a moment.")


def audit_pool(name: str, dsn: str, init: Init | None, *, patience_seconds: float | None = None) -> Pool:
    """A pool whose connections raise AuditUnavailable."""
    return Pool(name, dsn, AuditUnavailable, init=init, patience_seconds=patience_seconds)
