"""Marks that wait are shown to who may decide on them, and to nobody else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from registry.selectors.marks import marks_waiting
from tests.pages import Office
from workflows.services.marks import mark_decide, mark_lift_propose, mark_propose

pytestmark = pytest.mark.django_db


def test_a_mark_waits_for_who_may_decide_and_did_not_propose_it():
    # given
    office = Office.open()
    hoa = office.hired()
    clerk, supervisor = office.users["clerk"], office.users["supervisor"]
    waiting = lambda: {name: [one.name for one in marks_waiting(user=office.users[name])] for name in ("clerk", "supervisor", "auditor", "stranger")}  # noqa: E731
    nobody = {"clerk": [], "supervisor": [], "auditor": [], "stranger": []}
    # when: proposed
    mark = mark_propose(actor=clerk, kind="staff_profile", key=hoa.pk, unit=hoa.using_unit, reason="Danh mục bí mật nhà nước")
    # then
    assert waiting() == {**nobody, "supervisor": [hoa.birth_name]}
    page = office.client("supervisor").get(reverse("admin:index")).content.decode()
    assert reverse("registry:staff_marks", args=[hoa.pk]) in page
    # when: confirmed, then to be lifted
    mark_decide(actor=supervisor, mark_id=mark.pk, agreed=True)
    assert waiting() == nobody
    mark_lift_propose(actor=clerk, mark_id=mark.pk, reason="Đã giải mật")
    # then
    assert waiting() == {**nobody, "supervisor": [hoa.birth_name]}
