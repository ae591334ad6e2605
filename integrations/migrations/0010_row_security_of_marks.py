from django.db import migrations

from accounts.scoping import RowSecurity


class Migration(migrations.Migration):
    dependencies = [("integrations", "0009_page_marks")]

    operations = [RowSecurity("pagemark")]
