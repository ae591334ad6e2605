"""A first load fills empty tables faster than autovacuum notices: the night may ask for fresh statistics, and for nothing else.

The serving role does not own the tables, so the function speaks for the role that does.
"""

from django.db import migrations

TABLES = ("contacts_contact", "contacts_contacttoken", "erp_history_erplink", "erp_history_empresa", "erp_history_contato")
FORWARDS = f"""
CREATE FUNCTION erp_history_analyse() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  {" ".join(f"ANALYZE {table};" for table in TABLES)}
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0003_codes_and_published"), ("contacts", "0002_history_trigger")]

    operations = [migrations.RunSQL(FORWARDS, "DROP FUNCTION erp_history_analyse()")]
