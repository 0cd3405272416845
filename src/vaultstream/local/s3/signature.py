"""AWS Signature Version 4, checked: in the Authorization header or in a presigned query.

The steps follow "Signature Version 4 signing process" of the AWS documentation; S3 encodes the path once.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_SKEW = timedelta(minutes=15)
MAX_EXPIRES_SECONDS = 604_800


class Refused(Exception):
    """The request does not prove that it holds the secret key; `code` is S3's name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one access key that a local server knows."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signable:
    """The parts of a request that a signature covers, as they came over the wire; header names in lower case."""

    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified request: what it promised about its body, and what signs the chunks of a streamed one."""

    content_sha256: str
    signature: str
    signed_at: str
    scope: str
    signing_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Claim:
    credential: str
    signed_headers: str
    signature: str
    signed_at: str
    content_sha256: str

    @property
    def scope(self) -> str:
        return self.credential.partition("/")[2]


def query_pairs(raw_query: str) -> list[tuple[str, str]]:
    """A query string decoded as S3 does: `+` stays a plus sign."""
    pairs = (part.partition("=") for part in raw_query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def verify(request: Signable, credentials: Credentials, now: datetime) -> Grant:
    """Checks who signed `request` and when; raises `Refused`."""
    query = dict(query_pairs(request.raw_query))
    if "X-Amz-Signature" in query:
        claim = _presigned_claim(query, request.headers, now)
    elif "authorization" in request.headers:
        claim = _header_claim(request.headers, now)
    else:
        raise Refused("AccessDenied", "Sign the request with Signature Version 4.")
    _check_signed_names(claim, request.headers)
    if not claim.credential.startswith(credentials.access_key_id + "/"):
        raise Refused("InvalidAccessKeyId", "The access key ID you provided does not exist in our records.")
    key = _signing_key(credentials.secret_access_key, claim.scope)
    digest = hashlib.sha256(_canonical(request, claim).encode()).hexdigest()
    wanted = sign(key, f"{ALGORITHM}\n{claim.signed_at}\n{claim.scope}\n{digest}")
    if not hmac.compare_digest(wanted.encode(), claim.signature.encode()):
        raise Refused("SignatureDoesNotMatch", "The signature does not match; check the secret key and the method.")
    return Grant(claim.content_sha256, claim.signature, claim.signed_at, claim.scope, key)


def sign(signing_key: bytes, text: str) -> str:
    """The hexadecimal HMAC-SHA256 that ends every Signature Version 4 computation."""
    return hmac.new(signing_key, text.encode(), hashlib.sha256).hexdigest()


def _header_claim(headers: Mapping[str, str], now: datetime) -> _Claim:
    algorithm, _, rest = headers["authorization"].partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if algorithm != ALGORITHM or not {"Credential", "SignedHeaders", "Signature"} <= fields.keys():
        raise Refused("AuthorizationHeaderMalformed", "Sign the request with Signature Version 4.")
    signed_at = headers.get("x-amz-date", "")
    moment = _moment(signed_at, fields["Credential"], "AuthorizationHeaderMalformed")
    if abs(now - moment) > MAX_SKEW:
        raise Refused("RequestTimeTooSkewed", "The clocks of the client and the server are too far apart.")
    return _Claim(
        fields["Credential"],
        fields["SignedHeaders"],
        fields["Signature"],
        signed_at,
        headers.get("x-amz-content-sha256", ""),
    )


def _presigned_claim(query: Mapping[str, str], headers: Mapping[str, str], now: datetime) -> _Claim:
    malformed = "AuthorizationQueryParametersError"
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date")
    if query.get("X-Amz-Algorithm") != ALGORITHM or any(name not in query for name in names):
        raise Refused(malformed, "Presign the request with Signature Version 4.")
    credential, signed_headers, signature, signed_at = (query[name] for name in names)
    moment = _moment(signed_at, credential, malformed)
    expires = query.get("X-Amz-Expires", "")
    if not (expires.isascii() and expires.isdigit()) or not 1 <= int(expires) <= MAX_EXPIRES_SECONDS:
        raise Refused(malformed, "X-Amz-Expires must be between 1 and 604800 seconds.")
    if now > moment + timedelta(seconds=int(expires)):
        raise Refused("AccessDenied", "Request has expired")
    if moment > now + MAX_SKEW:
        raise Refused("AccessDenied", "Request is not valid yet")
    content = query.get("X-Amz-Content-Sha256") or headers.get("x-amz-content-sha256", UNSIGNED)
    return _Claim(credential, signed_headers, signature, signed_at, content)


def _moment(signed_at: str, credential: str, malformed: str) -> datetime:
    scope = credential.split("/")
    try:
        moment = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused(malformed, "The date of the signature must look like 20260131T235959Z.") from error
    if len(scope) != 5 or scope[1] != signed_at[:8] or scope[4] != "aws4_request":
        raise Refused(malformed, "The credential must be KEY/DATE/REGION/SERVICE/aws4_request.")
    return moment


def _check_signed_names(claim: _Claim, headers: Mapping[str, str]) -> None:
    signed = set(claim.signed_headers.split(";"))
    owed = {name for name in headers if name.startswith("x-amz-") and name != "x-amz-content-sha256"} | {"host"}
    if owed - signed:
        raise Refused("AccessDenied", "There were headers present in the request which were not signed")


def _canonical(request: Signable, claim: _Claim) -> str:
    query = sorted((_quoted(name), _quoted(value)) for name, value in query_pairs(request.raw_query))
    names = claim.signed_headers.split(";")
    return "\n".join(
        (
            request.method,
            quote(unquote(request.raw_path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query if name != "X-Amz-Signature"),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            claim.signed_headers,
            claim.content_sha256,
        )
    )


def _quoted(value: str) -> str:
    return quote(value, safe="-_.~")


def _signing_key(secret: str, scope: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for step in scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key
