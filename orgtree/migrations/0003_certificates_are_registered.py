"""A certificate is bound to a person by registration with proof (workflows.RegisteredCertificate), no longer by what somebody typed here."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orgtree", "0002_words"), ("workflows", "0027_certificates")]

    operations = [
        migrations.RemoveConstraint("user", "user_fingerprint_form"),
        migrations.RemoveField("user", "certificate_fingerprint"),
    ]
