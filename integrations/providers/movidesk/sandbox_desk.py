"""The tables of one helpdesk, and what Movidesk accepts into them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stdnum.br import cnpj, cpf
from stdnum.exceptions import ValidationError

from integrations.kit.vendor import Refusal

Person = dict[str, Any]
ARRAYS = ("addresses", "contacts", "emails", "relationships", "customFieldValues", "atAssets", "teams")
_SIZES = {
    "id": 64, "codeReferenceAdditional": 64, "accessProfile": 128, "corporateName": 128, "businessName": 128, "businessBranch": 128,
    "cpfCnpj": 14, "userName": 64, "password": 32, "role": 128, "bossId": 64,
}  # fmt: skip
_TEXTS = (*_SIZES, "bossName", "classification", "cultureId", "timeZoneId", "authenticateOn", "observations", "createdDate")
_PROFILES = ("Clientes", "Agentes", "Administradores")
_READ_ONLY = {"changedDate", "changedBy", "createdBy", "bossName"}
_DEFAULTS: Person = {
    **{name: None for name in (*_TEXTS, "createdBy", "changedBy", "changedDate") if name not in ("id", "password")},
    "isActive": True,
    "personType": 1,
    "profileType": 2,
    "accessProfile": "Clientes",
    "cultureId": "pt-BR",
    "timeZoneId": "America/Sao_Paulo",
}
PROPERTIES = ("id", *_DEFAULTS, *ARRAYS)


def now() -> datetime:
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """Their times: UTC, and they do not say so."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"


def complaint(message: str, property: str) -> Refusal:  # noqa: A002  their word
    return Refusal(400, message, errors=[{"errorMessage": message, "propertyName": property}])


@dataclass(slots=True)
class Desk:
    """Persons by lower-case id. `shadows`: what lists still show of somebody just changed, and until when."""

    persons: dict[str, Person] = field(default_factory=dict)
    tickets: list[dict[str, Any]] = field(default_factory=list)
    shadows: dict[str, tuple[float, Person | None]] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        return {"persons": list(self.persons.values()), "tickets": self.tickets}

    def get(self, id: str) -> Person | None:
        return self.persons.get(id.casefold())

    def put(self, person: Person, *, delay: float = 0.0) -> None:
        """Store, with the time of the change; lists follow after `delay` seconds."""
        key = person["id"].casefold()
        moment = now()
        if delay and (key not in self.shadows or self.shadows[key][0] <= moment.timestamp()):
            self.shadows[key] = (moment.timestamp() + delay, self.persons.get(key))
        self.persons[key] = {**person, "changedDate": as_text(moment)}

    def listed(self) -> list[Person]:
        """Everybody as lists know them now."""
        moment = now().timestamp()
        self.shadows = {key: shadow for key, shadow in self.shadows.items() if shadow[0] > moment}
        shown = {**self.persons, **{key: before for key, (_until, before) in self.shadows.items()}}
        return [person for person in shown.values() if person is not None]

    def people_of(self, id: str) -> list[Person]:
        return [person for person in self.persons.values() if id.casefold() in organisations_of(person)]

    def create(self, body: Any, *, delay: float = 0.0) -> Person:
        """Raises Refusal with their list of complaints."""
        given = _object(body)
        id = given.get("id") or str(uuid.uuid4())
        if isinstance(id, str) and self.get(id):
            raise complaint("The ID entered already exists", "Id")
        person = {**_DEFAULTS, **{name: [] for name in ARRAYS}, **_known(given), "id": id}
        person["createdDate"] = given.get("createdDate") or as_text(now())
        for name in ("isActive", "personType", "profileType"):
            if given.get(name) is None:
                raise complaint(f"{name} is required", _pascal(name))
        self._check(person)
        self.put(person, delay=delay)
        return self.persons[id.casefold()]

    def change(self, id: str, body: Any, *, delay: float = 0.0) -> Person:
        """Simple fields one by one; a list that is sent replaces the whole list."""
        person = self.get(id)
        if person is None:
            raise Refusal(404, "Person not found.")
        given = _object(body)
        if given.get("id") not in (None, person["id"]):
            raise complaint("The ID cannot be changed", "Id")
        fresh = {**person, **_known(given), "id": person["id"]}
        if fresh["personType"] != person["personType"] and self.people_of(id):
            raise complaint("A company with linked people cannot change its type", "PersonType")
        self._check(fresh)
        self.put(fresh, delay=delay)
        return self.persons[id.casefold()]

    def _check(self, person: Person) -> None:
        _check_plain(person)
        _check_lists(person)
        other = person["codeReferenceAdditional"]
        if other and any(p["codeReferenceAdditional"] == other and p["id"] != person["id"] for p in self.persons.values()):
            raise complaint("The additional reference code entered already exists", "CodeReferenceAdditional")
        for id in organisations_of(person):
            if (self.get(id) or {}).get("personType") not in (2, 4):
                raise complaint("There is no match for the Organization value entered", "Id")


def organisations_of(person: Mapping[str, Any]) -> list[str]:
    return [str(one["id"]).rpartition("/")[2].casefold() for one in person.get("relationships") or [] if one.get("id")]


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise complaint("A person is expected", "")
    return body


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    """What they take: unknown and read-only parts are passed over."""
    return {name: value for name, value in given.items() if name in PROPERTIES and name not in _READ_ONLY}


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _check_plain(person: Person) -> None:
    for name in _TEXTS:
        value = person.get(name)
        if value is not None and not isinstance(value, str):
            raise complaint(f"{_pascal(name)} is no text", _pascal(name))
        if value and len(value) > _SIZES.get(name, 100_000):
            raise complaint(f"{_pascal(name)} must have at most {_SIZES[name]} characters", _pascal(name))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", person["id"]):
        raise complaint("The ID must be alphanumeric", "Id")
    if person["personType"] not in (1, 2, 4) or person["profileType"] not in (1, 2, 3) or not isinstance(person["isActive"], bool):
        raise complaint("There is no match for the PersonType, ProfileType or IsActive value entered", "PersonType")
    if not (person["businessName"] or (person["personType"] == 2 and person["corporateName"])):
        raise complaint("BusinessName is required", "BusinessName")
    if person["accessProfile"] not in (None, *_PROFILES):
        raise complaint("There is no match for the AccessProfile value entered", "AccessProfile")
    if person["cpfCnpj"] and not _is_tax_id(person["cpfCnpj"]):
        raise complaint("The CPF/CNPJ entered is invalid", "CpfCnpj")


def _is_tax_id(text: str) -> bool:
    try:
        return text == (cpf.validate(text) if len(text) == 11 else cnpj.validate(text))
    except ValidationError:
        return False


def _check_lists(person: Person) -> None:
    for name in ARRAYS:
        entries = person.get(name) or []
        if not isinstance(entries, list):
            raise complaint(f"{_pascal(name)} is no list", _pascal(name))
        objects = [entry for entry in entries if isinstance(entry, dict)]
        if sum(1 for entry in objects if entry.get("isDefault") is True) > 1:
            raise complaint("Only one default is allowed", _pascal(name))
        person[name] = entries
    for email in person["emails"]:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(email.get("email"))):
            raise complaint("The e-mail entered is invalid", "Email")
