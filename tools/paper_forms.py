"""Makes the supplied templates of the printed forms in registry/paper/forms/: each form once for typst (PDF) and once for Word.

    .venv/bin/python tools/paper_forms.py          writes them; look at the result, then commit it
    .venv/bin/python tools/paper_forms.py --check  says whether the committed typst templates are those made here

A form is said once, in `tools/paper_layouts.py`, as lines and tables, so that both formats hold the same. An agency edits neither: it
copies a made template into its own folder and changes that (docs/operators.md).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.table import _Cell

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.paper_layouts import FORMS, Entry, Heading, Layout, Rows, Text  # noqa: E402

FOLDER = ROOT / "registry/paper/forms"
TEXT_WIDTH = 17.0  # cm between the margins

PRELUDE = """\
// {title}. Made by tools/paper_forms.py; an agency's own form is a changed copy of it (docs/operators.md).
// f: fields by name, t: lists of rows, x: what follows from the file, more: what this form has no place for.
#let data = json(bytes(sys.inputs.at("data")))
#let (f, t, x, more, note, origin, photo) = data

#set document(title: "{title}")
#set page(paper: "a4", margin: (top: 2cm, bottom: 2cm, left: 2.5cm, right: 1.5cm), footer: context {{
  set text(8.5pt, fill: luma(90))
  grid(columns: (1fr, auto), column-gutter: 1em, origin, [Trang #counter(page).display("1/1", both: true)])
}})
#set text(font: ("Times New Roman", "Liberation Serif", "Tinos", "Libertinus Serif"), size: 12pt, lang: "vi", fallback: true)
#set table.cell(breakable: false)
#set par(leading: 0.62em, spacing: 0.72em, justify: false)

#let dots = box(width: 1fr, repeat(text(fill: luma(120))[.]))
// Label and value, some to a line; what is not known is left to be written by hand.
#let entry(..pairs) = par({{
  for (label, value) in pairs.pos() {{
    if label != "" [#label: ]
    if value == "" {{ dots; [ ] }} else {{ value; h(1.2em, weak: true) }}
  }}
}})
#let heading-line(body) = block(above: 1.1em, below: 0.7em, sticky: true, text(weight: "bold", body))
#let sub-line(body) = block(above: 0.9em, below: 0.6em, sticky: true, text(style: "italic", body))
#let say(..values) = values.pos().filter(one => one != "").dedup().join(", ", default: "")
#let full(value, more) = {{ value; if more != "" {{ if value != "" {{ linebreak() }}; text(9.5pt, style: "italic", more) }} }}
#let rows(widths, headings, list, make) = block(above: 0.6em, below: 0.9em, {{
  set text(11pt)
  set par(leading: 0.5em, spacing: 0.5em)
  table(
    columns: widths, stroke: 0.5pt, inset: (x: 4pt, y: 5pt), align: left + top,
    table.header(..headings.map(one => table.cell(align: center + horizon, text(weight: "bold", one)))),
    ..if list.len() == 0 {{ widths.map(one => [~]) }} else {{ list.map(make).flatten() }},
  )
}})

"""

ENDING = """
#if note != "" { block(above: 1em, text(10pt, style: "italic")[Không in trong bản này: #note.]) }

#block(breakable: false, above: 1.6em, grid(
  columns: (1fr, 1fr), column-gutter: 1em, align: center,
  [*Người khai* \\ Tôi xin cam đoan những lời khai trên \\ đây là đúng sự thật \\ _(Ký tên, ghi rõ họ tên)_ #v(2.4cm) #x.birth_name_upper],
  [_................., ngày ...... tháng ...... năm 20......_ \\
    *Thủ trưởng cơ quan, đơn vị* \\ *quản lý và sử dụng* \\ _(Ký tên, đóng dấu)_ #v(2.4cm)],
))

