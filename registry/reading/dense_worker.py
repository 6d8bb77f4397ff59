"""A program of its own: reads an .xls, .xlsb or .ods workbook through calamine and writes its rows to standard output as lines of JSON.

calamine builds a whole sheet in memory and trusts what the file says of its size. So it works in a process with limits on memory and
time, which may die without harm; `dense` starts it. It knows nothing of the rest of the program (`python -I dense_worker.py FILE BYTES
SECONDS`). Lines: {"sheet": name, "hidden": bool, "merges": [[row, column, row, column]]}, then [row, {column: cell}], counted from 1;
a cell is text, number or boolean, or {"d": iso} for days and moments, {"t": iso} for times.
"""

import json
import resource
import sys
from datetime import date, datetime, time, timedelta


def main() -> None:
    path, memory, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    book = CalamineWorkbook.from_path(path)
    for one in book.sheets_metadata:
        if one.typ != SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_name(one.name)
        merges = [[top + 1, left + 1, bottom + 1, right + 1] for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]
        _write({"sheet": one.name, "hidden": one.visible != SheetVisibleEnum.Visible, "merges": merges[:200_000]})
        if sheet.start is None:
            continue
        first = sheet.start[1] + 1  # calamine pads rows above the first, not columns before it
        for number, row in enumerate(sheet.iter_rows(), start=1):
            cells = {index: _plain(cell) for index, cell in enumerate(row, start=first) if cell != "" and cell is not None}
            if cells:
                _write([number, cells])


def _plain(cell: object) -> object:
    if isinstance(cell, datetime):
        return {"d": (cell.date() if cell.time() == time() else cell).isoformat()}
    if isinstance(cell, date):
        return {"d": cell.isoformat()}
    if isinstance(cell, time):
        return {"t": cell.isoformat()}
    return str(cell) if isinstance(cell, timedelta) else cell


def _write(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    main()
