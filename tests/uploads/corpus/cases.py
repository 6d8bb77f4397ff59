"""The corpus: small workbooks, each with one kind of mess, and what has to come of it.

`python -m tests.uploads.corpus.make` writes the files and the table of README.md; test_corpus reads every file and compares.
"""

from __future__ import annotations

from tests.uploads.corpus.cells import CELLS
from tests.uploads.corpus.making import Case
from tests.uploads.corpus.tables import FORMATS, PLACES, REFUSED

CASES: tuple[Case, ...] = (*FORMATS, *PLACES, *CELLS, *REFUSED)