#if more.len() > 0 {
  pagebreak(weak: true)
  align(center, text(13pt, weight: "bold")[PHẦN BỔ SUNG])
  align(center, text(11pt, style: "italic")[Thông tin trong hồ sơ điện tử (Nghị định 27/2026/NĐ-CP) mà mẫu trên không có mục])
  for section in more {
    heading-line(section.title)
    for (label, value) in section.facts { entry((label, value)) }
    for one in section.tables {
      sub-line(one.title)
      rows(one.headings.map(each => 1fr), one.headings, one.rows, row => row)
    }
  }
}
"""


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typst(form: Layout) -> str:
    """The whole template as text."""
    return PRELUDE.format(title=form.title) + _typst_head(form) + "\n".join(map(_typst_part, form.parts)) + "\n" + ENDING


def _typst_head(form: Layout) -> str:
    top = "\n".join(_typst_part(one) for one in form.top)
    beside = "\n".join("    " + _typst_part(one).replace("#entry", "entry", 1) for one in form.beside)
    said = 'if f.photo == "" [Ảnh màu \\ (4 x 6 cm)] else [Ảnh trong hồ sơ: \\ #text(8pt, f.photo)]'
    shown = 'if photo.len() > 0 { image(bytes(photo), width: 4cm, height: 6cm, fit: "cover") } else ' + said
    photo = f"#box(width: 4cm, height: 6cm, stroke: 0.5pt, clip: true, align(center + horizon, {shown}))"
    return f"""#align(right, text(9.5pt, style: "italic")[{form.source}])
{top}
#align(center, block(above: 1.4em, below: 1.2em, text(15pt, weight: "bold")[{form.heading}]))
#grid(
  columns: (4cm, 1fr), column-gutter: 0.6cm,
  [{photo}],
  {{
{beside}
  }},
)
"""


def _typst_part(part: object) -> str:
    if isinstance(part, Heading):
        return f"#{'heading-line' if part.level == 1 else 'sub-line'}[{part.text}]"
    if isinstance(part, Text):
        return f"#block(above: 0.9em, below: 0.6em, sticky: true)[{part.text}]"
    if isinstance(part, Entry):
        return "#entry(" + ", ".join(f"({quoted(label)}, {value})" for label, value in part.pairs) + ")"
    assert isinstance(part, Rows)
    widths = ", ".join(f"{one.width}fr" for one in part.columns)
    headings = ", ".join(quoted(one.heading) for one in part.columns)
    cells = [f"say({', '.join(f'r.{name}' for name in one.names)})" if len(one.names) > 1 else f"r.{one.names[0]}" for one in part.columns]
    cells[-1] = f"full({cells[-1]}, r.more)"
    return f"#rows(({widths}), ({headings}), t.{part.name}, r => ({', '.join(cells)}))"


def word(form: Layout) -> Document:
    """The whole template as a Word document with docxtpl's marks."""
    book = Document()
    _word_page(book, form)
    _line(book.add_paragraph(), form.source, italic=True, size=9.5, align=WD_ALIGN_PARAGRAPH.RIGHT)
    for part in form.top:
        _word_part(book, part)
    _line(book.add_paragraph(), form.heading, bold=True, size=15, align=WD_ALIGN_PARAGRAPH.CENTER, before=8, after=8)
    _word_beside(book, form)
    for part in form.parts:
        _word_part(book, part)
    _word_ending(book)
    return book


def _word_page(book: Document, form: Layout) -> None:
    section = book.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2)
    section.left_margin, section.right_margin = Cm(2.5), Cm(1.5)
    style = book.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "Times New Roman")
    style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(0)
    style.paragraph_format.line_spacing = 1.15
    book.core_properties.title, book.core_properties.author = form.title, "Hồ Sơ"
    _line(section.footer.paragraphs[0], "{{ origin }}", size=8.5)


