"""The XML documents of S3: written from nested tuples, read without entities or document types."""

from collections.abc import Iterable
from typing import TypeAlias
from xml.etree import ElementTree

from vaultstream.local.s3.faults import S3Fault

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024  # 10,000 parts with a checksum each take about 2 MB

Node: TypeAlias = tuple[str, "str | int | bool | Iterable[Node]"]


def render(name: str, children: Iterable[Node], namespace: str = NAMESPACE) -> bytes:
    """An XML document; S3's errors alone have no namespace."""
    root = ElementTree.Element(name, {"xmlns": namespace} if namespace else {})
    _fill(root, children)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _fill(parent: ElementTree.Element, children: Iterable[Node]) -> None:
    for name, value in children:
        child = ElementTree.SubElement(parent, name)
        if isinstance(value, bool):
            child.text = "true" if value else "false"
        elif isinstance(value, str | int):
            child.text = str(value)
        else:
            _fill(child, value)


def parse(body: bytes, name: str) -> ElementTree.Element:
    """The root of a document called `name`, its namespaces dropped; `MalformedXML` for anything else."""
    try:
        written = body.decode()  # text, so that no declared encoding can hide a declaration from the next line
        if "<!" in written.replace("<!--", "").replace("<![CDATA[", ""):
            raise S3Fault("MalformedXML", "Document types and entities are not accepted.")
        root = ElementTree.fromstring(written)  # noqa: S314 - the lines above refuse every declaration
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise S3Fault("MalformedXML") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != name:
        raise S3Fault("MalformedXML", f"The document must be a {name}.")
    return root


def text(element: ElementTree.Element, path: str) -> str:
    """The text at `path`, stripped, or an empty string."""
    return (element.findtext(path) or "").strip()
