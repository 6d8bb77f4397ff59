"""The file on paper: every value is on it, nothing masked is, and an agency's own template works or says what is wrong with it."""

from __future__ import annotations

import html
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.urls import reverse
from docx import Document as WordDocument
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from registry.choices import PaperForm, PaperFormat
from registry.fields import LISTS, SECTION_FIELDS
from registry.masking import CLASS_A
from registry.paper.content import Content
from registry.paper.errors import TemplateBroken
from registry.paper.probe import DERIVED, mark, probe, word_text
from registry.paper.render import form_render
from registry.paper.template import OWN, uses_of
from registry.selectors.texts import DocumentTexts
from registry.services.printing import content_of
from tests.pages import Office
from tests.registry.people import TODAY, person, places
from workflows.models import ReadEvent

NAMES = [name for names in SECTION_FIELDS.values() for name in names]
ALL = [(form, format_) for form in PaperForm for format_ in PaperFormat]
ROOT = Path(__file__).resolve().parents[2]


def text_of(body: bytes, format_: PaperFormat) -> str:
    """All text of a printed form, without the white space that lines and cells put into it."""
    if format_ == PaperFormat.DOCX:
        return squeezed(html.unescape(word_text(body)))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(body)).pages]
    return squeezed("".join(re.sub(r"Trang \d+/\d+\s*$", "", page) for page in pages))  # the foot stands between two pages


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(("form", "format_"), ALL)
def test_every_value_of_a_file_is_on_paper(form, format_):
    # when every value is a mark with its own name
    text = text_of(form_render(form=form, format_=format_, content=probe()), format_)
    # then each field and each column of each list is there
    wanted = [*NAMES, *(f"{one.name}.{column.name}" for one in LISTS for column in one.columns)]
    repeated = {"birth_name": "birth_name_upper", "birth_date": "birth_year", "rank_code": "rank_title"}
    missing = [name for name in wanted if mark(name) not in text and mark(repeated.get(name, name)) not in text]
    assert missing == []


SIGNS = "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãạằẳẵắặéèẻẽẹíìỉĩịóòỏõọúùủũụýỳ ABCĐÊ0123456789&<>#$%{}[]()\"'_*\\/@;,.-"


@st.composite
def contents(draw) -> Content:
    """A file with any of its values filled in with what people might write, marks of markup languages among it."""
    chance = draw(st.randoms(use_true_random=False))
    filled = draw(st.sampled_from([0.1, 0.6, 1.0]))

    def text() -> str:
        return "".join(chance.choices(SIGNS, k=chance.randint(1, 40))).strip() if chance.random() < filled else ""

    rows = {one.name: [{column.name: text() for column in one.columns} for _ in range(chance.randint(0, 2))] for one in LISTS}
    return Content(DocumentTexts({name: text() for name in NAMES}, rows), dict.fromkeys(DERIVED, ""), "", "")


def holds_everything(content: Content) -> None:
    # A derived value stands for its field on the form; here it says the same.
    fields = content.texts.fields
    derived = {**content.derived, "birth_name_upper": fields["birth_name"], "birth_year": fields["birth_date"], "rank_title": fields["rank_code"]}
    content = Content(content.texts, derived)
    values = [*fields.values(), *(text for rows in content.texts.rows.values() for row in rows for text in row.values())]
    for form, format_ in ALL:
        text = text_of(form_render(form=form, format_=format_, content=content), format_)
        assert [value for value in values if squeezed(value) not in text] == [], (form, format_)


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


# A value that is missing is named as it is: making the whole file smaller first would take minutes.
PHASES = [Phase.explicit, Phase.generate]


@settings(max_examples=2, suppress_health_check=SLOW, phases=PHASES)
@given(contents())
def test_paper_holds_every_filled_value(content):
    holds_everything(content)


@pytest.mark.long
@settings(max_examples=300, suppress_health_check=SLOW, phases=PHASES)
@given(contents())
def test_paper_holds_every_filled_value_of_many_files(content):
    holds_everything(content)


@pytest.mark.django_db
@pytest.mark.parametrize(("form", "format_"), [(PaperForm.CV_2023, PaperFormat.PDF), (PaperForm.CV_2008, PaperFormat.DOCX)])
def test_what_is_class_a_is_masked_unless_asked_for(form, format_):
    # given somebody with class-A values in fields and lists
    kin = {"relation": "03", "full_name": "Nguyễn Văn Cha", "birth_year": 1950, "description": "Nghỉ hưu"}
    document = person(places(), social_insurance_no="6612345678", family=[kin])
    assert {"citizen_id", "family", "social_insurance_no"} <= CLASS_A
    # when
    whole, shown = (text_of(form_render(form=form, format_=format_, content=content_of(document, whole=one)), format_) for one in (True, False))
    # then
    secrets = [document["citizen_id"], "6612345678", "NguyễnVănCha"]
    assert [secret for secret in secrets if secret not in whole] == []
    assert [secret for secret in secrets if secret in shown] == []
    assert "Khôngintrongbảnnày" in shown


def test_markup_in_a_value_is_text():
    # given values that would run in a template
    nasty = '#panic("x") {{ 7*7 }} <w:t>&amp; $x$ *b* \\ //c'
    texts = probe().texts
    content = Content(DocumentTexts({**texts.fields, "main_duty": nasty}, texts.rows), probe().derived)
    for form, format_ in ALL:
        assert squeezed(nasty) in text_of(form_render(form=form, format_=format_, content=content), format_), (form, format_)


