from django.db import migrations

from accounts.scoping import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("integrations", "0007_rules_hooks_and_pairings")]

    operations = [RowSecurity("hint"), RowSecurity("pairing")]
