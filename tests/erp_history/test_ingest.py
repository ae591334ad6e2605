"""Batches over HTTP: what is taken, what is refused, and that the answer says exactly which."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.accounts.api_client import api_client
from tests.erp_history.makers import company, counts, note, post, push
from tests.fixtures import Cast


def test_new_rows_are_inserted_and_the_same_again_changes_nothing(erp: Client) -> None:
    rows = [company(f"C{number}", cidade="Recife") for number in range(5)]

    assert counts(push(erp, "empresa", rows)) == [5, 5, 0, 0, 0, 0]
    assert counts(push(erp, "empresa", rows)) == [5, 0, 0, 5, 0, 0]
    assert counts(push(erp, "empresa", [*rows[:4], company("C4", cidade="Natal")])) == [5, 0, 1, 4, 0, 0]
    stored = erp.get("/api/v1/erp/empresa/C4/").json()
    assert (stored["key"], stored["cidade"], stored["razao_social"]) == ("C4", "Natal", "Company C4")


def test_of_a_key_sent_twice_the_last_one_wins(erp: Client) -> None:
    answer = push(erp, "empresa", [company("C1", cidade="A"), company("C1", cidade="B"), company("C2")])

    assert counts(answer) == [3, 2, 0, 0, 1, 0]
    assert erp.get("/api/v1/erp/empresa/C1/").json()["cidade"] == "B"


def test_a_batch_of_new_changed_older_and_known_rows_counts_each(erp: Client) -> None:
    stamp = "2026-08-02T10:00:00Z"
    push(erp, "empresa", [company(f"C{number}", cidade="A", data_alteracao=stamp) for number in range(4)])
    answer = push(
        erp,
        "empresa",
        [
            company("C9", cidade="New"),
            company("C0", cidade="A", data_alteracao=stamp),
            company("C1", cidade="B", data_alteracao=stamp),
            company("C2", cidade="Old", data_alteracao="2026-08-01T10:00:00Z"),
            company("C3", cidade="A", data_alteracao="2026-08-03T10:00:00Z"),
            company("C8", cidade="Also new"),
            {"codigo_erp": "C7", "excluido": "S"},
        ],
    )
    assert counts(answer) == [7, 3, 1, 2, 1, 0]
    found = {row["codigo_erp"]: row["cidade"] for row in erp.get("/api/v1/erp/empresa/").json()["results"]}
    assert found == {"C0": "A", "C1": "B", "C2": "A", "C3": "A", "C7": None, "C8": "Also new", "C9": "New"}


def test_every_sign_comes_back_as_it_was_sent(erp: Client) -> None:
    texts = ["tab\there", "back\\slash", "\\N", "two\nlines", "carriage\rreturn", "São João", "\\.", "😀", "a\x0bb"]
    for batch in ([text] for text in texts), [texts], [[*texts, None]]:
        for number, group in enumerate(batch):
            rows = [company(f"C{number}-{position}", nome_fantasia=text) for position, text in enumerate(group)]
            push(erp, "empresa", rows)
            for row in rows:
                assert erp.get(f"/api/v1/erp/empresa/{row['codigo_erp']}/").json()["nome_fantasia"] == row["nome_fantasia"]


def test_rows_may_name_their_fields_in_any_order_and_leave_some_out(erp: Client) -> None:
    rows = [
        {"codigo_erp": "C1", "razao_social": "One", "cidade": "Recife"},
        {"cidade": "Natal", "razao_social": "Two", "codigo_erp": "C2"},
        {"razao_social": "Three", "codigo_erp": "C3", "filial": "01"},
        {},
        {"codigo_erp": "C4", "razao_social": "Four", "colour": "red"},
    ]
    answer = push(erp, "empresa", rows)
    assert counts(answer) == [5, 4, 0, 0, 0, 1]
    assert [(warning["key"], warning["field"]) for warning in answer["warnings"]] == [("C4", "colour")]
    stored = erp.get("/api/v1/erp/empresa/").json()["results"]
    assert [(row["key"], row["razao_social"], row["cidade"]) for row in stored] == [
        ("C1", "One", "Recife"),
        ("C2", "Two", "Natal"),
        ("C4", "Four", None),
        ("01|C3", "Three", None),
    ]
    assert counts(push(erp, "empresa", [{"razao_social": "No code"}, {"razao_social": "Nor here"}])) == [2, 0, 0, 0, 0, 2]
    assert counts(push(erp, "empresa", [{}, {}])) == [2, 0, 0, 0, 0, 2]


def test_keys_that_look_alike_when_joined_are_two(erp: Client) -> None:
    line = {"codigo_produto": "P", "quantidade": 1, "valor_unitario": "1.00"}
    rows = [{"codigo_pedido": "a\tb", "item": "c", **line}, {"codigo_pedido": "a", "item": "b\tc", **line}]
    assert counts(push(erp, "itens_pedido", rows)) == [2, 2, 0, 0, 0, 0]


def test_an_older_version_after_a_newer_one_is_superseded(erp: Client) -> None:
    push(erp, "empresa", [company("C1", cidade="New", data_alteracao="2026-08-02T10:00:00Z")])

    assert counts(push(erp, "empresa", [company("C1", cidade="Old", data_alteracao="2026-08-01T10:00:00Z")])) == [1, 0, 0, 0, 1, 0]
    assert counts(push(erp, "empresa", [company("C1", cidade="New", data_alteracao="2026-07-01T10:00:00Z")])) == [1, 0, 0, 1, 0, 0]
    assert counts(push(erp, "empresa", [company("C1", cidade="Later", data_alteracao="2026-08-02T10:00:00Z")])) == [1, 0, 1, 0, 0, 0]
    assert counts(push(erp, "empresa", [company("C1", cidade="Without")])) == [1, 0, 1, 0, 0, 0]


def test_good_rows_of_a_partly_bad_batch_stay_and_the_bad_ones_are_named(erp: Client) -> None:
    rows = [
        company("C1"),
        {"codigo_erp": "C2"},
        company("C3", data_cadastro="2026-02-30"),
        company("C4", limite_credito="abc"),
        company("C5", cidade="x" * 81),
        {"codigo_erp": "C6\x00", "razao_social": "Six"},
        {"razao_social": "No code"},
        "not an object",
        company("C7", codigo_vendedor=1.5),
        company("C8", cidade=["list"]),
    ]
    answer = push(erp, "empresa", rows)

    assert counts(answer) == [10, 1, 0, 0, 0, 9]
    assert [(error["index"], error["key"], error["field"], error["code"]) for error in answer["errors"]] == [
        (1, "C2", "razao_social", "required"),
        (2, "C3", "data_cadastro", "bad_date"),
        (3, "C4", "limite_credito", "bad_number"),
        (4, "C5", "cidade", "too_long"),
        (5, "", "codigo_erp", "nul"),
        (6, "", "codigo_erp", "required"),
        (7, "", "", "not_an_object"),
        (8, "C7", "codigo_vendedor", "bad_type"),
        (9, "C8", "cidade", "bad_type"),
    ]
    assert all(error["message"] for error in answer["errors"])


def test_doubtful_values_are_left_out_with_a_warning(erp: Client) -> None:
    rows = [company("C1", cnpj="16.727.230/0001-98", situacao="XX", cor="blue"), company("C2", cnpj="12.abc.345/01de-35", situacao="Ativo")]
    answer = push(erp, "empresa", rows)

    assert counts(answer) == [2, 2, 0, 0, 0, 0]
    assert [(warning["field"], warning["code"]) for warning in answer["warnings"]] == [
        ("cnpj", "bad_check_digits"),
        ("situacao", "unknown_value"),
        ("cor", "unknown_field"),
    ]
    assert answer["warning_count"] == 3
    stored = erp.get("/api/v1/erp/empresa/C2/").json()
    assert (stored["cnpj"], stored["situacao"]) == ("12ABC34501DE35", "A")


def test_numbers_as_keys_are_their_text_and_zeros_are_kept(erp: Client) -> None:
    assert counts(push(erp, "empresa", [company("0012   "), {"codigo_erp": 12, "razao_social": "Twelve"}])) == [2, 2, 0, 0, 0, 0]
    assert erp.get("/api/v1/erp/empresa/0012/").status_code == 200
    assert erp.get("/api/v1/erp/empresa/12/").json()["razao_social"] == "Twelve"


def test_one_of_company_and_contact_is_needed(erp: Client) -> None:
    rows = [note("N1", "C1", "10.00"), {"codigo_erp": "N2", "data_emissao": "2026-08-01", "valor_total": 5}]
    answer = push(erp, "nota", rows)

    assert counts(answer) == [2, 1, 0, 0, 0, 1]
    assert (answer["errors"][0]["field"], answer["errors"][0]["code"]) == ("codigo_empresa", "required")


def test_keys_of_lines_and_branches_are_joined(erp: Client) -> None:
    rows = [{"codigo_pedido": "P/1", "item": 1, "codigo_produto": "X", "quantidade": 2, "valor_unitario": "3.50", "filial": "01"}]

    assert counts(push(erp, "itens_pedido", rows)) == [1, 1, 0, 0, 0, 0]
    assert erp.get("/api/v1/erp/itens_pedido/01%7CP%2F1%7C1/").json()["valor_unitario"] == "3.50"
    listed = erp.get("/api/v1/erp/itens_pedido/").json()["results"]
    assert [row["key"] for row in listed] == ["01|P/1|1"]


def test_a_deletion_needs_only_the_key_and_keeps_what_is_known(erp: Client) -> None:
    push(erp, "empresa", [company("C1", cidade="Recife")])

    assert counts(push(erp, "empresa", [{"codigo_erp": "C1", "excluido": "S"}])) == [1, 0, 1, 0, 0, 0]
    stored = erp.get("/api/v1/erp/empresa/C1/").json()
    assert (stored["excluido"], stored["cidade"]) == (True, "Recife")
    assert counts(push(erp, "empresa", [company("C1", cidade="Recife")])) == [1, 0, 1, 0, 0, 0]
    assert erp.get("/api/v1/erp/empresa/C1/").json()["excluido"] is False


def test_ndjson_and_csv_are_read_too(erp: Client) -> None:
    lines = b'{"codigo_erp": "C1", "razao_social": "One"}\n{bad}\n{"codigo_erp": "C2", "razao_social": "Two"}\n'
    answer = post(erp, "empresa", lines, kind="application/x-ndjson").json()
    assert counts(answer) == [3, 2, 0, 0, 0, 1]
    assert (answer["errors"][0]["index"], answer["errors"][0]["code"]) == (1, "bad_json")

    sheet = "codigo_erp;razao_social;cidade\nC1;One;\nC3;Três, Irmãos;São Paulo\nC4;only two\n".encode("latin-1")
    answer = post(erp, "empresa", sheet, kind="text/csv; charset=iso-8859-1").json()
    assert counts(answer) == [3, 1, 0, 1, 0, 1]
    assert erp.get("/api/v1/erp/empresa/C3/").json()["cidade"] == "São Paulo"


def test_an_empty_batch_is_fine(erp: Client) -> None:
    assert counts(push(erp, "empresa", [])) == [0, 0, 0, 0, 0, 0]


def test_a_table_describes_itself(erp: Client) -> None:
    info = erp.get("/api/v1/erp/nota/info/").json()
    fields = {field["name"]: field for field in info["fields"]}

    assert info["key"] == ["filial", "codigo_erp"]
    assert fields["codigo_erp"] == {
        "name": "codigo_erp", "type": "text", "size": 60, "required": True, "key": True, "values": None, "references": None
    }  # fmt: skip
    assert (fields["valor_total"]["type"], fields["data_emissao"]["required"]) == ("decimal", True)
    assert fields["codigo_empresa"]["references"] == "empresa"
    assert len(erp.get("/api/v1/erp/").json()["tables"]) == 12


def test_only_the_scope_erp_opens_the_endpoints(cast: Cast, erp: Client) -> None:
    reader = api_client(cast.alice, cast.workspace, scopes=["read", "write", "admin"])
    assert post(reader, "empresa", []).status_code == 403
    assert reader.get("/api/v1/erp/empresa/").status_code == 403
    assert post(Client(headers={"Authorization": "Bearer crm_wrong"}), "empresa", []).status_code == 401
    assert post(erp, "clientes", []).status_code == 404


def test_little_is_asked_before_the_first_row_is_read(erp: Client) -> None:
    """Token with person, workspace and membership; the walls; the settings; the number of the request."""
    push(erp, "empresa", [company("C1")])
    with CaptureQueriesContext(connection) as asked:
        push(erp, "nota", [note("N1", "C1", "10.00")])
    statements = [query["sql"].strip() for query in asked]
    first = next(number for number, text in enumerate(statements) if text.startswith("CREATE TEMPORARY"))
    assert [text.split()[0] for text in statements[:first]].count("SELECT") == 4
