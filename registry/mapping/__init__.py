"""Which column of a workbook is which field of the catalogue: suggested with a reason, changed by a person, remembered, sent along.

Pure: headings and samples go in, a `ColumnMapping` comes out; it serialises to JSON and back. A column that no field answers to is
listed as ignored, never dropped. One field may be written in several columns (`Part`): a date as day, month and year, a name as
family and given name, a date of birth below "Nam" and "Nữ".

    mapping = suggest(sheet.columns)                      # or remembered.applied_to(sheet.columns)
    mapping = mapping.chosen(5, "birth_date")             # a person's choice; None ignores the column
    mapping.problems()                                    # what forbids reading: a field twice, nobody's citizen number
    ColumnMapping.from_json(mapping.to_json())            # kept with `signature(sheet.columns)`, which ignores order and spelling

Not here: finding the headings (reading.headings), what a cell means (cleaning).
"""

from registry.mapping.columns import LIKELY, Assignment, ColumnMapping, MappingInvalid, MappingProblem, signature, suggest
from registry.mapping.headings import Heading, Match, certain_match, match_heading
from registry.mapping.words import OLDER_HEADINGS, Part, Reason

__all__ = [
    "LIKELY",
    "OLDER_HEADINGS",
    "Assignment",
    "ColumnMapping",
    "Heading",
    "MappingInvalid",
    "MappingProblem",
    "Match",
    "Part",
    "Reason",
    "certain_match",
    "match_heading",
    "signature",
    "suggest",
]
