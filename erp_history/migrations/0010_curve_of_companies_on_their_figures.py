"""The companies' curve stands on their figures alone, and no line holds its place and shares: they move for all whenever one sells."""

from django.db import migrations, models

COMPANIES = """
DO $$ DECLARE one bigint; BEGIN
  FOR one IN SELECT id FROM accounts_workspace LOOP
    PERFORM set_config('app.workspace_id', one::text, true);
    DELETE FROM erp_history_abcresult WHERE grouping = 'company';
  END LOOP;
  PERFORM set_config('app.workspace_id', '', true);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("erp_history", "0009_rank_on_the_curve_only")]

    operations = [
        migrations.RunSQL(COMPANIES, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="abcresult", name="erp_abc_rank"),
        migrations.RemoveConstraint(model_name="abcresult", name="erp_abc_once"),
        migrations.RemoveField(model_name="abcresult", name="company_id"),
        migrations.RemoveField(model_name="abcresult", name="share"),
        migrations.RemoveField(model_name="abcresult", name="before"),
        migrations.RemoveField(model_name="abcresult", name="cumulative"),
        migrations.RemoveField(model_name="abcresult", name="rank"),
        migrations.RemoveField(model_name="classchange", name="rank"),
        migrations.AddConstraint(
            model_name="abcresult", constraint=models.UniqueConstraint(fields=("workspace", "grouping", "key"), name="erp_abc_key")
        ),
    ]
