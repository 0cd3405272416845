"""Signed URLs in CloudFront's own scheme: made for it, and checked here where no CloudFront stands in front.

RSA with PKCS #1 v1.5 over SHA-256, which CloudFront takes of a URL that ends in `Hash-Algorithm=SHA256` (its
default is still SHA-1, and is not accepted here). Format: CloudFront Developer Guide, "Create a signed URL using
a canned policy" and "Create a signed URL using a custom policy".
"""

import base64
import binascii
import ipaddress
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from vaultstream.errors import Code, VaultError

_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+/[A-Za-z0-9._~:/@!$&'()*+,;=%-]*(\?[A-Za-z0-9._~:/@!$&'()*+,;=%-]+)?")
_RESERVED = re.compile(r"[?&](Expires|Policy|Signature|Key-Pair-Id|Hash-Algorithm)=")
_SIGNED = re.compile(
    r"(?P<base>[^\s#]+?)(?P<joint>[?&])"
    r"(?:Expires=(?P<expires>[1-9][0-9]{0,10})|Policy=(?P<policy>[A-Za-z0-9~-]+_{0,2}))"
    r"&Signature=(?P<signature>[A-Za-z0-9~-]+_{0,2})&Key-Pair-Id=(?P<key>[A-Za-z0-9]+)&Hash-Algorithm=SHA256"
)
_TO_URL = bytes.maketrans(b"+=/", b"-_~")
_FROM_URL = bytes.maketrans(b"-_~", b"+=/")
_RSA_BITS = 2048  # the one RSA size that CloudFront takes


@dataclass(frozen=True, slots=True)
class Policy:
    """What a signed URL opens: `resource` (`*` is any text, `?` any one character), when, and for which addresses.

    It holds until before `before`, and from `after` on; whole seconds count. CloudFront knows IPv4 sources only.
    """

    resource: str
    before: datetime
    after: datetime | None = None
    source: ipaddress.IPv4Network | None = None

    def to_text(self) -> str:
        """The text that is signed, byte for byte as botocore's `CloudFrontSigner.build_policy` makes it."""
        after = None if self.after is None else _epoch(self.after)
        return _policy_text(self.resource, _epoch(self.before), after, self.source)

    @classmethod
    def from_text(cls, text: bytes) -> "Policy":
        """Read a signed text; raises ValueError for a condition that is not known here, rather than skip it."""
        match json.loads(text):
            case {
                "Statement": [
                    {"Resource": str(resource), "Condition": {"DateLessThan": before, **others}, **no_more},
                ],
                **nothing,
            } if not no_more and not nothing and others.keys() <= {"DateGreaterThan", "IpAddress"}:
                after = _moment(others["DateGreaterThan"]) if "DateGreaterThan" in others else None
                source = _network(others["IpAddress"]) if "IpAddress" in others else None
                return cls(resource, _moment(before), after, source)
        raise ValueError("not a policy of one statement with known conditions")

    def covers(self, url: str) -> bool:
        """Whether the resource's pattern fits this URL (without its signing parameters)."""
        wild = {"*": ".*", "?": "."}
        pattern = "".join(wild.get(char) or re.escape(char) for char in self.resource)
        return re.fullmatch(pattern, url) is not None


