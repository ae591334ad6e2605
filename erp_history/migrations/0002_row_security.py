from django.db import migrations

from accounts.scoping import RowSecurity

TABLES = (
    "empresa", "contato", "vendedor", "fornecedor", "pedido", "itenspedido", "nota", "itensnota", "fatura", "cotacao", "itenscotacao",
    "empresamarca", "erpsource", "erpsnapshot", "erpsnapshotrow", "erprequest", "erprun", "erpphase", "erplink", "erppending", "portfolio",
    "companyfigures", "contactfigures", "abcresult", "classchange", "categorychange",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0001_initial")]

    operations = [RowSecurity(name) for name in TABLES]
