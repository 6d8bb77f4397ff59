"""What a template is filled with: every value of a file in words, by name, and what the template did not use, so that nothing is lost.

A template sees: `f` (fields: text by name), `t` (lists: rows of text by column, each with `more`: its filled columns that the
template does not show), `x` (what follows from the file: see `derived`), `more` (sections of filled fields and lists that the
template does not show at all), `note` (what was left masked, "" when nothing was) and `origin` (version, day and who printed it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.choices import Section
from registry.fields import LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS, label_of
from registry.masking import CLASS_A, hidden
from registry.paper.template import Uses
from registry.selectors.derived import highest_degree
from registry.selectors.texts import DocumentTexts, Row, in_time
from registry.targets import show_together
from workflows.documents import Document

# A template that shows one of these shows the field that it repeats.
REPEATS: Mapping[str, str] = {"birth_name_upper": "birth_name", "birth_year": "birth_date", "rank_title": "rank_code", "rank_number": "rank_code"}
POST_ALLOWANCES, CONCURRENT_ALLOWANCES = ("08", "19"), ("03", "14")  # codes of list allowance_type


@dataclass(frozen=True)
class Content:
    """A file ready to be put on paper. `texts` is already masked where it is to be."""

    texts: DocumentTexts
    derived: Mapping[str, str]
    note: str = ""
    origin: str = ""
    photo: bytes = b""

    def to_fill(self, uses: Uses) -> dict[str, Any]:
        """The values for a template that uses those names."""
        seen = uses.fields | {REPEATS[name] for name in uses.derived if name in REPEATS}
        rows = {name: [_row(name, row, uses) for row in each] for name, each in self.texts.rows.items()}
        more = [one for section in Section if (one := self._left(section, seen, uses))]
        return {
            "f": dict(self.texts.fields),
            "t": rows,
            "blank": [{}],
            "x": dict(self.derived),
            "more": more,
            "note": self.note,
            "origin": self.origin,
        }

    def _left(self, section: Section, seen: frozenset[str], uses: Uses) -> dict[str, Any] | None:
        facts = [[label_of(name), text] for name in SECTION_FIELDS[section] if name not in seen and (text := self.texts.fields[name])]
        tables = [_table(one.name, rows) for one in SECTION_LISTS[section] if one.name not in uses.columns and (rows := self.texts.rows[one.name])]
        return {"title": str(section.label), "facts": facts, "tables": tables} if facts or tables else None


def masked(texts: DocumentTexts) -> DocumentTexts:
    """The same file as it may be shown to anybody who may look: class-A values hidden, class-A lists without their rows."""
    return replace(
        texts,
        fields={name: hidden(text) if name in CLASS_A else text for name, text in texts.fields.items()},
        rows={name: () if name in CLASS_A else rows for name, rows in texts.rows.items()},
    )


def masked_names(texts: DocumentTexts) -> list[str]:
    """Labels of what `masked` takes away, for the note on the paper."""
    filled = [name for name, text in texts.fields.items() if text] + [name for name, rows in texts.rows.items() if rows]
    return [label_of(name) for name in filled if name in CLASS_A]


def derived(document: Document, texts: DocumentTexts, *, version: str = "") -> dict[str, str]:
    """What the forms ask for in one line and the file holds in rows. `version` is the ledger's statement of the printed version."""
    year, month, day = str(document["birth_date"]).split("-")
    rows = texts.rows
    post = next((row for row in rows["postings"] if not row["valid_to"]), {})
    allowances = _allowances(document, rows["allowances"])
    return {
        "birth_name_upper": texts.fields["birth_name"].upper(),
        "birth_day": day,
        "birth_month": month,
        "birth_year": year,
        "record_id": texts.fields["citizen_id"],
        "highest_degree": _degree(document),
        "current_post": post.get("title", ""),
        "current_post_from": post.get("valid_from", ""),
        "rank_title": texts.fields["rank_code"].removeprefix(str(document["rank_code"])).strip(),
        "rank_number": document["rank_code"] or "",
        "political_theory": _last(rows["political_training"], "level"),
        "state_management": _last(rows["state_mgmt_training"], "level", "certificate"),
        "languages": "; ".join(_line(row, "language", "level", "certificate") for row in rows["language_certs"]),
        "it": _last(rows["it_certs"], "level"),
        "commendation": _last([row for row in rows["annual_results"] if row["commendation"]], "commendation", "year"),
        "discipline": _last(rows["disciplines"], "form", "valid_from"),
        "post_allowances": allowances["post"],
        "concurrent_allowances": allowances["concurrent"],
        "other_allowances": allowances["other"],
        "version": version,
    }


def _degree(document: Document) -> str:
    row = highest_degree(document)
    if row is None:
        return ""
    names = show_together({f"degrees.{column}": [row[column]] for column in ("degree", "major")})
    return ", ".join(text for column in ("degree", "major") if (text := names[f"degrees.{column}"][row[column]]))


def _allowances(document: Document, rows: Sequence[Row]) -> dict[str, str]:
    """The allowances that still run, by what the form's item 30.2 asks for: of the post, of a concurrent post, others."""
    texts: dict[str, list[str]] = {"post": [], "concurrent": [], "other": []}
    for said, row in zip(sorted(document["allowances"], key=in_time), rows, strict=True):
        if said["valid_to"] is None:
            group = "post" if said["kind"] in POST_ALLOWANCES else "concurrent" if said["kind"] in CONCURRENT_ALLOWANCES else "other"
            amount = row["coefficient"] or (f"{row['percent']} %" if row["percent"] else row["amount"])
            texts[group].append(f"{row['kind']} {amount}".strip() if group == "other" else amount or row["kind"])
    return {group: "; ".join(each) for group, each in texts.items()}


def _last(rows: Sequence[Row], *columns: str) -> str:
    return _line(rows[-1], *columns) if rows else ""


def _line(row: Row, *columns: str) -> str:
    return ", ".join(row[column] for column in columns if row[column])


def _row(name: str, row: Row, uses: Uses) -> dict[str, str]:
    """One row for a template, with its filled columns that the template does not show."""
    used = uses.columns.get(name, frozenset())
    left = [f"{column.label}: {row[column.name]}" for column in LIST_BY_NAME[name].columns if column.name not in used and row[column.name]]
    return {**row, "more": "; ".join(left)}


def _table(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    filled = [column for column in LIST_BY_NAME[name].columns if any(row[column.name] for row in rows)]
    return {
        "title": label_of(name),
        "headings": [str(column.label) for column in filled],
        "rows": [[row[column.name] for column in filled] for row in rows],
    }
