"""History by statement-level triggers: set-wise, so a page of a sync costs one statement, and no way of writing goes round them."""

from django.db import migrations

from accounts.scoping import RowSecurity

WHO = """
    coalesce(current_setting('app.origin', true), ''), coalesce(current_setting('app.label', true), ''),
    nullif(current_setting('app.actor_id', true), '')::bigint, nullif(current_setting('app.run_id', true), '')::bigint
"""

FORWARDS = f"""
CREATE FUNCTION contacts_history_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO contacts_contactchange (workspace_id, contact_id, at, action, changes, version, origin, label, actor_id, run_id)
  SELECT n.workspace_id, n.id, clock_timestamp(), 'created', jsonb_build_object('name', jsonb_build_array(NULL, n.name)), n.version, {WHO}
  FROM new_rows n;
  RETURN NULL;
END $$;

CREATE FUNCTION contacts_history_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO contacts_contactchange (workspace_id, contact_id, at, action, changes, version, origin, label, actor_id, run_id)
  SELECT n.workspace_id, n.id, clock_timestamp(),
    CASE WHEN o.deleted_at IS NULL AND n.deleted_at IS NOT NULL THEN 'deleted'
         WHEN o.deleted_at IS NOT NULL AND n.deleted_at IS NULL THEN 'restored' ELSE 'updated' END,
    coalesce(d.changes, '{{}}'::jsonb), n.version, {WHO}
  FROM new_rows n JOIN old_rows o ON o.id = n.id
  CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(f.key, jsonb_build_array(b.doc -> f.key, f.value)) AS changes
    FROM (SELECT to_jsonb(o) AS doc) b, jsonb_each(to_jsonb(n)) f
    WHERE f.value IS DISTINCT FROM b.doc -> f.key
      AND f.key NOT IN ('exact_name', 'sort_name', 'version', 'created_at', 'updated_at', 'deleted_at')
  ) d
  WHERE d.changes IS NOT NULL OR (o.deleted_at IS NULL) <> (n.deleted_at IS NULL);
  RETURN NULL;
END $$;

CREATE TRIGGER contacts_history_insert AFTER INSERT ON contacts_contact
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contacts_history_insert();
CREATE TRIGGER contacts_history_update AFTER UPDATE ON contacts_contact
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contacts_history_update();
"""

BACKWARDS = """
DROP TRIGGER contacts_history_insert ON contacts_contact;
DROP TRIGGER contacts_history_update ON contacts_contact;
DROP FUNCTION contacts_history_insert();
DROP FUNCTION contacts_history_update();
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        migrations.RunSQL(FORWARDS, BACKWARDS),
        *(RowSecurity(name) for name in ("contact", "contactchange", "contacttoken", "customfield", "duplicate", "note", "tag")),
    ]
