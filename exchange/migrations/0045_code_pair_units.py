"""Our code may be a unit's, or a post in words: programs that workbooks come from have codes of their own for these, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0044_pulling")]

    operations = [
        migrations.AlterField("codepair", "code", models.CharField(max_length=100, verbose_name="our code")),
    ]
