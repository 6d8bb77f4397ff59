"""A code of another program gets its pair while the workbook is repaired: the pair stands for every file to come, and the rows are checked anew."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from orgtree.models import User
from registry.models import Upload
from registry.program_codes import NewPair, coded_list, pair_keeper
from registry.selectors.uploads import UNPAIRED
from registry.services.upload_fixing import settle
from registry.services.upload_repairs import NothingToRepair
from registry.services.uploads import upload_open
from workflows.services.audit import audit


def codes_pair(*, actor: User, upload: Upload, chosen: Mapping[tuple[str, str], str]) -> int:
    """Pair codes that this upload's findings name: by (list, code of the program) our code. Returns how many rows are repaired.

    Raises NotAllowed without the right to keep pairs, PairsRefused, NothingToRepair, WrongState; nothing is written then.
    """
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        found = list(upload.findings.filter(code=UNPAIRED).values_list("sheet_row", "field", "value"))
        waiting = {(coded_list(field), value) for _row, field, value in found} & chosen.keys()
        if not waiting or upload.program is None:
            raise NothingToRepair
        pairs = [NewPair(name, theirs, chosen[name, theirs]) for name, theirs in sorted(waiting)]
        pair_keeper().pair(actor=actor, side=upload.program.side, pairs=pairs)
        rows = sorted({row for row, field, value in found if (coded_list(field), value) in waiting})
        audit(
            actor=actor,
            action="upload.paired",
            unit=upload.unit,
            upload=str(upload.pk),
            program=upload.program.code,
            pairs=len(pairs),
            rows=len(rows),
        )
        settle(actor=actor, upload=upload, rows=rows)
    return len(rows)
