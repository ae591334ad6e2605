"""Tax ids: their compact form, their kind, and whether their check digits hold. Nothing is looked up."""

from collections.abc import Callable
from typing import NamedTuple

from stdnum.br import cnpj, cpf
from stdnum.dk import cvr
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.util import clean

EU_COUNTRIES = frozenset(code.upper() for code in eu_vat.MEMBER_STATES) | {"EL"}
GREECE = {"GR": "EL"}  # VAT numbers write Greece the Greek way

# Values of TaxId.why
TOO_SHORT_OR_LONG = "length"
BAD_CHARACTERS = "characters"
BAD_CHECK_DIGITS = "check_digits"
NOT_CHECKED = "not_checked"


class TaxId(NamedTuple):
    """`valid` is true when no rule speaks against it; `why` is then "" or, for a country without rules here, "not_checked"."""

    compact: str
    kind: str  # cpf, cnpj, cvr, gb_vat, eu_vat or ""
    valid: bool
    why: str

    @property
    def display(self) -> str:
        """The compact form as its country punctuates it."""
        if self.valid and self.kind == "cnpj":
            return cnpj.format(self.compact)
        return cpf.format(self.compact) if self.valid and self.kind == "cpf" else self.compact


def check_tax_id(text: str, country: str = "") -> TaxId:
    """Check a tax id by the rules of a country (ISO code); without country by its prefix or its Brazilian check digits."""
    plain = clean(text, " -./,").strip().upper()
    code = country.strip().upper() or _guess_country(plain)
    if not plain:
        return TaxId("", "", valid=False, why=TOO_SHORT_OR_LONG)
    if code == "BR":
        return _brazilian(plain)
    if code == "DK":
        return _judged("cvr", cvr.validate, plain.removeprefix("DK"))
    if code == "GB" and not plain.startswith("XI"):
        return _judged("gb_vat", gb_vat.validate, plain.removeprefix("GB"))
    if code in EU_COUNTRIES or plain.startswith("XI"):
        return _european(plain, "XI" if plain.startswith("XI") else code)
    return TaxId(plain, "", valid=True, why=NOT_CHECKED)


def _brazilian(plain: str) -> TaxId:
    # CNPJs have letters since July 2026; a CPF never has any. One repeated digit passes the sum of a CPF, but none is ever issued.
    if len(plain) == 14:
        return _judged("cnpj", cnpj.validate, plain)
    if len(plain) == 11 and len(set(plain)) == 1:
        return TaxId(plain, "cpf", valid=False, why=BAD_CHECK_DIGITS)
    if len(plain) == 11:
        return _judged("cpf", cpf.validate, plain)
    return TaxId(plain, "cpf" if len(plain) < 11 else "cnpj", valid=False, why=TOO_SHORT_OR_LONG)


def _european(plain: str, code: str) -> TaxId:
    prefix = GREECE.get(code, code)
    number = plain.removeprefix(code).removeprefix(prefix)
    return _judged("eu_vat", eu_vat.validate, f"{prefix}{number}")


def _judged(kind: str, validate: Callable[[str], str], plain: str) -> TaxId:
    if not (plain.isascii() and plain.isalnum()):
        return TaxId(plain, kind, valid=False, why=BAD_CHARACTERS)
    try:
        return TaxId(validate(plain), kind, valid=True, why="")
    except InvalidLength:
        return TaxId(plain, kind, valid=False, why=TOO_SHORT_OR_LONG)
    except InvalidChecksum:
        return TaxId(plain, kind, valid=False, why=BAD_CHECK_DIGITS)
    except ValidationError:
        return TaxId(plain, kind, valid=False, why=BAD_CHARACTERS)


def _guess_country(plain: str) -> str:
    if plain[:2] in EU_COUNTRIES | {"GB"} and any(char.isdigit() for char in plain):
        return plain[:2]
    return "BR" if len(plain) in {11, 14} and _brazilian(plain).valid else ""
