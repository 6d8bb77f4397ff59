"""Codes of another program in an upload: which were translated, and which want a pair, with what they may mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from orgtree.text import plain
from registry.fields import label_of
from registry.models import SourceProgram, Upload
from registry.program_codes import TITLE, coded_list, pair_keeper
from registry.selectors.uploads import UNPAIRED

MOST_LINES = 100  # of a page; the rest follow when these have their pairs


@dataclass(frozen=True)
class PairUse:
    """A code of the program as it was read in `cells` cells of a column."""

    label: str
    theirs: str
    code: str
    meaning: str
    cells: int


@dataclass(frozen=True)
class Unpaired:
    """A code without a pair, in `cells` cells; `choices` are ours with their meanings, `proposed` the one that it may be or ""."""

    list: str
    label: str
    theirs: str
    cells: int
    proposed: str
    choices: Sequence[tuple[str, str]]

    @property
    def typed(self) -> bool:
        """A post is a text: what is chosen from only helps."""
        return self.list == TITLE


def programs_offered() -> QuerySet[SourceProgram]:
    return SourceProgram.objects.filter(active=True)


def pairs_in_use(*, upload: Upload) -> list[PairUse]:
    """The pairs by which cells of this upload were read, those of most cells first. At most four queries more."""
    meanings = pair_keeper().meanings({coded_list(one["field"]) for one in upload.paired})
    found = [
        PairUse(label_of(one["field"]), one["theirs"], one["code"], meanings[coded_list(one["field"])].get(one["code"], ""), one["cells"])
        for one in upload.paired
    ]
    return sorted(found, key=lambda one: (-one.cells, one.label, one.theirs))


def unpaired_count(*, upload: Upload) -> int:
    """How many codes want a pair."""
    return len(unpaired_cells(upload)) if upload.program_id else 0


def unpaired_codes(*, upload: Upload) -> list[Unpaired]:
    """Codes that want a pair, those of most cells first: at most six queries; one where every code has its pair."""
    cells = unpaired_cells(upload)
    if not cells:
        return []
    meanings = pair_keeper().meanings({name for name, _theirs in cells})
    choices = {name: sorted(known.items(), key=lambda one: plain(one[1])) for name, known in meanings.items()}
    labels: dict[tuple[str, str], str] = {}
    for field, value in upload.findings.filter(code=UNPAIRED).order_by("field").values_list("field", "value").distinct():
        labels.setdefault((coded_list(field), value), label_of(field))
    return [
        Unpaired(name, labels[name, theirs], theirs, times, proposed_code(theirs, meanings[name]), choices[name])
        for (name, theirs), times in cells.most_common(MOST_LINES)
    ]


def unpaired_cells(upload: Upload) -> Counter[tuple[str, str]]:
    """By (list, code of the program) the cells that hold it."""
    found: Counter[tuple[str, str]] = Counter()
    rows = upload.findings.filter(code=UNPAIRED).order_by().values_list("field", "value")
    for field, value, times in rows.annotate(times=Count("pk")):
        found[coded_list(field), value] += times
    return found


def proposed_code(theirs: str, meanings: Mapping[str, str]) -> str:
    """Our code that theirs may be: the same, unless it is a bare number, or the one whose name has these initials ("ĐH", Đại học)."""
    if theirs in meanings and not theirs.isdigit():
        return theirs
    wanted = plain(theirs)
    fitting = [code for code, name in meanings.items() if "".join(word[0] for word in plain(name).split()) == wanted]
    return fitting[0] if len(fitting) == 1 and len(wanted) > 1 else ""
