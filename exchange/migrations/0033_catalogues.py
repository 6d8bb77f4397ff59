"""Code lists between hub and agencies: what an agency read of the hub's and what it decided; on the hub, which agency holds what."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

PROTECT = django.db.models.deletion.PROTECT


def number():
    return ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0032_transfer_times"),
        ("workflows", "0026_case_notices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            "AgencyCatalogue",
            [
                number(),
                ("name", models.CharField(max_length=30)),
                ("version", models.BigIntegerField(verbose_name="version")),
                ("waiting", models.PositiveIntegerField(verbose_name="not yet in force there")),
                ("kept", models.PositiveIntegerField(verbose_name="different by decision")),
                ("reported_at", models.DateTimeField(verbose_name="reported")),
                ("agency", models.ForeignKey(on_delete=PROTECT, related_name="catalogues", to="exchange.agency")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("agency", "name"), name="agency_catalogue_once")]},
        ),
        migrations.CreateModel(
            "CatalogueSource",
            [
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=PROTECT, primary_key=True, related_name="catalogue_source", serialize=False, to="exchange.channel"
                    ),
                ),
                ("authority", models.CharField(blank=True, default="", max_length=40, verbose_name="publisher")),
                ("begun_at", models.DateTimeField(editable=False, null=True)),
                ("checked_at", models.DateTimeField(editable=False, null=True, verbose_name="last asked")),
                ("error_code", models.CharField(blank=True, default="", editable=False, max_length=40)),
                ("error_text", models.CharField(blank=True, default="", editable=False, max_length=500)),
            ],
            options={"verbose_name": "publisher of code lists", "verbose_name_plural": "publishers of code lists"},
        ),
        migrations.CreateModel(
            "CatalogueRead",
            [
                number(),
                ("name", models.CharField(max_length=30)),
                ("version", models.BigIntegerField(default=0, verbose_name="version")),
                ("digest", models.BinaryField(default=b"", max_length=32)),
                ("position", models.BigIntegerField(default=0)),
                ("codes", models.PositiveIntegerField(default=0, verbose_name="codes")),
                ("changed_at", models.DateTimeField(null=True, verbose_name="published")),
                ("source", models.ForeignKey(on_delete=PROTECT, related_name="catalogues", to="exchange.cataloguesource")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("source", "name"), name="catalogue_read_once")]},
        ),
        migrations.CreateModel(
            "CatalogueManifest",
            [
                number(),
                ("digest", models.BinaryField(max_length=32)),
                ("body", models.BinaryField()),
                ("signature_digest", models.BinaryField(max_length=32)),
                ("signature", models.BinaryField()),
                ("received_at", models.DateTimeField(verbose_name="received by the hub")),
                ("verified_at", models.DateTimeField(db_default=Now(), verbose_name="verified")),
                ("decider", models.CharField(max_length=500, verbose_name="decided by")),
                ("subject", models.CharField(max_length=500)),
                ("fingerprint", models.CharField(max_length=64)),
                ("source", models.ForeignKey(on_delete=PROTECT, related_name="manifests", to="exchange.cataloguesource")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("source", "digest", "signature_digest"), name="catalogue_manifest_once")]},
        ),
        migrations.CreateModel(
            "CatalogueCode",
            [
                number(),
                ("catalogue", models.CharField(max_length=30)),
                ("kind", models.CharField(max_length=30)),
                ("key", models.UUIDField()),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("position", models.BigIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("document", models.BinaryField(help_text="canonical bytes, as they were signed")),
                ("leaf_index", models.PositiveIntegerField()),
                ("proof", models.BinaryField(help_text="32 bytes a node, lowest sibling first")),
                ("received_at", models.DateTimeField(db_default=Now(), verbose_name="received")),
                ("manifest", models.ForeignKey(on_delete=PROTECT, related_name="codes", to="exchange.cataloguemanifest")),
                ("source", models.ForeignKey(on_delete=PROTECT, related_name="codes", to="exchange.cataloguesource")),
            ],
            options={
                "indexes": [models.Index(fields=["source", "kind", "key", "-position"], name="catalogue_code_newest")],
                "constraints": [models.UniqueConstraint(fields=("source", "kind", "key", "version", "digest"), name="catalogue_code_once")],
            },
        ),
        migrations.CreateModel(
            "CatalogueChoice",
            [
                (
                    "code",
                    models.OneToOneField(on_delete=PROTECT, primary_key=True, related_name="choice", serialize=False, to="exchange.cataloguecode"),
                ),
                ("choice", models.CharField(choices=[("take", "take over the hub’s"), ("keep", "keep ours")], max_length=4)),
                ("reason", models.CharField(blank=True, default="", max_length=300, verbose_name="reason")),
                ("made_at", models.DateTimeField(db_default=Now())),
                ("actor", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            "CatalogueTaking",
            [
                number(),
                ("code", models.ForeignKey(on_delete=PROTECT, related_name="takings", to="exchange.cataloguecode")),
                ("request", models.ForeignKey(on_delete=PROTECT, related_name="+", to="workflows.changerequest")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("code", "request"), name="catalogue_taking_once")]},
        ),
    ]
