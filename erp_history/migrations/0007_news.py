import django.db.models.deletion
from django.db import migrations, models

from accounts.scoping import RowSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_idempotentanswer"),
        ("erp_history", "0006_workspace_once_per_statement"),
    ]

    operations = [
        migrations.CreateModel(
            name="ErpNews",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=20)),
                ("taken", models.BooleanField(default=False)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workspace"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["workspace", "table"], name="erp_news_of_table")],
            },
        ),
        RowSecurity("erpnews"),
    ]
