from django.db import migrations

from accounts.scoping import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]

    operations = [
        RowSecurity(name) for name in ("connection", "oauthattempt", "link", "run", "runline", "staged", "seen", "outbox", "exchange")
    ]
