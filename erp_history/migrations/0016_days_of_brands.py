"""What was sold of every brand, day by day, for the curve of brands: their lines need not be read on a night without news (docs/adr/0021).

Only nights read it, so the next one fills it.
"""

import importlib
from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

from accounts.scoping import RowSecurity

PUSHED = importlib.import_module("erp_history.migrations.0006_workspace_once_per_statement")
CHECKED = importlib.import_module("erp_history.migrations.0011_check_of_rows_once_per_statement")
NIGHT = importlib.import_module("erp_history.migrations.0012_what_a_night_writes_asks_once")
DAYS = importlib.import_module("erp_history.migrations.0014_days_of_companies")
TABLE = "erp_history_brandday"
BEFORE = [*PUSHED.TABLES, *NIGHT.TABLES, DAYS.TABLE]
FORWARDS = (
    NIGHT.left([*BEFORE, TABLE])
    + f"CREATE TRIGGER workspace_is_there AFTER INSERT ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION erp_history_workspace_is_there();"
    + f"ALTER POLICY workspace ON {TABLE} WITH CHECK (workspace_id = (SELECT {CHECKED.OPEN}));"
)
BACKWARDS = NIGHT.left(BEFORE) + f"DROP TRIGGER workspace_is_there ON {TABLE};"


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0015_documents_need_no_index_of_their_id")]

    operations = [
        migrations.CreateModel(
            name="BrandDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey("workspace", "brand", "on", blank=True, editable=False, primary_key=True, serialize=False),
                ),
                ("brand", models.CharField(max_length=80)),
                ("on", models.DateField()),
                ("net", models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=24)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
        ),
        RowSecurity("brandday"),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
