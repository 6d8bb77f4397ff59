"""Changing one person's file by hand: choose the act, write section by section, see what is wrong, send it through the gate.

Every change of a field saves the draft and brings back what the rules say, as parts of the page; without script the same addresses
answer with whole pages.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgtree import scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page, page_view
from registry.choices import Editor, Section
from registry.fields import BY_NAME, LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS
from registry.forms.sections import SectionForm, changes_of, read_cells, row_form, section_form
from registry.models import Draft, StaffProfile
from registry.rules.demands import REQUIRED, REQUIRED_AT_SYNC
from registry.selectors import picking
from registry.selectors.acts import row_rights
from registry.selectors.drafts import Written, base_of, cell_parts, draft_get, draft_write, section_of
from registry.selectors.judging import Remark, draft_remarks, request_in_the_way
from registry.selectors.texts import KIND
from registry.services import drafts
from registry.services.reads import file_open
from registry.views.staff import profile_or_404
from workflows.choices import WRITTEN_ACTS, Act
from workflows.documents import Document
from workflows.models import RecordVersion
from workflows.selectors.differences import FieldChange, document_changes

MISSING = (REQUIRED, REQUIRED_AT_SYNC)


@dataclass
class Desk:
    """What somebody is working on: whose file, by which act, on which version, and what they have written so far."""

    user: User
    profile: StaffProfile
    act: Act
    draft: Draft | None
    base: Document

    @property
    def base_version(self) -> int:
        return self.draft.base_version if self.draft else self.profile.version

    @property
    def cells(self) -> dict[str, str]:
        return self.draft.cells if self.draft else {}

    @property
    def is_new(self) -> bool:
        """Whether the file is only being written: nothing of it is on record."""
        return self.profile.version == 0

    @property
    def has_moved_on(self) -> bool:
        return self.base_version != self.profile.version

    def is_revealed(self, section: Section) -> bool:
        """One's own file is shown as it is; another's masked values once they were asked for."""
        return self.act == Act.OWN or self.is_new or bool(self.draft and section in self.draft.revealed)

    def written(self) -> Written:
        return draft_write(base=self.base, cells=self.cells, act=self.act, actor=self.user, profile=self.profile)

    def remarks(self, written: Written) -> list[Remark]:
        """What the rules say of the draft; nothing of a file that nobody has touched here."""
        masked = frozenset(section for section in Section if not self.is_revealed(section))
        return draft_remarks(profile=self.profile, written=written, masked=masked, typed=self.cells) if self.cells else []


@page_view
@require_GET
def staff_edit(request: HttpRequest, key: UUID) -> HttpResponse:
    """Which of the two acts it is to be; what was begun and not sent is offered first."""
    profile = profile_or_404(request.user, key, Action.EDIT)
    begun = {act: draft_get(user=request.user, profile=profile, act=act) for act in (Act.CORRECT, Act.RECORD)}
    context = {"profile": profile, "begun": begun, "busy": request_in_the_way(profile=profile), "first": Section.IDENTITY}
    return page(request, "registry/staff_edit.html", _("Propose a change"), **context)


@page_view
@require_http_methods(["GET", "POST"])
def edit_section(request: HttpRequest, key: UUID, act: str, section: str) -> HttpResponse:
    """One section: shown, or saved as it was typed and judged."""
    desk, part = desk_or_404(request.user, key, act), section_or_404(section, act)
    if request.method == "POST":
        return _save(request, desk, part)
    if not desk.is_new:
        file_open(actor=request.user, profile=desk.profile, what="edit", address=ip_of(request))
    if desk.act != Act.OWN and not desk.is_new and desk.is_revealed(part):
        drafts.reveal_record(actor=request.user, profile=desk.profile, section=part, address=ip_of(request))
    return page(request, "registry/edit/section.html", part.label, **_context(desk, part))


@page_view
@require_POST
def edit_row(request: HttpRequest, key: UUID, act: str, rows: str) -> HttpResponse:
    """A new, empty row of a list, numbered after those that the page already has."""
    desk = desk_or_404(request.user, key, act)
    described = LIST_BY_NAME.get(rows)
    if described is None or not row_rights(described, act=desk.act).add:
        raise Http404
    names = {*request.POST, *desk.cells}
    taken = [int(parts[1][1:]) for name in names if (parts := cell_parts(name)) and parts[0] == rows and parts[1].startswith("n")]
    line = row_form(rows=described, row_id=f"n{max(taken, default=0) + 1}", base=desk.base, act=desk.act)
    return render(request, "registry/edit/line.html", {"line": line, "table": described, "fresh": True})


@page_view
@require_POST
def edit_reveal(request: HttpRequest, key: UUID, act: str, section: str) -> HttpResponse:
    """Show the masked values of a section in the form; the read log keeps who did."""
    desk, part = desk_or_404(request.user, key, act), section_or_404(section, act)
    if not desk.is_new:
        drafts.draft_reveal(actor=request.user, profile=desk.profile, act=desk.act, section=part, address=ip_of(request))
    return redirect("registry:edit_section", key, act, section)


@page_view
@require_POST
def edit_discard(request: HttpRequest, key: UUID, act: str) -> HttpResponse:
    desk = desk_or_404(request.user, key, act)
    drafts.draft_discard(actor=request.user, profile=desk.profile, act=desk.act)
    messages.success(request, _("The draft has been thrown away. The file is as it was."))
    if desk.is_new:
        return redirect("registry:staff_list")
    return redirect("registry:mine") if desk.act == Act.OWN else redirect("registry:staff_detail", key)


@page_view
@require_POST
def edit_rebase(request: HttpRequest, key: UUID, act: str) -> HttpResponse:
    """Bring the draft to the file's present version, and say which of its values somebody else changed meanwhile."""
    desk = desk_or_404(request.user, key, act)
    try:
        moved = drafts.draft_rebase(actor=request.user, profile=desk.profile, act=desk.act)
    except drafts.NothingChanged:
        return redirect("registry:edit_review", key, act)
    both = sorted({str((BY_NAME.get(name) or LIST_BY_NAME[name.partition(".")[0]]).label) for name in moved.conflicts})
    if both:
        messages.warning(request, _("Changed by others meanwhile, too; look at these again: {names}.").format(names=", ".join(both)))
    else:
        messages.success(request, _("The draft now stands on the present file. Nothing that you wrote was touched by others."))
    return redirect("registry:edit_review", key, act)


