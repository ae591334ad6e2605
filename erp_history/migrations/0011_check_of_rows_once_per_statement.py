"""What an ERP pushes is compared with the open workspace that is looked up once per statement, not once per row (docs/adr/0014).

The rule stays the same. Reading keeps it as it was: there the planner wants to know which workspace it is.
"""

from django.db import migrations

TABLES = tuple(
    f"erp_history_{name}"
    for name in (
        "contato", "cotacao", "empresa", "empresamarca", "fatura", "fornecedor", "itenscotacao", "itensnota", "itenspedido", "nota",
        "pedido", "vendedor",
    )
)  # fmt: skip
OPEN = "nullif(current_setting('app.workspace_id', true), '')::bigint"


def check(value: str) -> str:
    return "".join(f"ALTER POLICY workspace ON {table} WITH CHECK (workspace_id = {value});\n" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0010_curve_of_companies_on_their_figures")]

    operations = [migrations.RunSQL(check(f"(SELECT {OPEN})"), check(OPEN))]