def test_an_agency_replaces_a_template(settings, tmp_path):
    # given its own form, with two values and the rest
    settings.PAPER_DIRECTORY = tmp_path
    (tmp_path / "2c-bnv-2008.typ").write_text(
        '#let (f, t, x, more, note, origin) = json(bytes(sys.inputs.at("data")))\nMẫu riêng: #f.birth_name #f.phone\n'
        "#for s in more { s.title; for (label, value) in s.facts [#label: #value] }",
        encoding="utf-8",
    )
    # when
    text = text_of(form_render(form=PaperForm.CV_2008, format_=PaperFormat.PDF, content=probe()), PaperFormat.PDF)
    # then its form is used, and what it has no place for is in the rest, once
    assert "Mẫuriêng" in text
    assert [name for name in NAMES if text.count(mark(name)) != 1] == []
    # and the other form is still ours
    assert "SƠYẾULÝLỊCH" in text_of(form_render(form=PaperForm.CV_2023, format_=PaperFormat.PDF, content=probe()), PaperFormat.PDF)


@pytest.mark.parametrize(
    ("source", "cause"),
    [("#let x = (", "unclosed"), ("#f.birth_name", "unknown variable"), ('#read("/etc/passwd")', "")],
)
def test_a_broken_typst_template_names_file_and_cause(settings, tmp_path, source, cause):
    settings.PAPER_DIRECTORY = tmp_path
    (tmp_path / "2c-bnv-2008.typ").write_text(source, encoding="utf-8")
    with pytest.raises(TemplateBroken) as error:
        form_render(form=PaperForm.CV_2008, format_=PaperFormat.PDF, content=probe())
    assert error.value.place == "2c-bnv-2008.typ"
    assert cause in error.value.cause


@pytest.mark.parametrize(
    "text", ["{% for r in t.degrees %}", "{{ f.birth_name", "{{ ''.__class__.__mro__ }}{{ x.it.__init__.__globals__ }}", "{{ 1/0 }}"]
)
def test_a_broken_word_template_names_file_and_cause(settings, tmp_path, text):
    settings.PAPER_DIRECTORY = tmp_path
    book = WordDocument()
    book.add_paragraph(text)
    book.save(tmp_path / "2c-bnv-2008.docx")
    with pytest.raises(TemplateBroken, match=r"2c-bnv-2008\.docx"):
        form_render(form=PaperForm.CV_2008, format_=PaperFormat.DOCX, content=probe())
    (tmp_path / "2c-bnv-2008.docx").write_bytes(b"no zip")
    with pytest.raises(TemplateBroken, match=r"2c-bnv-2008\.docx"):
        form_render(form=PaperForm.CV_2008, format_=PaperFormat.DOCX, content=probe())


def test_what_a_template_uses_is_read_from_its_text():
    uses = uses_of("#f.birth_name #for r in t.degrees { r.school; r.major } #x.current_post {% for r in t.family %}{{ r.full_name }}{{ f.phone }}")
    assert (uses.fields, uses.derived) == ({"birth_name", "phone"}, {"current_post"})
    assert uses.columns == {"degrees": {"school", "major"}, "family": {"full_name"}}


def test_the_supplied_templates_are_those_that_are_made():
    done = subprocess.run([sys.executable, "tools/paper_forms.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "up to date\n")
    assert sorted(path.suffix for path in OWN.glob("*.*")) == [".docx", ".docx", ".typ", ".typ"]


# The page


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(scope="module")
def hoa(office):
    return office.hired(birth_name="Nguyễn Thị Hoa")


def ask(office, hoa, who="clerk", **sent):
    return office.client(who).post(reverse("registry:staff_print", args=[hoa.pk]), {"form": PaperForm.CV_2023, "format": "pdf", **sent})


def test_a_print_is_in_the_read_log_and_masked_without_a_reason(office, hoa, settings):
    settings.PINNED_TODAY = TODAY
    # when
    answer = ask(office, hoa, "auditor")
    # then
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert "20261015.pdf" in answer["Content-Disposition"]
    assert hoa.citizen_id not in text_of(answer.content, PaperFormat.PDF)
    line = ReadEvent.objects.filter(key=hoa.pk, action="print").latest("id")
    assert (line.actor.username, line.what, line.reason) == ("auditor", "so-yeu-ly-lich-06-2023.pdf", "")


def test_class_a_on_paper_needs_the_right_and_a_reason(office, hoa):
    before = ReadEvent.objects.filter(key=hoa.pk, action="print").count()
    # the right
    assert ask(office, hoa, "auditor", whole="1", reason="decision").status_code == 404
    # a reason: the page comes back with what was chosen, and nothing is logged as printed
    refused = ask(office, hoa, whole="1", form=PaperForm.CV_2008)
    assert refused.status_code == 422
    assert re.search(r'value="2c-bnv-2008" required checked', refused.content.decode())
    assert ReadEvent.objects.filter(key=hoa.pk, action="print").count() == before
    # both
    printed = ask(office, hoa, whole="1", reason="decision", note="bổ nhiệm", format="docx")
    assert hoa.citizen_id in text_of(printed.content, PaperFormat.DOCX)
    line = ReadEvent.objects.filter(key=hoa.pk, action="print").latest("id")
    assert (line.what, line.reason, line.note, str(line.address)) == ("so-yeu-ly-lich-06-2023.docx +A", "decision", "bổ nhiệm", "127.0.0.1")


def test_a_broken_template_of_the_agency_is_said_on_the_page(office, hoa, settings, tmp_path):
    settings.PAPER_DIRECTORY = tmp_path
    (tmp_path / "so-yeu-ly-lich-06-2023.typ").write_text("#let (", encoding="utf-8")
    answer = ask(office, hoa)
    assert answer.status_code == 422
    assert "so-yeu-ly-lich-06-2023.typ" in answer.content.decode()