def _word_beside(book: Document, form: Layout) -> None:
    """The place of the photograph with the first items on its right."""
    table = book.add_table(1, 2)
    table.autofit = False
    for column, cell, width in zip(table.columns, table.rows[0].cells, (4.2, TEXT_WIDTH - 4.2), strict=True):
        column.width = cell.width = Cm(width)
    table.rows[0].height = Cm(6)
    photo = table.rows[0].cells[0]
    _borders(photo)
    text = "{% if photo %}{{ photo }}{% elif f.photo %}Ảnh trong hồ sơ: {{ f.photo }}{% else %}Ảnh màu (4 x 6 cm){% endif %}"
    _line(photo.paragraphs[0], text, size=10, align=WD_ALIGN_PARAGRAPH.CENTER, before=2)
    place = table.rows[0].cells[1]
    for number, part in enumerate(form.beside):
        assert isinstance(part, Entry)
        paragraph = place.paragraphs[0] if number == 0 else place.add_paragraph()
        _entry(paragraph, part, TEXT_WIDTH - 4.6)


def _word_part(book: Document, part: object) -> None:
    if isinstance(part, Heading):
        paragraph = _line(book.add_paragraph(), part.text, bold=part.level == 1, italic=part.level == 2, before=7, after=3)
        paragraph.paragraph_format.keep_with_next = True
    elif isinstance(part, Text):
        _line(book.add_paragraph(), part.text, before=4, after=3).paragraph_format.keep_with_next = True
    elif isinstance(part, Entry):
        _entry(book.add_paragraph(), part, TEXT_WIDTH)
    else:
        assert isinstance(part, Rows)
        _word_rows(book, part)


def _entry(paragraph: object, part: Entry, width: float) -> None:
    """Label and value; an empty value leaves a dotted line to the next stop."""
    stops = paragraph.paragraph_format.tab_stops
    for number in range(1, len(part.pairs) + 1):
        stops.add_tab_stop(Cm(width * number / len(part.pairs)), WD_TAB_ALIGNMENT.LEFT, WD_TAB_LEADER.DOTS)
    for number, (label, value) in enumerate(part.pairs):
        run = paragraph.add_run((" " if number else "") + (f"{label}: " if label else ""))
        run.font.size = Pt(12)
        paragraph.add_run(f"{{% if {value} %}}{{{{ {value} }}}}{{% else %}}\t{{% endif %}}" + ("; " if number < len(part.pairs) - 1 else ""))


def _word_rows(book: Document, part: Rows) -> None:
    table = book.add_table(5, len(part.columns))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    whole = sum(one.width for one in part.columns)
    for column, one in zip(table.columns, part.columns, strict=True):
        column.width = Cm(TEXT_WIDTH * one.width / whole)
    for row in table.rows:
        for cell, one in zip(row.cells, part.columns, strict=True):
            cell.width = Cm(TEXT_WIDTH * one.width / whole)
    heading, opening, line, closing, _spare = table.rows
    for cell, one in zip(heading.cells, part.columns, strict=True):
        _line(cell.paragraphs[0], one.heading, bold=True, size=10.5, align=WD_ALIGN_PARAGRAPH.CENTER)
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    heading._tr.get_or_add_trPr().append(repeated)
    opening.cells[0].paragraphs[0].text = f"{{%tr for r in t.{part.name} or blank %}}"
    for place, (cell, one) in enumerate(zip(line.cells, part.columns, strict=True)):
        text = (
            f"{{{{ r.{one.names[0]} }}}}"
            if len(one.names) == 1
            else f"{{{{ [{', '.join(f'r.{name}' for name in one.names)}]|select|unique|join(', ') }}}}"
        )
        _line(cell.paragraphs[0], text, size=10.5)
        if place == len(part.columns) - 1:
            more = cell.paragraphs[0].add_run("{% if r.more %} ({{ r.more }}){% endif %}")
            more.italic, more.font.size = True, Pt(9.5)
    closing.cells[0].paragraphs[0].text = "{%tr endfor %}"
    table._tbl.remove(table.rows[4]._tr)
    _line(book.add_paragraph(), "", size=4).paragraph_format.line_spacing = Pt(6)


