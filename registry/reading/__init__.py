"""Bounded reading of an .xlsx workbook: a file goes in, a sheet with recognised headings and raw rows comes out.

`package` judges the zip container before anything opens it, `sheets` finds the table. What a cell means is `registry.cleaning`'s.
"""

from registry.reading.errors import WorkbookRefused
from registry.reading.sheets import Column, Remark, SheetRow, Table, read_table

__all__ = ["Column", "Remark", "SheetRow", "Table", "WorkbookRefused", "read_table"]
