"""The errors of KMS: a code, a sentence, and status 400 unless the request proved no identity or we failed."""

_STATUSES = {
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "UnrecognizedClientException": 403,
    "KMSInternalException": 500,
}


class KmsFault(Exception):
    """One KMS error answer; `code` is what botocore raises it as."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.status = _STATUSES.get(code, 400)


def invalid(message: str) -> KmsFault:
    """A `ValidationException`."""
    return KmsFault("ValidationException", message)