def _word_ending(book: Document) -> None:
    _line(book.add_paragraph(), "{% if note %}Không in trong bản này: {{ note }}.{% endif %}", italic=True, size=10)
    table = book.add_table(1, 2)
    left, right = table.rows[0].cells
    said = (
        "Người khai",
        "Tôi xin cam đoan những lời khai trên đây là đúng sự thật",
        "(Ký tên, ghi rõ họ tên)",
        "",
        "",
        "",
        "{{ x.birth_name_upper }}",
    )
    theirs = ("..............., ngày ...... tháng ...... năm 20......", "Thủ trưởng cơ quan, đơn vị quản lý và sử dụng", "(Ký tên, đóng dấu)")
    for cell, lines, strong in ((left, said, 0), (right, theirs, 1)):
        for number, text in enumerate(lines):
            paragraph = cell.paragraphs[0] if number == 0 else cell.add_paragraph()
            _line(paragraph, text, bold=number == strong, italic=text.startswith(("(", ".")), align=WD_ALIGN_PARAGRAPH.CENTER)
    _line(book.add_paragraph(), "{%p if more %}")
    title = _line(book.add_paragraph(), "PHẦN BỔ SUNG", bold=True, size=13, align=WD_ALIGN_PARAGRAPH.CENTER)
    title.paragraph_format.page_break_before = True
    text = "Thông tin trong hồ sơ điện tử (Nghị định 27/2026/NĐ-CP) mà mẫu trên không có mục"
    _line(book.add_paragraph(), text, italic=True, size=11, align=WD_ALIGN_PARAGRAPH.CENTER)
    _line(book.add_paragraph(), "{%p for section in more %}")
    _line(book.add_paragraph(), "{{ section.title }}", bold=True, before=7, after=3)
    _line(book.add_paragraph(), "{%p for fact in section.facts %}")
    _line(book.add_paragraph(), "{{ fact[0] }}: {{ fact[1] }}")
    _line(book.add_paragraph(), "{%p endfor %}")
    _line(book.add_paragraph(), "{%p for one in section.tables %}")
    _line(book.add_paragraph(), "{{ one.title }}", italic=True, before=4)
    _line(book.add_paragraph(), "{%p for row in one.rows %}")
    _line(book.add_paragraph(), "– {% for text in row %}{% if text %}{{ one.headings[loop.index0] }}: {{ text }}; {% endif %}{% endfor %}")
    for _loop in range(3):
        _line(book.add_paragraph(), "{%p endfor %}")
    _line(book.add_paragraph(), "{%p endif %}")


def _line(
    paragraph: object,
    text: str,
    *,
    bold: bool = False,
    italic: bool = False,
    size: float = 12,
    align: object = None,
    before: float = 0,
    after: float = 0,
) -> object:
    run = paragraph.add_run(text)
    run.bold, run.italic, run.font.size = bold, italic, Pt(size)
    paragraph.alignment = align
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(before), Pt(after)
    return paragraph


def _borders(cell: _Cell) -> None:
    borders = OxmlElement("w:tcBorders")
    for side in ("top", "left", "bottom", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:val"), "single")
        edge.set(qn("w:sz"), "4")
        borders.append(edge)
    cell._tc.get_or_add_tcPr().append(borders)


def made() -> Iterator[tuple[Path, str]]:
    """(path, text) of each typst template."""
    for form in FORMS:
        yield FOLDER / f"{form.stem}.typ", typst(form)


def main() -> int:
    if "--check" in sys.argv:
        other = [path.name for path, text in made() if not path.exists() or path.read_text(encoding="utf-8") != text]
        print("\n".join(f"{name} is not what tools/paper_forms.py makes" for name in other) or "up to date")
        return bool(other)
    for path, text in made():
        path.write_text(text, encoding="utf-8")
    for form in FORMS:
        word(form).save(FOLDER / f"{form.stem}.docx")
    return 0


if __name__ == "__main__":
    sys.exit(main())