@page_view
@require_GET
def pick(request: HttpRequest, what: str) -> HttpResponse:
    """The lines that a picker offers for what has been typed so far."""
    text = request.GET.get("q", "")[:100]
    if what.startswith("code-"):
        found = picking.pick_codes(code_list=what.removeprefix("code-"), text=text)
    elif what in ("area", "area-today"):
        found = picking.pick_areas(text=text, today=what == "area-today")
    elif what == "unit":
        found = picking.pick_units(user=request.user, text=text)
    elif what == "rank":
        found = picking.pick_ranks(text=text)
    else:
        raise Http404
    return render(request, "registry/edit/choices.html", {"found": found, "text": text})


def desk_or_404(user: User, key: UUID, act: str) -> Desk:
    """Another's file, or one's own without the right, is as unknown as one that does not exist."""
    if act not in WRITTEN_ACTS:
        raise Http404
    try:
        profile = drafts.profile_for(user=user, key=key, act=Act(act))
    except StaffProfile.DoesNotExist:
        raise Http404 from None
    draft = draft_get(user=user, profile=profile, act=Act(act))
    base = base_of(profile, draft.base_version if draft else profile.version)
    return Desk(user, profile, Act(act), draft, base)


def section_or_404(section: str, act: str) -> Section:
    if section not in {one.value for one in sections_of(Act(act))}:
        raise Http404
    return Section(section)


def sections_of(act: Act) -> list[Section]:
    """The sections in which the act can change anything."""
    if act != Act.OWN:
        return list(Section)
    return [
        one
        for one in Section
        if any(BY_NAME[name].editor == Editor.PERSON and BY_NAME[name].kind != "picture" for name in SECTION_FIELDS[one])
        or any(rows.editor == Editor.PERSON for rows in SECTION_LISTS[one])
    ]


def navigation(desk: Desk, remarks: list[Remark], current: Section | None) -> list[dict[str, Any]]:
    """The sections with how much of each the draft changes, and how many mistakes are left in it."""
    changed = changes_of(desk.cells)
    wrong: dict[Section, int] = {}
    for one in remarks:
        if one.is_error and (section := section_of(one.name) or _section_of_list(one.name)):
            wrong[section] = wrong.get(section, 0) + 1
    return [
        {
            "section": one,
            "address": reverse("registry:edit_section", args=[desk.profile.pk, desk.act, one]),
            "changed": changed.get(one, 0),
            "wrong": wrong.get(one, 0),
            "current": one == current,
        }
        for one in sections_of(desk.act)
    ]


