"""What NectarCRM sends, read with tolerance. Replies name the same thing differently over the years; all spellings seen are understood."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.engine.types import BadRecord, RawRecord, Ref
from integrations.kit.entries import bad_record
from integrations.kit.fingerprint import digest, fingerprint
from integrations.kit.values import identity, rows, table, text

COMPANY, PERSON = "company", "person"
CYCLES = (0, 1, 2, 3, 4, 5)  # `constante`
DISCARDED = 5
_COMPANY_FLAGS = ("empresa", "isEmpresa", "isJuridico")
_PARTS = (
    "id", "nome", "razaoSocial", "ativo", "constante", *_COMPANY_FLAGS, "cnpj", "cpf", "cargo", "observacao", "site", "sigiloso",
    "emails", "emailPrincipal", "email", "telefones", "telefonePrincipal", "telefone", "enderecos", "endereco", "listas", "lista",
    "camposPersonalizados", "empresaAtual",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """Records of the kind asked for, and the ids of everything on the page."""

    records: Sequence[RawRecord]
    bad: Sequence[BadRecord]
    ids: Sequence[str]


def is_company(body: Mapping[str, Any]) -> bool:
    told = [body[flag] for flag in _COMPANY_FLAGS if isinstance(body.get(flag), bool)]
    return bool(told[0]) if told else bool(text(body.get("cnpj")))


def raw_record(body: Mapping[str, Any], *, kind: str, id: str = "") -> RawRecord | None:
    """None when the entry has no id."""
    id = id or identity(body.get("id"))
    return RawRecord(Ref(kind, id), body, fingerprint({part: body.get(part) for part in _PARTS})) if id else None


def listing(entries: Sequence[Any], *, kind: str) -> Listing:
    """People who stand inside an organisation only, without an id of their own, are among the people."""
    records: list[RawRecord] = []
    bad: list[BadRecord] = []
    for position, entry in enumerate(entries):
        body = table(entry)
        found = raw_record(body, kind=COMPANY if is_company(body) else PERSON)
        if found is None:
            bad.append(bad_record(position, entry))
            continue
        if found.ref.kind == kind:
            records.append(found)
        if kind == PERSON and found.ref.kind == COMPANY:
            records += people_inside(found)
    return Listing(records, bad, [identity(table(entry).get("id")) for entry in entries])


def people_inside(company: RawRecord) -> list[RawRecord]:
    """Related people without an id; those with one are in the lists as well. The same person keeps the same id of our making."""
    inherited = {"ativo": company.body.get("ativo"), "constante": 4, "empresa": False, "sigiloso": company.body.get("sigiloso")}
    home = {"empresaAtual": {"id": company.ref.id, "nome": company.body.get("nome")}}
    found: dict[str, RawRecord] = {}
    for entry in rows(company.body.get("contatos")):
        name = text(entry.get("nome"))
        if name and not identity(entry.get("id")):
            id = f"{company.ref.id}:{digest([name.casefold(), *emails(entry)])}"
            person = raw_record({**inherited, **entry, **home, "id": None}, kind=PERSON, id=id)
            found |= {id: person} if person else {}
    return list(found.values())


def emails(body: Mapping[str, Any]) -> list[str]:
    """The main one first, each once."""
    given = [body.get("emailPrincipal"), *_several(body.get("emails"), "email"), body.get("email")]
    return _each_once(value for value in map(text, given) if "@" in value)


def phones(body: Mapping[str, Any]) -> list[str]:
    given = [body.get("telefonePrincipal"), *_several(body.get("telefones"), "telefone"), body.get("telefone")]
    return _each_once(value for value in map(text, given) if sum(char.isdigit() for char in value) >= 6)


def address(body: Mapping[str, Any]) -> dict[str, str]:
    """The main address in the CRM's parts, country as they write it; filled parts only."""
    given = rows(body.get("enderecos")) or ([table(body.get("endereco"))] if body.get("endereco") else [])
    main = next((one for one in given if one.get("principal") is True), given[0] if given else {})
    street = text(main.get("logradouro")) or text(main.get("endereco"))
    found = {
        "line1": ", ".join(filter(None, (street, text(main.get("numero"))))),
        "line2": " - ".join(filter(None, (text(main.get("complemento")), text(main.get("bairro"))))),
        "city": _named(main, "municipio", "municipioObject"),
        "region": _named(main, "estado", "estadoObject"),
        "postcode": re.sub(r"^(\d{5})(\d{3})$", r"\1-\2", text(main.get("cep"))),
        "country": _named(main, "pais", "paisObject"),
    }
    return {key: value for key, value in found.items() if value}


def tags(body: Mapping[str, Any]) -> list[str]:
    given = body.get("listas") if isinstance(body.get("listas"), list) else [body.get("lista")]
    names = (text(one.get("nome")) if isinstance(one, dict) else text(one) for one in given or [])
    return _each_once(name[:60] for name in names if name)


def custom_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """By label, filled ones only."""
    values = table(body.get("camposPersonalizados"))
    return {text(label): value for label, value in values.items() if text(label) and value not in (None, "", [], {})}


def cycle(body: Mapping[str, Any]) -> int | None:
    value = identity(body.get("constante"))
    return int(value) if value.isdigit() and int(value) in CYCLES else None


def _several(value: Any, key: str) -> list[Any]:
    return [one.get(key) if isinstance(one, dict) else one for one in value] if isinstance(value, list) else [value]


def _named(body: Mapping[str, Any], *keys: str) -> str:
    """A name that stands there as text or within an object."""
    values = (body.get(key) for key in keys)
    return next(filter(None, (text(value.get("nome")) if isinstance(value, dict) else text(value) for value in values)), "")


def _each_once(values: Any) -> list[str]:
    return list(dict.fromkeys(values))
