"""What a night writes by the thousand asks for its workspace once per statement, as the rows of the ERP do: both whether it is
there and whether it is the open one (docs/adr/0014).

One index of a link by its contact instead of two. Words have no id to look at.
"""

import importlib

import django.db.models.deletion
from django.db import migrations, models

PUSHED = importlib.import_module("erp_history.migrations.0006_workspace_once_per_statement")
CHECKED = importlib.import_module("erp_history.migrations.0011_check_of_rows_once_per_statement")
STATISTICS = importlib.import_module("erp_history.migrations.0009_rank_on_the_curve_only")
MODELS = ("abcresult", "categorychange", "classchange", "companyfigures", "contactfigures", "erplink")
TABLES = [f"erp_history_{name}" for name in MODELS]
LEFT = """
CREATE OR REPLACE FUNCTION erp_history_no_rows_are_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  opened text := coalesce(current_setting('app.workspace_id', true), '');
BEGIN
  PERFORM set_config('app.workspace_id', OLD.id::text, true);
  IF {any_row} THEN
    RAISE foreign_key_violation USING MESSAGE = 'rows of the ERP still belong to the workspace', TABLE = TG_TABLE_NAME;
  END IF;
  PERFORM set_config('app.workspace_id', opened, true);
  RETURN NULL;
END $$;
"""


def check(value: str) -> str:
    return "".join(f"ALTER POLICY workspace ON {table} WITH CHECK (workspace_id = {value});\n" for table in TABLES)


def analyse(words: str) -> str:
    """The statistics that a night asks for, of these columns of search words."""
    columns = {table: f"id, {names}" for table, names in STATISTICS.COLUMNS.items()} | {"contacts_contacttoken": words}
    return STATISTICS.FUNCTION.format(statements=" ".join(f"ANALYZE {table} ({names});" for table, names in columns.items()))


def left(tables: list[str]) -> str:
    return LEFT.format(any_row=" OR ".join(f"EXISTS (SELECT FROM {table} WHERE workspace_id = OLD.id)" for table in tables))


FORWARDS = (
    check(f"(SELECT {CHECKED.OPEN})")
    + analyse("workspace_id, contact_id, word")
    + left([*PUSHED.TABLES, *TABLES])
    + "".join(
        f"CREATE TRIGGER workspace_is_there AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION erp_history_workspace_is_there();\n"
        for table in TABLES
    )
)
BACKWARDS = (
    check(CHECKED.OPEN)
    + analyse("id, workspace_id, contact_id, word")
    + left(PUSHED.TABLES)
    + "".join(f"DROP TRIGGER workspace_is_there ON {table};\n" for table in TABLES)
)


def workspace() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workspace"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_idempotentanswer"),
        ("contacts", "0011_words_without_a_number"),
        ("erp_history", "0011_check_of_rows_once_per_statement"),
    ]

    operations = [
        *(migrations.AlterField(name, "workspace", workspace()) for name in MODELS),
        migrations.RemoveIndex("erplink", "erp_link_of_contact"),
        migrations.RemoveIndex("erplink", "erp_link_contact"),
        migrations.AddIndex("erplink", models.Index(fields=["contact", "workspace"], name="erp_link_of_contact")),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
