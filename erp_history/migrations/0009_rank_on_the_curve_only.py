"""A company's rank stands on the curve alone: it moves for nearly all whenever one sells, and nobody reads it from the figures.

And statistics are made of the columns by which the night looks rows up, not of documents and texts, which take most of the time.
"""

from django.db import migrations

BEFORE = ("contacts_contact", "contacts_contacttoken", "erp_history_erplink", "erp_history_empresa", "erp_history_contato")
COLUMNS = {
    "contacts_contact": "workspace_id, kind, exact_name, tax_id, organisation_id, deleted_at",
    "contacts_contacttoken": "workspace_id, contact_id, word",
    "erp_history_erplink": "workspace_id, kind, row_id, contact_id, state, request_id",
    "erp_history_empresa": "workspace_id, filial, codigo_erp, cnpj, excluido, gone_at, request_id",
    "erp_history_contato": "workspace_id, filial, codigo_erp, codigo_empresa, cpf, excluido, gone_at, request_id",
}
FUNCTION = """
CREATE OR REPLACE FUNCTION erp_history_analyse() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  {statements}
END $$;
"""
FORWARDS = FUNCTION.format(statements=" ".join(f"ANALYZE {table} (id, {columns});" for table, columns in COLUMNS.items()))
BACKWARDS = FUNCTION.format(statements=" ".join(f"ANALYZE {table};" for table in BEFORE))


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0008_windows")]

    operations = [
        migrations.RemoveField(model_name="companyfigures", name="abc_rank"),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