class Signer:
    """Makes signed URLs with the one private key it hides, and tells its own from all others."""

    __slots__ = ("_key_pair_id", "_private", "_public")

    def __init__(self, private_key_pem: str, key_pair_id: str) -> None:
        """Read the key; raises ValueError unless it is RSA of 2,048 bits and the id of letters and digits."""
        private = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey) or private.key_size != _RSA_BITS:
            raise ValueError(f"CloudFront takes an RSA key of {_RSA_BITS} bits")
        if not re.fullmatch("[A-Za-z0-9]+", key_pair_id):
            raise ValueError("a key pair id is of letters and digits")
        self._private = private
        self._public = private.public_key()
        self._key_pair_id = key_pair_id

    def __repr__(self) -> str:
        """Name the key pair, and nothing of the key."""
        return f"Signer({self._key_pair_id!r})"

    def sign(self, url: str, expires_at: datetime) -> str:
        """The URL, good until `expires_at` (whole seconds); ValueError for a URL that has no one spelling."""
        text = Policy(url, expires_at).to_text()
        return self._signed(url, f"Expires={_epoch(expires_at)}", text)

    def sign_policy(self, url: str, policy: Policy) -> str:
        """The URL under a policy of its own, which must cover it; the policy's text travels in the URL."""
        if not policy.covers(url):
            raise ValueError("a policy covers the URL that carries it")
        text = policy.to_text()
        return self._signed(url, f"Policy={_encode(text.encode())}", text)

    def verify(self, url: str, now: datetime, ip: str | None = None) -> None:
        """Let a URL pass that this key signed, character for character, and whose policy admits it now.

        Raises EXPIRED for one that did pass once, FORBIDDEN for everything else: altered, doubled, missing or
        re-ordered parts, base64 that has another spelling, a time not yet come, an address not meant.
        """
        found = _SIGNED.fullmatch(url)
        if found is None or found["key"] != self._key_pair_id:
            raise _forged()
        base = found["base"]
        if _RESERVED.search(base) or found["joint"] != _joint(base):
            raise _forged()
        text = _decode(found["policy"]) if found["policy"] else _policy_text(base, int(found["expires"])).encode()
        self._authenticate(_decode(found["signature"]), text)
        _admit(Policy.from_text(text), base, now, ip)

    def _signed(self, url: str, terms: str, text: str) -> str:
        if not _URL.fullmatch(url) or _RESERVED.search(url):
            raise ValueError("a URL to sign is absolute, percent-encoded and has no signing parameters")
        signature = _encode(self._private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))
        parameters = f"{terms}&Signature={signature}&Key-Pair-Id={self._key_pair_id}&Hash-Algorithm=SHA256"
        return url + _joint(url) + parameters

    def _authenticate(self, signature: bytes, text: bytes) -> None:
        try:
            self._public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise _forged() from None


def _admit(policy: Policy, base: str, now: datetime, ip: str | None) -> None:
    if not policy.covers(base) or (policy.after is not None and now < policy.after):
        raise _forged()
    if policy.source is not None and not _comes_from(ip, policy.source):
        raise _forged()
    if now >= policy.before:
        raise VaultError(Code.EXPIRED, "This link has run out. Ask for a new one.")


def _comes_from(ip: str | None, source: ipaddress.IPv4Network) -> bool:
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return address in source


def _policy_text(
    resource: str, before: int, after: int | None = None, source: ipaddress.IPv4Network | None = None
) -> str:
    condition: dict[str, Any] = {"DateLessThan": {"AWS:EpochTime": before}}  # Any: JSON values
    if source is not None:
        condition["IpAddress"] = {"AWS:SourceIp": str(source)}
    if after is not None:
        condition["DateGreaterThan"] = {"AWS:EpochTime": after}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}, separators=(",", ":"))


def _moment(condition: object) -> datetime:
    match condition:
        case {"AWS:EpochTime": int(seconds), **nothing} if not nothing:
            return datetime.fromtimestamp(seconds, UTC)
    raise ValueError("not a moment")


def _network(condition: object) -> ipaddress.IPv4Network:
    match condition:
        case {"AWS:SourceIp": str(network), **nothing} if not nothing:
            return ipaddress.IPv4Network(network)
    raise ValueError("not a network")


def _epoch(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a moment has a time zone")
    return int(moment.timestamp())


def _joint(url: str) -> str:
    return "&" if "?" in url else "?"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).translate(_TO_URL).decode()


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode().translate(_FROM_URL), validate=True)
    except binascii.Error:
        raise _forged() from None
    if _encode(data) != text:
        raise _forged()
    return data


def _forged() -> VaultError:
    return VaultError(Code.FORBIDDEN, "This link is not one that the vault made for you. Ask for a new one.")
