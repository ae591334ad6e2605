"""A night writes figures of companies four times, those of contacts twice: class, category, portfolio and what was published come later.

No statement asks companies by class, category or portfolio (lists ask the figures of contacts), so these stand in no index, and a page
is half filled at first: what comes later goes beside it, without a new entry in every index.
"""

from django.db import migrations

INDEXES = ("erp_figures_class", "erp_figures_category", "erp_figures_portfolio")
TABLES = ("erp_history_companyfigures", "erp_history_contactfigures")


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0012_what_a_night_writes_asks_once")]

    operations = [
        *(migrations.RemoveIndex("companyfigures", name) for name in INDEXES),
        migrations.RunSQL(
            "".join(f"ALTER TABLE {table} SET (fillfactor = 50);" for table in TABLES),
            "".join(f"ALTER TABLE {table} RESET (fillfactor);" for table in TABLES),
        ),
    ]
