"""From what stands in a cell to a value of the document, or to a problem with a cause and, where there is one, a repair.

Nothing is repaired in silence. What is only another way of writing the same thing is accepted (31/12/2025 and a date of Excel, "Nữ" and
2, "3,00" and 3.0, a unit's code and its name); what lost something on the way (leading zeros, a date made of "12/12") is a `Problem`.

    cleaned = clean_row(cells_by_field, lookups, strict=True)     # .values, .problems (refuse), .notices (only shown)
    problem.code, .value, .params["suggestion"]                    # the sentence (messages.CELLS), the cell, the cell as repaired
    problem.cause, .repair                                         # Cause; Repair or None
    groups = grouped(problems)                                     # CauseGroup: field, cause, count, repair, examples; .certain
    effects(groups[0].repair, cells_of_the_column)                 # the preview: before, after, count
    recipes = recipes.with_(groups[0].recipe())                    # agreed to
    clean_row(recipes.apply(cells_by_field), lookups, strict=True) # applied: raw cells are never changed
    recipes.without(field, cause)                                  # undone
    Recipes.from_json(recipes.to_json())                           # remembered per sender, replayed on the next file

Whoever cleans whole columns asks for single cells (`clean_cell`) and keeps what they came to.

A cell that is doubtful as a cell (formula, merge) is told by `doubtful_problem`; `recipes.trusts(field, doubt)` says whether its value is
to be taken. Modules: `causes` (kinds of trouble and their words), `dates`, `values` (a cell by the kind of its field), `rows` (a row),
`repairs`. Whether a value is *right* is for the rules.
"""

from registry.cleaning.causes import CERTAIN, Cause
from registry.cleaning.dates import EXCEL_EPOCH
from registry.cleaning.refusals import CellRefused, Problem
from registry.cleaning.repairs import CauseGroup, Effect, Recipe, RecipeInvalid, Recipes, Repair, effects, grouped
from registry.cleaning.rows import Cleaned, Outcome, clean_cell, clean_line, clean_row, context_of, doubtful_problem
from registry.cleaning.values import ROW_FIELDS, SCHEMA_FIELDS

__all__ = [
    "CERTAIN",
    "EXCEL_EPOCH",
    "ROW_FIELDS",
    "SCHEMA_FIELDS",
    "Cause",
    "CauseGroup",
    "CellRefused",
    "Cleaned",
    "Effect",
    "Outcome",
    "Problem",
    "Recipe",
    "RecipeInvalid",
    "Recipes",
    "Repair",
    "clean_cell",
    "clean_line",
    "clean_row",
    "context_of",
    "doubtful_problem",
    "effects",
    "grouped",
]
