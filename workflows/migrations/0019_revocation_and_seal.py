"""A request that revokes the signatures on an applied one says which and why; a stage may be the organisation's seal."""

import django.db.models.deletion
from django.db import migrations, models

from workflows.guards import MOVES_FUNCTION

ACTS = [
    ("correct", "Correct a mistake"),
    ("record", "Record a change"),
    ("own", "Declared by the person"),
    ("revoke", "Revoke a signature"),
]
GROUNDS = [
    ("content", "What was signed is wrong in substance (Decree 30/2020/NĐ-CP, Article 18)"),
    ("authority", "It was signed without authority, or against procedure"),
    ("decision", "The decision it stands on was cancelled, withdrawn or replaced"),
    ("judgment", "A court, an inspection or the settling of a complaint demands it"),
    ("key", "The signing key was lost or used by somebody else (Law 20/2023/QH15 on electronic transactions)"),
]
KINDS = [
    ("waiting", "A request waits for my decision"),
    ("half_time", "Half of the time to decide has passed"),
    ("overdue", "A decision is overdue"),
    ("overdue_below", "A decision in a unit below is overdue"),
    ("nobody", "Nobody can decide on a request"),
    ("returned", "My request was returned"),
    ("rows_returned", "Records of my request were returned"),
    ("applied", "My request has been applied"),
    ("not_applied", "My request could not be applied"),
    ("expired", "My request has expired"),
    ("recalled", "My request was recalled"),
    ("revoked", "A signature on a request of mine was revoked"),
    ("stands_in", "I decide in somebody’s place"),
    ("is_stood_in", "Somebody decides in my place"),
    ("grant_waiting", "A grant waits for confirmation"),
    ("grant_decided", "A grant that I proposed was decided"),
    ("grant_given", "I was given a role"),
    ("grant_ended", "A role of mine has ended"),
    ("grant_ends", "A role ends soon"),
]
ACT = models.CharField(blank=True, choices=ACTS, db_default="", default="", max_length=8, verbose_name="kind of act")


class Migration(migrations.Migration):
    dependencies = [("workflows", "0018_timestamps")]

    operations = [
        migrations.AddField(
            "changerequest",
            "ground",
            models.CharField(blank=True, choices=GROUNDS, db_default="", default="", max_length=10, verbose_name="ground of the revocation"),
        ),
        migrations.AddField(
            "changerequest",
            "revokes",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="revocations",
                to="workflows.changerequest",
                help_text="The applied request whose signatures this one revokes.",
            ),
        ),
        migrations.AddField(
            "stage",
            "seal",
            models.BooleanField(
                db_default=False, default=False, help_text="signed with the organisation's certificate, over the signatures before it"
            ),
        ),
        migrations.AlterField("changerequest", "act", ACT),
        migrations.AlterField("route", "act", ACT),
        migrations.AlterField("notice", "kind", models.CharField(choices=KINDS, max_length=20, verbose_name="kind")),
        migrations.AddConstraint(
            "changerequest",
            models.CheckConstraint(
                condition=models.Q(ground="", revokes=None)
                | (models.Q(act="revoke", revokes__isnull=False) & ~models.Q(ground="") & ~models.Q(reason="")),
                name="request_revocation_says_why",
            ),
        ),
        migrations.AddConstraint(
            "stage",
            models.CheckConstraint(condition=models.Q(seal=False) | models.Q(needs_signature=True, quorum=1), name="seal_is_one_signature"),
        ),
        migrations.RunSQL(MOVES_FUNCTION, migrations.RunSQL.noop),
    ]
