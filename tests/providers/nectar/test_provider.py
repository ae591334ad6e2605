"""What is NectarCRM's own: lists by life cycle, people inside organisations, reading only; and its stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.engine import capabilities
from integrations.engine.errors import BadAnswer, Gone, Reconnect, Retry, SkipRecord
from integrations.engine.provider import Capability
from integrations.engine.types import Kind, Local, Party, RawRecord, Ref
from integrations.kit.context import ProviderContext
from integrations.kit.paging import every_page
from integrations.kit.vendor import as_json
from integrations.providers.nectar.provider import MANIFEST, Nectar
from integrations.providers.nectar.records import COMPANY, PERSON
from integrations.providers.nectar.sandbox import Nectar as Vendor
from tests.kit.servers import door, serving
from tests.providers.nectar.samples import account, connected, payload, record
from tests.sandboxes import Sandbox

PARTY = Party(Kind.ORGANISATION, {"name": "Acme"})


@pytest.fixture
def nectar_account() -> Iterator[Sandbox]:
    with account() as sandbox:
        yield sandbox


@pytest.fixture
def nectar(nectar_account: Sandbox) -> Nectar:
    return connected(nectar_account)


def scripted(url: str, **options: Any) -> Nectar:
    return Nectar(ProviderContext({}, door(url, **options), {}))


def everything(provider: Nectar, resource: str) -> list[RawRecord]:
    return [raw for page in every_page(lambda cursor: provider.page(resource, cursor)) for raw in page.records]


def test_import_is_for_once_and_only_reads(nectar: Nectar) -> None:
    assert MANIFEST.one_time
    assert MANIFEST.capabilities == {Capability.PULL_CONTACTS}
    assert isinstance(nectar, capabilities.KnowsCustomFields)
    assert isinstance(nectar, capabilities.Eligibility)
    assert not isinstance(nectar, capabilities.ReadsChanges)
    with pytest.raises(SkipRecord):
        nectar.create(PARTY, key="one")
    with pytest.raises(SkipRecord):
        nectar.update(record(payload("organisation")), {"name": "x"}, PARTY)
    assert (list(nectar.find(PARTY)), list(nectar.missing(PARTY)), dict(nectar.payload(PARTY))) == ([], [], {})
    reason = nectar.why_not_out(Local(1, Kind.PERSON, {}, 1), organisation=None)
    assert reason is not None


def test_everybody_is_read_once(nectar_account: Sandbox, nectar: Nectar) -> None:
    contacts = nectar_account.state()["contacts"]
    companies, people = everything(nectar, "organisations"), everything(nectar, "people")

    assert {raw.ref.id for raw in companies} == {str(row["id"]) for row in contacts if row["empresa"]}
    assert {raw.ref.id for raw in people if ":" not in raw.ref.id} == {str(row["id"]) for row in contacts if not row["empresa"]}
    assert [raw.ref.id for raw in people if ":" in raw.ref.id]
    assert len({raw.ref for raw in people}) == len(people)


def test_people_inside_organisations_can_be_read_again(nectar: Nectar) -> None:
    inside = next(raw for raw in everything(nectar, "people") if ":" in raw.ref.id)

    assert nectar.get(inside.ref).version == inside.version
    with pytest.raises(Gone):
        nectar.get(Ref(PERSON, f"{inside.ref.id}x"))
    assert nectar.remote(inside).parent == Ref(COMPANY, inside.ref.id.partition(":")[0])


def test_lists_are_asked_for_by_life_cycle_until_a_page_is_empty(nectar_account: Sandbox, nectar: Nectar) -> None:
    nectar_account.control(clear_log=True)
    everything(nectar, "organisations")

    asked = [(entry["query"]["constante"], entry["query"]["page"]) for entry in nectar_account.log()]
    assert [cycle for cycle, page in asked if page == "1"] == ["0", "1", "2", "3", "4", "5"]
    assert {entry["query"]["displayLength"] for entry in nectar_account.log()} == {"50"}
    assert all("token" not in str(entry["query"]) for entry in nectar_account.log())


@pytest.mark.parametrize(("setting", "size"), [("", "50"), ("20", "20"), ("200", "50"), ("0", "1"), ("many", "50")])
def test_page_size_never_exceeds_what_nectar_allows(nectar_account: Sandbox, setting: str, size: str) -> None:
    nectar_account.control(clear_log=True)
    connected(nectar_account, env={"NECTAR_PAGE_SIZE": setting}).page("people", None)

    assert nectar_account.log()[0]["query"]["displayLength"] == size


def test_account_without_related_contacts_is_read_all_the_same(nectar_account: Sandbox, nectar: Nectar) -> None:
    nectar_account.control(switches={"related": False})

    found = everything(nectar, "people")

    assert found
    assert not any(raw.body["constante"] == 4 for raw in found if ":" not in raw.ref.id)


def test_token_that_ends_on_the_way_is_noticed(nectar_account: Sandbox, nectar: Nectar) -> None:
    cursor = nectar.page("people", None).next
    nectar_account.control(revoke=True)

    with pytest.raises(Reconnect):
        nectar.page("people", cursor)
    with pytest.raises(Reconnect):
        nectar.page("people", {"cycle": 4, "page": 1, "number": 3, "mark": ""})


def test_fault_of_the_related_list_is_no_empty_list(nectar_account: Sandbox, nectar: Nectar) -> None:
    nectar_account.fail("500")

    with pytest.raises(Retry):
        nectar.page("people", {"cycle": 4, "page": 1, "number": 3, "mark": ""})


@pytest.mark.parametrize("answer", [as_json({}), as_json("x"), as_json(None)])
def test_answer_that_is_no_list(answer: Any) -> None:
    with serving(answer) as (_, url):
        for call in (lambda: scripted(url).page("people", None), lambda: scripted(url).custom_fields(), lambda: scripted(url).check()):
            with pytest.raises(BadAnswer):
                call()


def test_check_is_one_small_read(nectar_account: Sandbox, nectar: Nectar) -> None:
    nectar_account.control(clear_log=True)

    assert nectar.check().id == ""
    assert [entry["query"]["displayLength"] for entry in nectar_account.log()] == ["1"]
    with pytest.raises(Reconnect):
        connected(nectar_account, token="wrong").check()


def test_custom_fields_of_contacts(nectar: Nectar) -> None:
    fields = {field.key: field for field in nectar.custom_fields()}
    company = nectar.remote(everything(nectar, "organisations")[0])

    assert {key: field.kind for key, field in fields.items()} == {
        "data-de-fundacao": "date", "chamados": "url", "porte": "choice", "limite-de-credito": "number", "recebe-boletim": "boolean",
    }  # fmt: skip
    values = {key: nectar.custom_value(fields[key], value) for key, value in company.party.custom.items()}
    assert values == {"data-de-fundacao": "1980-03-11", "porte": "Pequeno", "limite-de-credito": "0", "recebe-boletim": True}


def test_first_of_two_fields_with_one_key_counts() -> None:
    rows = [{"nome": "Região", "tipo": 1}, {"nome": "Regiao", "tipo": 0}, {"nome": "Porte", "tipo": 1}]
    with serving(as_json(rows)) as (_, url):
        assert [(field.key, field.label) for field in scripted(url).custom_fields()] == [("regiao", "Região"), ("porte", "Porte")]


def test_settings_decide_who_is_left_out(nectar_account: Sandbox, nectar: Nectar) -> None:
    hidden = record({"nome": "Acme", "sigiloso": True, "ativo": True})
    reason = nectar.why_not_in(hidden, parents={})

    assert reason is not None
    assert (reason.code, reason.params["name"]) == ("confidential_there", "Acme")
    assert connected(nectar_account, confidential="import").why_not_in(hidden, parents={}) is None
    assert list(nectar.parents_of(hidden)) == []


def test_token_of_the_sandbox_says_when_it_ends(nectar_account: Sandbox) -> None:
    token = nectar_account.token(days=30)["access_token"]

    assert MANIFEST.expires is not None
    assert MANIFEST.expires({"token": token}) is not None
    assert connected(nectar_account, token=token).check() is not None


# The stand-in


def test_stand_in_reads_as_documented(nectar_account: Sandbox) -> None:
    def get(path: str, **query: Any) -> requests.Response:
        return requests.get(f"{nectar_account.api}{path}", params=query, headers={"Access-Token": "sandbox-nectar"}, timeout=90)

    assert get("").json()["sobre"]["versao"] == "1.0"
    assert requests.get(f"{nectar_account.api}/contatos", params={"api_token": "sandbox-nectar"}, timeout=90).status_code == 200
    assert requests.get(f"{nectar_account.api}/contatos", timeout=90).status_code == 401
    assert len(get("/contatos").json()) == 20
    assert len(get("/contatos", displayLength=99).json()) == 36
    assert len(get("/contatos", page=-1).json()) == 36
    assert {row["constante"] for row in get("/contatos", constante=0).json()} == {0}
    assert get("/contatos", page=9).json() == []
    assert get("/contatos", constante=9).status_code == 401
    assert get("/contatos/5001").json()["nome"] == "Padaria Pão Dourado"
    assert get("/contatos/1").status_code == 404


def test_stand_in_can_be_played(nectar_account: Sandbox) -> None:
    made = requests.post(f"{nectar_account.url}/nectar/books", data={"nome": "Loja <b>", "constante": "0"}, timeout=90)

    assert "Loja &lt;b&gt;" in made.text
    assert "Padaria" in requests.get(f"{nectar_account.url}/nectar/", timeout=90).text
    ids = nectar_account.control(add_contacts=[{"nome": "X"}], put_contacts=[{"id": 5001, "nome": "Y"}], delete_contacts=[5002])["ids"]
    state = {row["id"]: row["nome"] for row in nectar_account.state()["contacts"]}
    assert (state[ids[0]], state[5001], 5002 in state) == ("X", "Y", False)


def test_stand_in_keeps_its_books(tmp_path: Path) -> None:
    first, second = Vendor(clients=20), Vendor(clients=3)
    first.keep_in(tmp_path / "nectar.json")
    first.steer({"put_contacts": [{"id": 5001, "nome": "Nova"}]})
    first.save()
    second.keep_in(tmp_path / "nectar.json")

    assert second.dump() == first.dump()
    assert len(Vendor(clients=0).dump()["contacts"]) == 0


def test_books_hold_every_kind_of_contact() -> None:
    rows = Vendor(clients=80).dump()["contacts"]

    assert {row["constante"] for row in rows} == {0, 1, 2, 3, 4, 5}
    for fact in (
        any(not row["ativo"] for row in rows),
        any(row["sigiloso"] for row in rows),
        any(row["contatos"] for row in rows),
        any(not row["empresa"] and not row["empresaAtual"] for row in rows),
    ):
        assert fact
