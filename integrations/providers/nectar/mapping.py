"""NectarCRM's contacts as ours."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from crmsync.lib.countries import country_code
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import Direction, FieldMap, gettext_noop
from integrations.engine.types import Kind, Party, RawRecord, Reason, Ref, Remote
from integrations.kit.values import identity, table, text
from integrations.providers.nectar import records, rules
from integrations.providers.nectar.records import COMPANY, PERSON

FIELDS = (
    FieldMap("name", "nome", gettext_noop("Name"), Direction.IN, required=True),
    FieldMap("legal_name", "razaoSocial", gettext_noop("Legal name"), Direction.IN),
    FieldMap("tax_id", "cnpj / cpf", gettext_noop("CPF or CNPJ"), Direction.IN),
    FieldMap("email", "emails", gettext_noop("E-mail"), Direction.IN, note=gettext_noop("New contacts get all of them.")),
    FieldMap("phone", "telefones", gettext_noop("Phone"), Direction.IN, note=gettext_noop("New contacts get all of them.")),
    FieldMap("address", "enderecos", gettext_noop("Address"), Direction.IN, note=gettext_noop("The main address.")),
    FieldMap("website", "site", gettext_noop("Website"), Direction.IN),
    FieldMap("notes", "observacao", gettext_noop("Notes"), Direction.IN),
    FieldMap("life_cycle", "constante", gettext_noop("Life cycle"), Direction.IN),
)
KINDS = {COMPANY: Kind.ORGANISATION, PERSON: Kind.PERSON}
_country = lru_cache(maxsize=512)(country_code)


def name_of(raw: RawRecord) -> str:
    return text(raw.body.get("nome")) or text(raw.body.get("razaoSocial"))


def remote(raw: RawRecord) -> Remote:
    """Raises SkipRecord for a contact without any name."""
    body = raw.body
    name = name_of(raw)
    if not name:
        raise SkipRecord(Reason("no_name", {"id": raw.ref.id}))
    emails, phones = records.emails(body), records.phones(body)
    numbers = ("cnpj", "cpf") if raw.ref.kind == COMPANY else ("cpf", "cnpj")
    fields: dict[str, Any] = {
        "name": name,
        "legal_name": text(body.get("razaoSocial")),
        "tax_id": next(filter(None, (rules.compact(text(body.get(key))) for key in numbers)), ""),
        "email": next(iter(emails), ""),
        "phone": next(iter(phones), ""),
        "address": _address(records.address(body)),
        "website": text(body.get("site")),
        "notes": text(body.get("observacao")),
        "life_cycle": rules.life_cycle(body),
    }
    initial = {"emails": emails[1:], "phones": phones[1:], "job_title": text(body.get("cargo"))}
    custom = {rules.key_of(label): value for label, value in records.custom_values(body).items() if rules.key_of(label)}
    tags = tuple(dict.fromkeys([*records.tags(body), *rules.marks(body)]))
    return Remote(raw.ref, Party(KINDS[raw.ref.kind], fields, tags=tags, initial=initial, custom=custom), raw.version, parent=parent(raw))


def parent(raw: RawRecord) -> Ref | None:
    """The organisation that a person works for now."""
    home = raw.body.get("empresaAtual")
    id = identity(home.get("id")) if isinstance(home, dict) else identity(home)
    return Ref(COMPANY, id) if id and raw.ref.kind == PERSON and id != identity(table(raw.body).get("id")) else None


def _address(theirs: dict[str, str]) -> dict[str, str]:
    found = {**theirs, "country": _country(theirs.get("country", ""))}
    return {key: value for key, value in found.items() if value}
