"""A person's service: Party and army, appointments and terms, secondments, yearly results and disciplines."""

from __future__ import annotations

from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from registry.rules.expressions import FORM, has_rows, in_list, later, records
from workflows.choices import Severity
from workflows.rules import Rule

LEADING = "LDQL"
LEGACY_FORMS, LEGACY_UNTIL = ("05", "06"), "2025-07-01"
COMPARE = _("Compare both dates with the decisions.")


RULES: tuple[Rule, ...] = (
    Rule(
        code="PARTY_OFFICIAL_EARLY",
        severity=Severity.ERROR,
        field="party_official_date",
        message=_("Full membership of the Party since {value} does not follow a day of admission."),
        source=FORM.format("15"),
        find=records(Q(party_official_date__isnull=False) & (Q(party_join_date=None) | Q(party_official_date__lt=F("party_join_date")))),
        repair=COMPARE,
    ),
    Rule(
        code="PARTY_OFFICIAL_SOON",
        severity=Severity.WARNING,
        field="party_official_date",
        message=_("Full membership since {value} came less than twelve months after admission."),
        source="Party statutes, art. 5",
        find=records(Q(party_official_date__gte=F("party_join_date"), party_official_date__lt=later("party_join_date", years=1))),
        repair=COMPARE,
    ),
    Rule(
        code="PARTY_DATE_MISSING",
        severity=Severity.WARNING,
        field="party_join_date",
        message=_("A Party post is held, and the day of joining the Party is missing."),
        source=FORM.format("15"),
        find=records(Q(party_join_date=None) & (Q(party_post__isnull=False) | Q(party_concurrent_post__isnull=False))),
        value=Value(""),
        repair=_("Enter the day of the decision of admission."),
    ),
    Rule(
        code="MILITARY_ORDER",
        severity=Severity.ERROR,
        field="discharge_date",
        message=_("The discharge on {value} does not follow a day of enlistment."),
        source=FORM.format("17"),
        find=records(Q(discharge_date__isnull=False) & (Q(enlist_date=None) | Q(discharge_date__lte=F("enlist_date")))),
        repair=COMPARE,
    ),
    Rule(
        code="MILITARY_RANK_ALONE",
        severity=Severity.WARNING,
        field="military_rank",
        message=_("A military rank is given without a day of enlistment."),
        source=FORM.format("17"),
        find=records(Q(military_rank__isnull=False, enlist_date=None)),
        repair=_("Enter the day of enlistment."),
    ),
    Rule(
        code="REAPPOINT_EARLY",
        severity=Severity.ERROR,
        field="reappoint_date",
        message=_("The reappointment on {value} does not follow an appointment."),
        source="Decree 170/2025/NĐ-CP art. 36",
        find=records(Q(reappoint_date__isnull=False) & (Q(appoint_date=None) | Q(reappoint_date__lte=F("appoint_date")))),
        repair=COMPARE,
    ),
    Rule(
        code="LEADER_NOT_APPOINTED",
        severity=Severity.WARNING,
        field="appoint_date",
        message=_("The current post is one of leadership, and the day of appointment is missing."),
        source="Decree 170/2025/NĐ-CP art. 28",
        find=lambda check: check.subject.records.filter(has_rows(check, "postings", valid_to=None, position_group=LEADING), appoint_date=None),
        value=Value(""),
        repair=_("Enter the day of the decision: the term of five years counts from it."),
    ),
    Rule(
        code="SECONDMENT_LONG",
        severity=Severity.WARNING,
        field="secondments.valid_to",
        message=_("The secondment since {value} lasts more than 36 months."),
        source="Decree 170/2025/NĐ-CP art. 26.2",
        rows="secondments",
        find=in_list("secondments", Q(valid_to__gt=later("valid_from", years=3))),
        value=F("valid_from"),
        repair=_("Compare the period with the decision and with the law of the sector."),
    ),
    Rule(
        code="RESULT_EMPTY",
        severity=Severity.ERROR,
        field="annual_results.grade",
        message=_("The year {value} has neither grade, emulation title nor commendation."),
        source=FORM.format("35.1"),
        rows="annual_results",
        find=in_list("annual_results", Q(grade=None, emulation=None, commendation=None)),
        value=F("year"),
        repair=_("Fill in the row or remove it."),
    ),
    Rule(
        code="DISCIPLINE_FUTURE",
        severity=Severity.ERROR,
        field="disciplines.valid_from",
        message=_("The date {value} lies in the future."),
        source=FORM.format("35.2"),
        rows="disciplines",
        find=lambda check: check.subject.rows["disciplines"].filter(valid_from__gt=check.today),
        value=F("valid_from"),
        repair=_("Enter the date as it stands in the decision or on the card."),
    ),
    Rule(
        code="DISCIPLINE_ABOLISHED",
        severity=Severity.WARNING,
        field="disciplines.form",
        message=_("Demotion and salary downgrade no longer exist since 1 July 2025; the decision is of {value}."),
        source="Law 80/2025/QH15 art. 35-36",
        rows="disciplines",
        find=in_list("disciplines", Q(form__in=LEGACY_FORMS, side="CQ", valid_from__gte=LEGACY_UNTIL)),
        value=F("valid_from"),
        repair=_("Compare form and date with the decision."),
    ),
)
