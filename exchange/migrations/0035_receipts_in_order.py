from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0034_catalogue_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="receipts_after",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["channel", "remote_id"], name="batch_by_remote_id"),
        ),
    ]
