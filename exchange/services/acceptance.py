"""What a file says once its person has come here: a pure function of the file that was handed over and of the place here.

Posts in units that this agency does not keep are named in words from now on; the last one ends on the day of the passing, and the post here
begins on it, by the movement "admission" and the decision that the old agency named. A photograph does not travel with the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.models import IncomingTransfer
from orgtree.models import OrgUnit
from workflows.documents import Document, parse

ADMISSION = "TN"  # code of the list movement_type


@dataclass(frozen=True)
class Place:
    """Where the person is to stand here."""

    managing_agency: OrgUnit
    unit: OrgUnit
    title: str
    staff_number: str = ""


def accepted_document(*, arrival: IncomingTransfer, place: Place) -> Document:
    """The file as this agency proposes it. The caller has made sure that it is here."""
    document = parse(bytes(arrival.document or b""))
    day = arrival.effective_on.isoformat()
    return {
        **document,
        "managing_agency": str(place.managing_agency.pk),
        "using_unit": str(place.unit.pk),
        "staff_number": " ".join(place.staff_number.split()) or None,
        "photo": None,
        "current_agency_date": max(day, document["first_recruit_date"] or day),
        "postings": [*(_ended(row, arrival, day) for row in document["postings"]), _post(arrival, place, day)],
        "secondments": [{**row, "host_unit": None} for row in document["secondments"]],
    }


def _ended(row: Document, arrival: IncomingTransfer, day: str) -> Document:
    """A post elsewhere, in words; the open one ends when the person passes."""
    where = row["unit_name"] or arrival.places.get(row["unit"] or "") or arrival.from_name
    return {**row, "unit": None, "unit_name": where[:250], "valid_to": row["valid_to"] or day}


def _post(arrival: IncomingTransfer, place: Place, day: str) -> Document:
    return {
        "title": " ".join(place.title.split())[:200] or None,
        "unit": str(place.unit.pk),
        "unit_name": None,
        "valid_from": day,
        "valid_to": None,
        "position_group": None,
        "movement": ADMISSION,
        "decision_number": arrival.decision_number,
        "decision_date": arrival.decision_date.isoformat(),
    }
