"""Documents and their lines come by the thousand, and an entry in the index of their ids cost a tenth of what the database does for a row.

They are found by their key, by company, and by their time. What names a row by its id (what waits for a parent, complete loads)
is compared as a whole, or looks up a screenful: for that an index of which ids stand in which pages will do.
"""

import django.contrib.postgres.indexes
from django.db import migrations

MODELS = ("cotacao", "fatura", "itenscotacao", "itensnota", "itenspedido", "nota", "pedido")
NAMES = {"itenscotacao": "itens_cotacao", "itensnota": "itens_nota", "itenspedido": "itens_pedido"}
TABLES = [f"erp_history_{model}" for model in MODELS]


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0014_days_of_companies")]

    operations = [
        migrations.RunSQL(
            "".join(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey;" for table in TABLES),
            "".join(f"ALTER TABLE {table} ADD PRIMARY KEY (id);" for table in TABLES),
        ),
        *(
            migrations.AddIndex(
                model,
                django.contrib.postgres.indexes.BrinIndex(
                    autosummarize=True, fields=["id"], name=f"erp_{NAMES.get(model, model)}_by_id", pages_per_range=32
                ),
            )
            for model in MODELS
        ),
    ]
