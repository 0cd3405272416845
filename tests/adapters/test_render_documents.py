"""Every document gets filters by what it is, or a reason; whatever it says, and however it is harmed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters import corpus, offices
from vaultstream.adapters.render_documents import Filters, filters
from vaultstream.renderings import DAMAGED_DOCUMENT, OTHER_KIND, RenderFailed, SourceKind, Unsupported, source_kind

WORD = bytes.fromhex("0609020000000000c000000000000046")
EXCEL = bytes.fromhex("2008020000000000c000000000000046")
POWERPOINT = bytes.fromhex("108d81649b4fcf1186ea00aa00b929e8")
DOCUMENTS = {
    "docx": (offices.docx(), "MS Word 2007 XML", "writer_pdf_Export"),
    "xlsx": (offices.xlsx(), "Calc MS Excel 2007 XML", "calc_pdf_Export"),
    "pptx": (
        offices.office_package("ppt/presentation.xml", "presentationml", {"ppt/presentation.xml": "<p/>"}),
        "Impress MS PowerPoint 2007 XML",
        "impress_pdf_Export",
    ),
    "odt": (offices.open_document("text", ""), "writer8", "writer_pdf_Export"),
    "ott": (offices.open_document("text-template", ""), "writer8", "writer_pdf_Export"),
    "ods": (offices.open_document("spreadsheet", ""), "calc8", "calc_pdf_Export"),
    "odp": (offices.odp(), "impress8", "impress_pdf_Export"),
    "odg": (offices.open_document("graphics", ""), "draw8", "draw_pdf_Export"),
    "rtf": (offices.RICH_TEXT, "Rich Text Format", "writer_pdf_Export"),
    "doc": (offices.compound_file(WORD), "MS Word 97", "writer_pdf_Export"),
    "xls": (offices.compound_file(EXCEL, sector_bytes=4096), "MS Excel 97", "calc_pdf_Export"),
    "ppt": (offices.compound_file(POWERPOINT), "MS PowerPoint 97", "impress_pdf_Export"),
    "doc with a sheet in it": (
        offices.compound_file(WORD, "Workbook", "WordDocument"),
        "MS Word 97",
        "writer_pdf_Export",
    ),
    "doc without a class": (offices.compound_file(bytes(16), "WordDocument"), "MS Word 97", "writer_pdf_Export"),
    "xls without a class": (offices.compound_file(bytes(16), "Workbook"), "MS Excel 97", "calc_pdf_Export"),
}
LOCKED_MANIFEST = {"META-INF/manifest.xml": "<m:manifest><m:encryption-data/></m:manifest>"}
REFUSED = {
    "locked odt": (offices.open_document("text", "", **LOCKED_MANIFEST), Unsupported, "asks for a password"),
    "locked docx": (offices.compound_file(bytes(16), "EncryptedPackage"), Unsupported, "asks for a password"),
    "message": (offices.compound_file(bytes(16), "__properties_version1.0"), Unsupported, OTHER_KIND),
    "formula": (offices.open_document("formula", ""), Unsupported, OTHER_KIND),
    "other package": (
        offices.package({"[Content_Types].xml": "<Types/>", "3D/3dmodel.model": ""}),
        Unsupported,
        OTHER_KIND,
    ),
    "half a docx": (offices.docx()[:300], RenderFailed, DAMAGED_DOCUMENT),
    "half a doc": (offices.compound_file(WORD)[:600], RenderFailed, DAMAGED_DOCUMENT),
}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_read_and_written_by_the_filters_of_its_kind(name):
    document, reads, writes = DOCUMENTS[name]
    found = filters(document)
    assert (found.reads, found.writes) == (reads, writes)
    assert source_kind(document[:1024], "") in {SourceKind.OFFICE, SourceKind.BARE_OFFICE}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_whole_and_open_document_is_refused_with_a_reason(name):
    document, refusal, reason = REFUSED[name]
    with pytest.raises(refusal, match=reason):
        filters(document)


def test_only_what_may_be_locked_is_said_to_be():
    assert filters(offices.docx()).refused == DAMAGED_DOCUMENT
    assert "asks for a password" in filters(offices.compound_file(WORD)).refused


@given(st.data())
def test_whatever_a_document_says_it_gets_filters_or_a_reason(data):
    name = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    document = bytearray(DOCUMENTS[name][0])
    for _ in range(data.draw(st.integers(0, 9))):
        document[data.draw(st.integers(0, len(document) - 1))] = data.draw(st.integers(0, 255))
    harmed = bytes(document[: data.draw(st.integers(8, len(document)))])
    try:
        assert isinstance(filters(harmed), Filters)
    except (Unsupported, RenderFailed) as refusal:
        assert refusal.reason.endswith(".")


@given(st.binary(max_size=600))
def test_a_compound_file_of_noise_gets_filters_or_a_reason(noise):
    try:
        assert isinstance(filters(corpus.OLE + noise), Filters)
    except (Unsupported, RenderFailed) as refusal:
        assert refusal.reason.endswith(".")
