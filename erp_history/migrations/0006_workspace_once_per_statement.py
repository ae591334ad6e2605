"""The tables that ERP systems push to ask for their workspace once per statement, not once per row (docs/adr/0014).

Row-level security lets a statement write rows of the open workspace only, so asking for that one is asking for each of them. It is
locked as a foreign key locks it. And a workspace cannot go while rows of it are left: that is looked at when its transaction ends.
"""

import django.db.models.deletion
from django.db import migrations, models

MODELS = (
    "contato", "cotacao", "empresa", "empresamarca", "fatura", "fornecedor", "itenscotacao", "itensnota", "itenspedido", "nota", "pedido",
    "vendedor",
)  # fmt: skip
TABLES = [f"erp_history_{name}" for name in MODELS]
ARRIVE = """
CREATE FUNCTION erp_history_workspace_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM accounts_workspace WHERE id = nullif(current_setting('app.workspace_id', true), '')::bigint FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE foreign_key_violation USING MESSAGE = 'the workspace of the rows is not there', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
"""
LEAVE = f"""
CREATE FUNCTION erp_history_no_rows_are_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  opened text := coalesce(current_setting('app.workspace_id', true), '');
BEGIN
  PERFORM set_config('app.workspace_id', OLD.id::text, true);
  IF {" OR ".join(f"EXISTS (SELECT FROM {table} WHERE workspace_id = OLD.id)" for table in TABLES)} THEN
    RAISE foreign_key_violation USING MESSAGE = 'rows of the ERP still belong to the workspace', TABLE = TG_TABLE_NAME;
  END IF;
  PERFORM set_config('app.workspace_id', opened, true);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER erp_history_no_rows_are_left AFTER DELETE ON accounts_workspace DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION erp_history_no_rows_are_left();
"""
TRIGGERS = "".join(
    f"CREATE TRIGGER workspace_is_there AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION erp_history_workspace_is_there();\n"
    for table in TABLES
)
BACK = (
    "DROP TRIGGER erp_history_no_rows_are_left ON accounts_workspace; DROP FUNCTION erp_history_no_rows_are_left();"
    + "".join(f"DROP TRIGGER workspace_is_there ON {table};\n" for table in TABLES)
    + "DROP FUNCTION erp_history_workspace_is_there();"
)


def workspace() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workspace"
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_idempotentanswer"), ("erp_history", "0005_exports")]

    operations = [
        *(migrations.AlterField(name, "workspace", workspace()) for name in MODELS),
        migrations.RunSQL(ARRIVE + TRIGGERS + LEAVE, BACK),
    ]
