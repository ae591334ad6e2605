"""Search words ask whether their contact is there, and no longer for its workspace besides: a contact has ten words (docs/adr/0015)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_idempotentanswer"), ("contacts", "0005_quick_history")]

    operations = [
        migrations.AlterField(
            model_name="contacttoken",
            name="workspace",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
    ]
