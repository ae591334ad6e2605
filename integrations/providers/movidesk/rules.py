"""Who flows, and why not: NectarCRM's rules for Movidesk, with the CRM in NectarCRM's place. Nothing here asks anybody anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crmsync.lib.taxids import check_tax_id
from crmsync.lib.text import exact_name
from integrations.engine.types import Fields, Reason

MARKER = "Nectar"
CLIENT, RELATED, SUSPECT = "client", "related", "suspect"
# The CRM's words for its life cycles, translated when shown.
LIFE_CYCLES = {
    "suspect": "Suspect",
    "prospect": "Prospect",
    "lead": "Lead",
    "client": "Client",
    "related": "Related contacts",
    "former": "Former client",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules look at in a record of theirs. `kind` "" = neither person nor company."""

    kind: str
    name: str
    code: str
    active: bool
    organisations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """What the rules look at in a contact of ours. `organisation` None = it belongs to none."""

    name: str
    life_cycle: str
    organisation: str | None = None
    organisation_life_cycle: str = ""


def is_marked(code: str) -> bool:
    """Whether a record was made from here. Only the last part of `Parent/Child` counts."""
    return MARKER.casefold() in code.rpartition("/")[2].casefold()


def code_for(key: str | int) -> str:
    """The code of a record that we make: letters and digits, marked, the same at every attempt."""
    return f"{MARKER}{re.sub(r'[^A-Za-z0-9]', '', str(key))}"[:64]


def why_organisation_stays_out(standing: Standing) -> Reason | None:
    if standing.kind != "company":
        return Reason("other_kind", {"name": standing.name})
    if is_marked(standing.code):
        return Reason("marked_ours", {"name": standing.name})
    return None if standing.active else Reason("inactive_there", {"name": standing.name})


def why_person_stays_out(standing: Standing, organisations: Mapping[str, Reason | None]) -> Reason | None:
    """`organisations`: by id, why each stays out itself; absent = there is no such organisation."""
    words = {"name": standing.name}
    if not standing.active:
        return Reason("inactive_there", words)
    if not standing.organisations:
        return Reason("no_organisation", words)
    marked = next((id for id in standing.organisations if is_marked(id)), "")
    if marked:
        return Reason("organisation_marked_ours", {**words, "organisation": marked})
    if any(id in organisations and organisations[id] is None for id in standing.organisations):
        return None
    reasons = [organisations.get(id) for id in standing.organisations]
    if any(reason is not None and reason.code == "inactive_there" for reason in reasons):
        return Reason("organisation_inactive", words)
    return Reason("organisation_unknown", {**words, "organisation": ", ".join(standing.organisations)})


def why_contact_stays_here(client: Client) -> Reason | None:
    """Clients go out, and related contacts whose organisation is a client. Nobody else."""
    if client.life_cycle == CLIENT:
        return None
    if client.life_cycle != RELATED:
        return Reason("not_client", {"name": client.name, "life_cycle": life_cycle_label(client.life_cycle)})
    if client.organisation is None:
        return Reason("no_organisation_here", {"name": client.name})
    if client.organisation_life_cycle == CLIENT:
        return None
    label = life_cycle_label(client.organisation_life_cycle)
    return Reason("organisation_not_client", {"name": client.name, "organisation": client.organisation, "life_cycle": label})


def life_cycle_label(code: str) -> str:
    return LIFE_CYCLES.get(code, code)


def tax_id_there(fields: Fields) -> str:
    """Compact CPF or CNPJ; "" for none, and for a foreign company's number, which has no place there.

    Raises ValueError for what should be a CPF or CNPJ and is none.
    """
    given = str(fields.get("tax_id") or "").strip()
    if not given:
        return ""
    found = check_tax_id(given, "BR")
    if found.valid:
        return found.compact
    country = str((fields.get("address") or {}).get("country") or "").upper()
    if country not in ("", "BR"):
        return ""
    raise ValueError(given)


def tax_id_here(text: str) -> str:
    """Compact, upper case; wrong check digits are theirs to correct."""
    return re.sub(r"[\s.,/\-]", "", text).upper()


def is_same_party(*, ours: Fields, theirs: Fields) -> bool:
    """Whether a record that has our code is the contact: its tax id or its name is equal."""
    tax_ids = [tax_id_here(str(side.get("tax_id") or "")) for side in (ours, theirs)]
    if tax_ids[0] and tax_ids[0] == tax_ids[1]:
        return True
    mine = {exact_name(str(ours.get(key) or "")) for key in ("name", "trade_name")} - {""}
    return exact_name(str(theirs.get("name") or "")) in mine


def tenant_of(text: str) -> str:
    """The account's host name: "acme" out of "acme", "acme.movidesk.com" or the whole address."""
    host = re.sub(r"^https?://", "", text.strip().lower()).partition("/")[0]
    name = host.removesuffix(".movidesk.com")
    return name if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", name) else ""
