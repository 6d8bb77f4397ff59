"""What the person learned, as tables (document: `registry.schema.learning`)."""

from __future__ import annotations

from django.db import models

from registry.models.lists import Months, ProfileRow, by_words


class Course(ProfileRow, Months):
    """What all rows of items 32.1 to 32.6 have."""

    school = models.CharField(max_length=250, null=True)

    class Meta(ProfileRow.Meta):
        abstract = True
        constraints = [*Months.Meta.constraints]


class Degree(Course):
    """Item 32.1, from intermediate level up. `major_code` is the seven-digit code of the Ministry of Education and Training."""

    major = models.CharField(max_length=250)
    major_code = models.CharField(max_length=10, null=True)
    mode = models.CharField(max_length=10, null=True)
    degree = models.CharField(max_length=10)

    class Meta(Course.Meta):
        indexes = [models.Index(fields=["degree", "staff"], name="registry_degree_by_degree"), by_words("major", name="registry_degree_major")]


class PoliticalTraining(Course):
    """Item 32.2."""

    mode = models.CharField(max_length=10, null=True)
    level = models.CharField(max_length=10)

    class Meta(Course.Meta):
        indexes = [models.Index(fields=["level", "staff"], name="registry_politicaltra_by_level")]


class StateManagementTraining(Course):
    """Item 32.3: state management, standards of a professional title, professional courses."""

    level = models.CharField(max_length=10, null=True)
    certificate = models.CharField(max_length=250)

    class Meta(Course.Meta):
        indexes = [models.Index(fields=["level", "staff"], name="registry_statemanagem_by_level")]


class DefenceTraining(Course):
    """Item 32.4; `level` is the group of trainees, 1 to 4."""

    level = models.CharField(max_length=10, null=True)
    certificate = models.CharField(max_length=250)

    class Meta(Course.Meta):
        indexes = [models.Index(fields=["level", "staff"], name="registry_defencetrain_by_level")]


class ItCertificate(Course):
    """Item 32.5."""

    level = models.CharField(max_length=10)
    certificate = models.CharField(max_length=250, null=True)

    class Meta(Course.Meta):
        indexes = [models.Index(fields=["level", "staff"], name="registry_itcertificat_by_level")]


class LanguageCertificate(Course):
    """Item 32.6: a foreign language or one of an ethnic minority."""

    language = models.CharField(max_length=10)
    level = models.CharField(max_length=10, null=True)
    certificate = models.CharField(max_length=250, null=True)
    score = models.CharField(max_length=20, null=True)

    class Meta(Course.Meta):
        indexes = [models.Index(fields=["language", "level", "staff"], name="registry_languagecert_by_level")]
