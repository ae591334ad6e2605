"""Contacts and their history ask for their workspace once per statement, as ERP rows do: both whether it is there and, with search
words, whether it is the open one (docs/adr/0014). The foreign keys of contacts have indexes of those that have such a reference only.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = ("contacts_contact", "contacts_contactchange")
REFERENCES = ("organisation", "owner", "team", "merged_into")
OPEN = "nullif(current_setting('app.workspace_id', true), '')::bigint"
ARRIVE = """
CREATE FUNCTION contacts_workspace_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM accounts_workspace WHERE id = nullif(current_setting('app.workspace_id', true), '')::bigint FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE foreign_key_violation USING MESSAGE = 'the workspace of the rows is not there', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
"""
LEAVE = f"""
CREATE FUNCTION contacts_none_are_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  opened text := coalesce(current_setting('app.workspace_id', true), '');
BEGIN
  PERFORM set_config('app.workspace_id', OLD.id::text, true);
  IF {" OR ".join(f"EXISTS (SELECT FROM {table} WHERE workspace_id = OLD.id)" for table in TABLES)} THEN
    RAISE foreign_key_violation USING MESSAGE = 'contacts or their history still belong to the workspace', TABLE = TG_TABLE_NAME;
  END IF;
  PERFORM set_config('app.workspace_id', opened, true);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER contacts_none_are_left AFTER DELETE ON accounts_workspace DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION contacts_none_are_left();
"""
TRIGGERS = "".join(
    f"CREATE TRIGGER workspace_is_there AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION contacts_workspace_is_there();\n"
    for table in TABLES
)
BACK = (
    "DROP TRIGGER contacts_none_are_left ON accounts_workspace; DROP FUNCTION contacts_none_are_left();"
    + "".join(f"DROP TRIGGER workspace_is_there ON {table};\n" for table in TABLES)
    + "DROP FUNCTION contacts_workspace_is_there();"
)


def check(value: str) -> str:
    return "".join(
        f"ALTER POLICY workspace ON {table} WITH CHECK (workspace_id = {value});\n" for table in (*TABLES, "contacts_contacttoken")
    )


def workspace() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workspace"
    )


def reference(to: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=to, **more)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_idempotentanswer"),
        ("contacts", "0009_words_of_contacts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField("contact", "workspace", workspace()),
        migrations.AlterField("contactchange", "workspace", workspace()),
        migrations.AlterField("contact", "merged_into", reference("contacts.contact", editable=False, related_name="+")),
        migrations.AlterField(
            "contact", "organisation", reference("contacts.contact", blank=True, related_name="people", verbose_name="organisation")
        ),
        migrations.AlterField("contact", "owner", reference(settings.AUTH_USER_MODEL, blank=True, related_name="+", verbose_name="owner")),
        migrations.AlterField("contact", "team", reference("accounts.team", blank=True, related_name="+", verbose_name="team")),
        migrations.AlterField("contactchange", "actor", reference(settings.AUTH_USER_MODEL, db_constraint=False, related_name="+")),
        *(
            migrations.AddIndex(
                "contact",
                models.Index(condition=models.Q((f"{name}__isnull", False)), fields=[name], name=f"contact_of_{name}"),
            )
            for name in REFERENCES
        ),
        migrations.AddIndex(
            "contactchange", models.Index(condition=models.Q(("actor__isnull", False)), fields=["actor"], name="change_of_actor")
        ),
        migrations.RunSQL(check(f"(SELECT {OPEN})") + ARRIVE + TRIGGERS + LEAVE, check(OPEN) + BACK),
    ]
