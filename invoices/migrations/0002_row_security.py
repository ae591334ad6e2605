from django.db import migrations

from accounts.scoping import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("invoices", "0001_initial")]

    operations = [RowSecurity(name) for name in ("invoice",)]
