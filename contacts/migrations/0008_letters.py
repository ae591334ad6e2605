"""The folding of names and words in the database, for steps that write contacts set-wise (docs/adr/0019)."""

from typing import Any

from django.db import migrations

from contacts.models import letters


def install(_apps: Any, editor: Any) -> None:
    letters.install(editor.connection)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_tag_wishes")]

    operations = [migrations.RunPython(install, lambda _apps, editor: editor.execute(letters.DROP))]
