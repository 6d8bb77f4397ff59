"""Who the person is: name, personal identification number, what must be filled in, and the code lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat, ExtractYear, Substr
from django.utils.translation import gettext_lazy as _

from registry.choices import CodeList
from registry.fields import FIELDS, ProfileField
from registry.models import CodeItem
from registry.rules.expressions import CITIZEN_ID_FORM, FORM, citizen_digits, records
from workflows.choices import Severity
from workflows.rules import Check, Rule

# Circular 59/2021/TT-BCA art. 4: place (3), century and gender (1), year of birth (2), random (6).
NUMBER_SOURCE = "Circular 59/2021/TT-BCA art. 4"


def _required(field: ProfileField) -> Rule:
    return Rule(
        code="REQUIRED",
        severity=Severity.ERROR,
        field=field.name,
        message=_("This field must be filled in."),
        source=FORM.format(field.item),
        find=records(Q(**{f"{field.name}__isnull": True})),
        repair=_("Enter the value from the person's papers."),
    )


def _listed(field: ProfileField) -> Rule:
    def find(check: Check) -> QuerySet[Any]:
        known = CodeItem.objects.on(check.today).filter(list=field.code_list, code=OuterRef(field.name))
        return check.subject.records.filter(~Exists(known), **{f"{field.name}__isnull": False})

    return Rule(
        code="CODE_UNKNOWN",
        severity=Severity.ERROR,
        field=field.name,
        message=_("The code {value} is not in the code list of this field."),
        source=f"registry/data, list {field.code_list}",
        find=find,
        repair=_("Choose a value from the list."),
    )


def _unknown_prefix(check: Check) -> QuerySet[Any]:
    known = CodeItem.objects.filter(list=CodeList.CITIZEN_PREFIX, code=Substr(OuterRef("citizen_id"), 1, 3))
    return check.subject.records.filter(~Exists(known), citizen_id__regex=CITIZEN_ID_FORM)


def _other_gender(check: Check) -> QuerySet[Any]:
    digit = check.subject.records.annotate(number_gender=citizen_digits(4, 1))
    return digit.filter(Q(gender="1", number_gender__in=(1, 3, 5, 7, 9)) | Q(gender="2", number_gender__in=(0, 2, 4, 6, 8)))


def _other_birth_year(check: Check) -> QuerySet[Any]:
    # Digit 4 is 0 or 1 for 1900-1999, 2 or 3 for 2000-2099, and so on; integer division drops the gender.
    year = citizen_digits(4, 1) / 2 * 100 + citizen_digits(5, 2) + 1900
    return check.subject.records.annotate(number_year=year).filter(
        ~Q(number_year=ExtractYear("birth_date")), number_year__isnull=False, birth_date__isnull=False
    )


def _same_staff_number(check: Check) -> QuerySet[Any]:
    same = {"staff_number": OuterRef("staff_number"), "managing_agency": OuterRef("managing_agency")}
    condition = Q()
    for others in check.others.records:
        condition |= Q(Exists(others.filter(**same).exclude(pk=OuterRef("pk"))))
    return check.subject.records.filter(condition)


# What is left of a font before Unicode where a name could not be told from it; no name of a people of Viet Nam is written with these.
OLD_FONT = "¡-¿×÷ÆÐØÞßæðøþÿ"

RULES: tuple[Rule, ...] = (
    *(_required(field) for field in FIELDS if field.required),
    *(_listed(field) for field in FIELDS if field.code_list),
    Rule(
        code="NAME_CHARACTERS",
        severity=Severity.ERROR,
        field="birth_name",
        message=_("The name {value} holds digits or signs that do not belong in a name."),
        source=FORM.format("1"),
        find=records(Q(birth_name__regex=r"[0-9@#$%^&*_=+<>{}|\\/~?!;:\"\[\]]" + f"|[{OLD_FONT}]")),
        repair=_("Write the name as on the identity card."),
    ),
    Rule(
        code="CITIZEN_ID_FORM",
        severity=Severity.ERROR,
        field="citizen_id",
        message=_("The personal identification number {value} does not have 12 digits."),
        source=NUMBER_SOURCE,
        find=records(Q(citizen_id__isnull=False) & ~Q(citizen_id__regex=CITIZEN_ID_FORM)),
        repair=_("Copy the 12 digits from the identity card; in a workbook, format the column as text so that leading zeros stay."),
    ),
    Rule(
        code="CITIZEN_ID_PREFIX",
        severity=Severity.WARNING,
        field="citizen_id",
        message=_("The first three digits of {value} are not the code of any place of birth registration."),
        source=NUMBER_SOURCE,
        find=_unknown_prefix,
        repair=_("Compare the number with the identity card."),
    ),
    Rule(
        code="CITIZEN_ID_GENDER",
        severity=Severity.WARNING,
        field="gender",
        message=_("The gender does not agree with the fourth digit of the personal identification number."),
        source=NUMBER_SOURCE,
        find=_other_gender,
        repair=_("Compare gender and number with the identity card."),
    ),
    Rule(
        code="CITIZEN_ID_BIRTH_YEAR",
        severity=Severity.ERROR,
        field="birth_date",
        message=_("The year of birth does not agree with digits 4 to 6 of the personal identification number ({value})."),
        source=NUMBER_SOURCE,
        find=_other_birth_year,
        value=Concat(Cast(ExtractYear("birth_date"), TextField()), Value(" / "), Cast("number_year", TextField()), output_field=TextField()),
        repair=_("Compare date of birth and number with the identity card."),
    ),
    Rule(
        code="CITIZEN_ID_DUPLICATE",
        severity=Severity.ERROR,
        field="citizen_id",
        message=_("The personal identification number {value} belongs to more than one file."),
        source="Decree 27/2026/NĐ-CP: one electronic file a person, under the 12-digit number",
        find=lambda check: check.subject.records.filter(check.others.share("citizen_id")),
        repair=_("Look for the number in the staff list and correct the file that is wrong."),
    ),
    Rule(
        code="STAFF_NUMBER_DUPLICATE",
        severity=Severity.ERROR,
        field="staff_number",
        message=_("The staff number {value} is already used in this managing agency."),
        source=FORM.format("0c"),
        find=_same_staff_number,
        repair=_("Give the person a number of their own, or leave the field empty."),
    ),
    Rule(
        code="PHONE_FORM",
        severity=Severity.ERROR,
        field="phone",
        message=_("{value} is not a telephone number of 10 digits beginning with 0."),
        source=FORM.format("8c"),
        find=records(Q(phone__isnull=False) & ~Q(phone__regex=r"^0[0-9]{9}$")),
        repair=_("Write 10 digits without spaces, for example 0912345678."),
    ),
)
