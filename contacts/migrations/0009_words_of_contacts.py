"""Search words ask once per statement whether their contacts are there, not once per word (docs/adr/0019).

The contacts are locked as a foreign key locks them; row-level security shows those of the open workspace only. And a contact cannot go
while words of it are left: that is looked at when its transaction ends. LIMIT keeps each contact a look-up: the plan is kept by the session, whatever
number of words it was made for.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION contacts_of_words_are_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT contact_id AS id FROM new_rows ORDER BY 1) n
    LEFT JOIN LATERAL (SELECT c.id FROM contacts_contact c WHERE c.id = n.id LIMIT 1 FOR KEY SHARE) c ON true
    WHERE c.id IS NULL
  ) THEN
    RAISE foreign_key_violation USING MESSAGE = 'the contact of search words is not there', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER contacts_are_there_insert AFTER INSERT ON contacts_contacttoken
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contacts_of_words_are_there();
CREATE TRIGGER contacts_are_there_update AFTER UPDATE ON contacts_contacttoken
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contacts_of_words_are_there();

CREATE FUNCTION contacts_no_words_are_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  opened text := coalesce(current_setting('app.workspace_id', true), '');
BEGIN
  PERFORM set_config('app.workspace_id', OLD.workspace_id::text, true);
  IF EXISTS (SELECT FROM contacts_contacttoken WHERE contact_id = OLD.id) THEN
    RAISE foreign_key_violation USING MESSAGE = 'search words still belong to the contact', TABLE = TG_TABLE_NAME;
  END IF;
  PERFORM set_config('app.workspace_id', opened, true);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER contacts_no_words_are_left AFTER DELETE ON contacts_contact DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION contacts_no_words_are_left();
"""
BACKWARDS = """
DROP TRIGGER contacts_no_words_are_left ON contacts_contact;
DROP FUNCTION contacts_no_words_are_left();
DROP TRIGGER contacts_are_there_update ON contacts_contacttoken;
DROP TRIGGER contacts_are_there_insert ON contacts_contacttoken;
DROP FUNCTION contacts_of_words_are_there();
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0008_letters")]

    operations = [
        migrations.AlterField(
            model_name="contacttoken",
            name="contact",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to="contacts.contact",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
