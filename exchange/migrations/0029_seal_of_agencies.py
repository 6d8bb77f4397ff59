"""From which day the hub asks an agency for its own seal."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0028_packages")]

    operations = [
        migrations.AddField(
            "agency",
            "seal_from",
            models.DateField(
                editable=False,
                help_text="Empty: a person’s signature is enough.",
                null=True,
                verbose_name="the agency’s seal is needed from",
            ),
        ),
    ]