def consequences(desk: Desk, written: Written) -> list[FieldChange]:
    """What the new facts change beside what was typed."""
    return document_changes(KIND, written.typed, written.document) if written.typed != written.document else []


def moved_by(desk: Desk) -> RecordVersion | None:
    """The version that overtook the draft."""
    if not desk.has_moved_on:
        return None
    return RecordVersion.objects.select_related("request__author").get(kind=KIND, key=desk.profile.pk, version=desk.profile.version)


def _save(request: HttpRequest, desk: Desk, section: Section) -> HttpResponse:
    sent = request.POST.dict()
    opened = drafts.Opened(
        base_version=number_sent(sent.get("base_version")),
        revision=number_sent(sent.get("revision")),
        window=sent.get("window", "")[:20],
        tick=number_sent(sent.get("tick")),
    )

    def read(draft: Draft) -> dict[str, str]:
        base = base_of(desk.profile, draft.base_version)
        revealed = desk.act == Act.OWN or section in draft.revealed
        return read_cells(sent=sent, section=section, base=base, act=desk.act, revealed=revealed, kept=draft.cells)

    try:
        desk.draft = drafts.draft_save(actor=request.user, profile=desk.profile, act=desk.act, section=section, opened=opened, read=read)
    except drafts.SavedElsewhere as error:
        at = timezone.localtime(error.at)
        return _overtaken(request, desk, section, _("This draft was saved in another window at {time}.").format(time=f"{at:%H:%M}"))
    except drafts.MovedOn:
        return _overtaken(request, desk, section, _("The file has changed since this page was opened."))
    if request.headers.get("HX-Request") != "true":
        return redirect(_next(desk, section, sent.get("next", "")))
    return render(request, "registry/edit/saved.html", _context(desk, section))


def _next(desk: Desk, section: Section, wanted: str) -> str:
    """Where a page without script goes on: the section that was asked for, the review, or the same section again."""
    if wanted == "review":
        return reverse("registry:edit_review", args=[desk.profile.pk, desk.act])
    there = wanted if wanted in {one.value for one in sections_of(desk.act)} else section
    return reverse("registry:edit_section", args=[desk.profile.pk, desk.act, there])


def _overtaken(request: HttpRequest, desk: Desk, section: Section, why: str) -> HttpResponse:
    """Nothing is overwritten: the window is told, and keeps what was typed in it until it is loaded again."""
    there = reverse("registry:edit_section", args=[desk.profile.pk, desk.act, section])
    if request.headers.get("HX-Request") == "true":
        return render(request, "registry/edit/overtaken.html", {"why": why, "there": there}, status=409)
    messages.error(request, why)
    return redirect(there)


def _context(desk: Desk, section: Section) -> dict[str, Any]:
    written = desk.written()
    remarks = desk.remarks(written)
    revealed = desk.is_revealed(section)
    # A new file lacks nearly everything at first: what is missing is counted beside the sections and told before it is sent, not in every box.
    beside = [one for one in remarks if not (desk.is_new and one.code in MISSING and one.name not in desk.cells)]
    form: SectionForm = section_form(section=section, base=desk.base, cells=desk.cells, act=desk.act, revealed=revealed, remarks=beside)
    sections = sections_of(desk.act)
    place = sections.index(section)
    return {
        "desk": desk,
        "profile": desk.profile,
        "act": desk.act,
        "section": section,
        "form": form,
        "revision": drafts.revision_of(desk.draft, section),
        "window": secrets.token_hex(6),
        "sections": navigation(desk, remarks, section),
        "whole": [one for one in remarks if not one.name],
        "follows": consequences(desk, written),
        "moved": moved_by(desk),
        "following": sections[place + 1] if place + 1 < len(sections) else None,
        "may_correct": desk.act == Act.RECORD and not desk.is_new and scope.can(desk.user, Action.EDIT, desk.profile.using_unit),
    }


def _section_of_list(name: str) -> Section | None:
    first = name.partition(".")[0]
    return LIST_BY_NAME[first].section if first in LIST_BY_NAME else None


def number_sent(text: str | None) -> int:
    """A count that a window sends; -1 where it is none."""
    return int(text) if text and text.isdecimal() and len(text) < 9 else -1
