"""What every company bought, day by day: notes that know their company, for the figures of a night and the curves (docs/adr/0021).

The days of what is there are made here, so that curves can be read before the next night. That one compares them with the notes.
"""

import importlib
from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

from accounts.scoping import RowSecurity

PUSHED = importlib.import_module("erp_history.migrations.0006_workspace_once_per_statement")
CHECKED = importlib.import_module("erp_history.migrations.0011_check_of_rows_once_per_statement")
NIGHT = importlib.import_module("erp_history.migrations.0012_what_a_night_writes_asks_once")
TABLE = "erp_history_companyday"
READ = ("erp_history_empresa", "erp_history_nota")
FILL = """
INSERT INTO erp_history_companyday (workspace_id, company_id, "on", sold, net)
SELECT workspace_id, company_id, "on", bool_or(is_sale), coalesce(sum(net), 0) FROM (
  SELECT d.workspace_id, coalesce(e.id, u.id) AS company_id, d.data_emissao AS "on", coalesce(d.tipo, 'venda') = 'venda' AS is_sale,
    CASE WHEN coalesce(d.tipo, 'venda') = 'venda' THEN d.valor_total ELSE -abs(d.valor_total) END AS net
  FROM erp_history_nota d
  LEFT JOIN erp_history_empresa e ON e.workspace_id = d.workspace_id AND e.filial = d.filial AND e.codigo_erp = d.codigo_empresa
  LEFT JOIN (
    SELECT workspace_id, codigo_erp, min(id) AS id FROM erp_history_empresa GROUP BY 1, 2 HAVING count(*) = 1
  ) u ON e.id IS NULL AND u.workspace_id = d.workspace_id AND u.codigo_erp = d.codigo_empresa
  WHERE NOT d.excluido AND d.gone_at IS NULL AND d.data_emissao IS NOT NULL
    AND coalesce(d.situacao, 'autorizada') = 'autorizada' AND coalesce(d.tipo, 'venda') IN ('venda', 'devolucao')
) x WHERE company_id IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
"""


def forced(words: str) -> str:
    return "".join(f"ALTER TABLE {table} {words} ROW LEVEL SECURITY;\n" for table in READ)


FORWARDS = (
    forced("NO FORCE")
    + FILL
    + forced("FORCE")
    + NIGHT.left([*PUSHED.TABLES, *NIGHT.TABLES, TABLE])
    + f"CREATE TRIGGER workspace_is_there AFTER INSERT ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION erp_history_workspace_is_there();"
)
BACKWARDS = NIGHT.left([*PUSHED.TABLES, *NIGHT.TABLES]) + f"DROP TRIGGER workspace_is_there ON {TABLE};"
CHECK = f"ALTER POLICY workspace ON {TABLE} WITH CHECK (workspace_id = (SELECT {CHECKED.OPEN}))"


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0013_figures_are_written_in_place")]

    operations = [
        migrations.CreateModel(
            name="CompanyDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace", "company_id", "on", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("company_id", models.BigIntegerField()),
                ("on", models.DateField()),
                ("sold", models.BooleanField(default=False)),
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
        migrations.RunSQL(FORWARDS, BACKWARDS),
        RowSecurity("companyday"),
        migrations.RunSQL(CHECK, migrations.RunSQL.noop),
    ]
