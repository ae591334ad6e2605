"""A session takes the ids of documents and their lines a hundred at a time: to ask the sequence for each is a twentieth of the insert.

Ids say which row is meant, not when it came (that is `received_at`); some are never used.
"""

import importlib

from django.db import migrations

TABLES = importlib.import_module("erp_history.migrations.0015_documents_need_no_index_of_their_id").TABLES


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0016_days_of_brands")]

    operations = [
        migrations.RunSQL(
            "".join(f"ALTER TABLE {table} ALTER COLUMN id SET CACHE 100;" for table in TABLES),
            "".join(f"ALTER TABLE {table} ALTER COLUMN id SET CACHE 1;" for table in TABLES),
        )
    ]
