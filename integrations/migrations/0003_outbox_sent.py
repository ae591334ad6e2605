from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_row_security")]

    operations = [migrations.AddField("outbox", "sent", models.JSONField(default=dict))]
