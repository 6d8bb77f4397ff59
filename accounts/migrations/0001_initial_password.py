import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("orgtree", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="InitialPassword",
            fields=[
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="initial_password", serialize=False, to=settings.AUTH_USER_MODEL)),
                ("set_at", models.DateTimeField(auto_now=True)),
                ("set_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"verbose_name": "initial password", "verbose_name_plural": "initial passwords"},
        ),
    ]
