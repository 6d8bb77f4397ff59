"""Bounded reading of a workbook: a file goes in; sheets with recognised headings and raw rows as a stream come out.

`open_book` judges the file before anything opens it and describes its sheets (sheets); `Table` is a sheet together with a mapping
(tables). What a cell means is `registry.cleaning`'s, which column is which field `registry.mapping`'s.
"""

from registry.reading.cells import Raw, SheetRow, column_letter
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import Limits
from registry.reading.sheets import TEMPLATE_SHEET, Book, Column, Sheet, open_book, show_raw
from registry.reading.tables import Remark, Table, TableColumn, read_table, table_of

__all__ = [
    "TEMPLATE_SHEET",
    "Book",
    "Column",
    "Limits",
    "Raw",
    "Remark",
    "Sheet",
    "SheetRow",
    "Table",
    "TableColumn",
    "WorkbookRefused",
    "column_letter",
    "open_book",
    "read_table",
    "show_raw",
    "table_of",
]
