"""The SQL that turns companies and people of the ERP into the values of contacts, finds their contacts, and tells what changed."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from contacts.domain.sets import NEXT_ID
from erp_history.enums import LinkKind

LIVE = "NOT r.excluido AND r.gone_at IS NULL"


def line(column: str, size: int = 300) -> str:
    """Text of one line: white space collapsed, control characters dropped. Most have nothing to mend."""
    mended = f"regexp_replace(regexp_replace({column}, '\\s+', ' ', 'g'), '[\\x01-\\x1f\\x7f-\\x9f]', '', 'g')"
    clean = f"CASE WHEN {column} ~ '  |[^\\S ]|[\\x01-\\x1f\\x7f-\\x9f]' THEN {mended} ELSE coalesce({column}, '') END"
    return f"left(btrim({clean}), {size})"


# The usual single address, or one number, is not worth a query of its own.
IS_EMAIL = r"""~ '^[^@[:space:][:cntrl:]<>"]+@[^@[:space:][:cntrl:]<>"]+\.[^@[:space:][:cntrl:]<>".]+$'"""
EMAILS = f"""
CASE WHEN r.email IS NULL THEN '[]'
WHEN r.email !~ '[;,\\s]' THEN
  CASE WHEN r.email {IS_EMAIL} THEN jsonb_build_array(jsonb_build_object('label', '', 'email', r.email)) ELSE '[]' END
ELSE coalesce((SELECT jsonb_agg(jsonb_build_object('label', '', 'email', m) ORDER BY o) FROM (
  SELECT DISTINCT ON (lower(m)) m, o FROM regexp_split_to_table(r.email, '[;,\\s]+') WITH ORDINALITY x(m, o)
  WHERE m {IS_EMAIL} ORDER BY lower(m), o
) y), '[]') END
"""
TELEPHONE, MOBILE = line("r.telefone", 60), line("r.celular", 60)
IS_NUMBER = "length(regexp_replace({}, '\\D', '', 'g')) >= 3"
ONE_NUMBER = line("coalesce(r.telefone, r.celular)", 60)
PHONES = f"""
CASE WHEN coalesce(r.telefone, r.celular) IS NULL THEN '[]'
WHEN r.telefone IS NULL OR r.celular IS NULL THEN
  CASE WHEN {IS_NUMBER.format(ONE_NUMBER)} THEN jsonb_build_array(jsonb_build_object('label', '', 'number', {ONE_NUMBER})) ELSE '[]' END
ELSE
coalesce((SELECT jsonb_agg(jsonb_build_object('label', '', 'number', n) ORDER BY o) FROM (
  SELECT DISTINCT ON (n) n, o FROM (VALUES ({TELEPHONE}, 1), ({MOBILE}, 2)) v(n, o)
  WHERE {IS_NUMBER.format("n")} ORDER BY n, o
) y), '[]') END
"""
STREET_PARTS = ", ".join(f"nullif({line(f'r.{column}', 150)}, '')" for column in ("endereco", "numero", "complemento"))
STREET = f"btrim(concat_ws(', ', {STREET_PARTS}))"
ADDRESSES = f"""
CASE WHEN coalesce(r.endereco, r.cidade, r.cep, r.bairro, r.uf) IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object(
  'label', '', 'line1', left({STREET}, 200), 'line2', {line("r.bairro", 80)}, 'city', {line("r.cidade", 80)}, 'region', {line("r.uf", 2)},
  'postcode', CASE WHEN r.cep ~ '^[0-9]{{8}}$' THEN left(r.cep, 5) || '-' || right(r.cep, 3) ELSE {line("r.cep", 8)} END,
  'country', CASE WHEN r.pais IS NOT NULL THEN coalesce(%(countries)s::jsonb ->> r.pais, '')
    WHEN r.cnpj IS NOT NULL THEN 'BR' ELSE %(country)s END
)) END
"""
WEBSITE = """
CASE WHEN r.site ~* '^https?://[^[:space:]]+\\.[^[:space:]]+$' THEN r.site
  WHEN r.site ~* '^[a-z0-9.-]+\\.[a-z]{2,}(/[^[:space:]]*)?$' THEN 'https://' || r.site ELSE '' END
"""
# Field of a contact -> its value of the ERP's row `r`; `n` has the name, `org` a person's organisation.
COMPANY = {
    "kind": "'organisation'::text",
    "name": "n.name",
    "legal_name": "n.name",
    "trade_name": line("r.nome_fantasia"),
    "tax_id": "coalesce(r.cnpj, '')",
    "website": WEBSITE,
    "emails": EMAILS,
    "phones": PHONES,
    "addresses": ADDRESSES,
}
PERSON = {
    "kind": "'person'::text",
    "name": "n.name",
    "first_name": "left(split_part(n.name, ' ', 1), 150)",
    "last_name": "left(btrim(substr(n.name, length(split_part(n.name, ' ', 1)) + 1)), 150)",
    "tax_id": "coalesce(r.cpf, '')",
    "job_title": line("r.cargo", 100),
    "emails": EMAILS,
    "phones": PHONES,
    "organisation_id": "org.contact_id",
}
VALUES = "CROSS JOIN LATERAL (SELECT {name} AS name OFFSET 0) n CROSS JOIN LATERAL (SELECT {fields} OFFSET 0) v"
# A person's organisation: the contact of the company of the same filial, else of the only company with the code. LIMIT keeps them look-ups;
# so does CASE, where coalesce() would not count as leakproof and so keep row-level security from using the index.
ORGANISATION = """
LEFT JOIN LATERAL (
  SELECT e.id FROM erp_history_empresa e
  WHERE e.workspace_id = %(workspace)s AND e.filial = r.filial AND e.codigo_erp = r.codigo_empresa LIMIT 1
) own ON true
LEFT JOIN LATERAL (
  SELECT min(e.id) AS id FROM erp_history_empresa e
  WHERE e.workspace_id = %(workspace)s AND e.codigo_erp = r.codigo_empresa AND own.id IS NULL HAVING count(*) = 1
) sole ON true
LEFT JOIN LATERAL (
  SELECT l.contact_id FROM erp_history_erplink l WHERE l.workspace_id = %(workspace)s AND l.kind = 'empresa'
  AND l.row_id = CASE WHEN own.id IS NULL THEN sole.id ELSE own.id END AND l.state = 'linked' LIMIT 1
) ol ON true
LEFT JOIN LATERAL (
  SELECT c.id AS contact_id FROM contacts_contact c WHERE c.id = ol.contact_id AND c.kind = 'organisation' AND c.deleted_at IS NULL LIMIT 1
) org ON true
"""
CNPJ_MASKED = "regexp_replace(r.cnpj, '^(..)(...)(...)(....)(..)$', '\\1.\\2.\\3/\\4-\\5')"
CPF_MASKED = "regexp_replace(r.cpf, '^(...)(...)(...)(..)$', '\\1.\\2.\\3-\\4')"
# Without the fence a page is compared with every link there is, one by one: a planner without fresh statistics takes those for few.
FENCE = " OFFSET 0"
UNLINKED = """
INSERT INTO pg_temp.erp_page (id)
SELECT r.id FROM {table} r WHERE r.workspace_id = %(workspace)s AND r.id > %(after)s AND {live} AND NOT EXISTS (
  SELECT 1 FROM erp_history_erplink l WHERE l.workspace_id = %(workspace)s AND l.kind = '{kind}' AND l.row_id = r.id{fence}
) ORDER BY r.id LIMIT %(limit)s
"""
# What is in the page has no link; what gets one leaves it.
# One contact of this tax id: linked. Several, or a namesake that has no tax id to tell by: held for a person.
# What is looked up is computed first: a comparison with a function's result would be made after row-level security, on every contact.
# LIMIT and OFFSET fence the look-ups, so that each has one index to go through, also before the tables have statistics.
# A name is looked up once for all rows of a page that have it: at many companies somebody is called "Financeiro".
MATCH = """
WITH r AS MATERIALIZED (
  SELECT r.id, r.{tax} AS tax, {masked} AS masked, {name} AS name, {has_organisation} AS has_organisation FROM {table} r
  WHERE r.workspace_id = %(workspace)s AND r.id IN (SELECT id FROM pg_temp.erp_page)
), by_tax AS MATERIALIZED (
  SELECT r.*, t.ids FROM r LEFT JOIN LATERAL (
    SELECT array_agg(id ORDER BY id) AS ids FROM (
      SELECT c.id, c.kind FROM contacts_contact c
      WHERE c.workspace_id = %(workspace)s AND c.deleted_at IS NULL AND c.tax_id <> '' AND c.tax_id = r.tax
      UNION ALL
      SELECT c.id, c.kind FROM contacts_contact c
      WHERE c.workspace_id = %(workspace)s AND c.deleted_at IS NULL AND c.tax_id <> '' AND c.tax_id = r.masked
      OFFSET 0
    ) c WHERE c.kind = '{contact_kind}'
  ) t ON r.tax IS NOT NULL
), named AS (
  SELECT name, tax IS NULL AS is_bare, has_organisation, array_agg(id) AS row_ids FROM by_tax WHERE ids IS NULL GROUP BY 1, 2, 3
), by_name AS (
  SELECT r.row_ids, n.ids FROM named r CROSS JOIN LATERAL (
    SELECT array_agg(c.id ORDER BY c.id) AS ids FROM (
      SELECT c.id, c.kind, c.tax_id, c.organisation_id FROM contacts_contact c
      WHERE c.workspace_id = %(workspace)s AND c.deleted_at IS NULL AND c.exact_name = r.name
      LIMIT 20  -- of a name that so many have nobody could tell which is meant
    ) c WHERE c.kind = '{contact_kind}' AND (c.tax_id = '' OR r.is_bare) AND (c.organisation_id IS NULL OR r.has_organisation)
    AND NOT EXISTS (
      SELECT 1 FROM (
        SELECT o.kind FROM erp_history_erplink o WHERE o.workspace_id = %(workspace)s AND o.contact_id = c.id OFFSET 0
      ) o WHERE o.kind = '{kind}'
    )
  ) n WHERE n.ids IS NOT NULL
), put AS (
  INSERT INTO erp_history_erplink (workspace_id, kind, row_id, contact_id, state, reason, candidates, base, request_id, created_at)
  SELECT %(workspace)s, '{kind}', id, CASE WHEN cardinality(ids) = 1 THEN ids[1] END,
    CASE WHEN cardinality(ids) = 1 THEN 'linked' ELSE 'held' END, CASE WHEN cardinality(ids) = 1 THEN '' ELSE 'several' END,
    CASE WHEN cardinality(ids) = 1 THEN '[]' ELSE to_jsonb(ids) END, '{{}}'::jsonb, 0, now()
  FROM by_tax WHERE ids IS NOT NULL
  UNION ALL
  SELECT %(workspace)s, '{kind}', unnest(row_ids), NULL, 'held', 'same_name', to_jsonb(ids), '{{}}'::jsonb, 0, now() FROM by_name
  ON CONFLICT (workspace_id, kind, row_id) DO NOTHING RETURNING row_id
)
DELETE FROM pg_temp.erp_page p USING put WHERE p.id = put.row_id
"""
# A page of the ERP's rows or of links, and what of it becomes contacts: `base` is what the link remembers of it, in the words of `of_kind`.
# Emptied here as well: pages may follow one another in one transaction.
TEMPORARY = """
CREATE TEMPORARY TABLE IF NOT EXISTS erp_page (id bigint PRIMARY KEY, contact_id bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS erp_fresh (
  id bigint, row_id bigint, request_id bigint, base jsonb, kind text, name text, first_name text, last_name text, legal_name text,
  trade_name text, tax_id text, website text, job_title text, emails jsonb, phones jsonb, addresses jsonb, organisation_id bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS erp_changed (id bigint, changed jsonb) ON COMMIT DELETE ROWS;
DELETE FROM pg_temp.erp_page; DELETE FROM pg_temp.erp_fresh; DELETE FROM pg_temp.erp_changed;
"""
# The first of each tax id becomes a contact; its other codes are matched to that one afterwards. LIMIT keeps each row a look-up: before
# statistics the planner takes the table for two rows, and goes through all of it for every one of them.
TAKE_FRESH = """
INSERT INTO pg_temp.erp_fresh (id, row_id, request_id, base, {columns})
SELECT {next_id}, r.id, r.request_id, {doc}, {values} FROM (
  SELECT * FROM (
    SELECT DISTINCT ON (coalesce(r.{tax}, r.id::text)) r.* FROM pg_temp.erp_page p CROSS JOIN LATERAL (
      SELECT r.* FROM {table} r WHERE r.id = p.id AND r.workspace_id = %(workspace)s LIMIT 1
    ) r ORDER BY coalesce(r.{tax}, r.id::text), r.id
  ) first ORDER BY id
) r {joins} {lateral}
"""
FRESH = "SELECT id, {columns} FROM pg_temp.erp_fresh"
# Fresh ones have their link: what is left of the page may be of the same tax id.
LEAVE_PAGE = "DELETE FROM pg_temp.erp_page WHERE id IN (SELECT row_id FROM pg_temp.erp_fresh)"
LINK_FRESH = """
INSERT INTO erp_history_erplink (workspace_id, kind, row_id, contact_id, state, reason, candidates, base, request_id, created_at)
SELECT %(workspace)s, '{kind}', row_id, id, 'linked', '', '[]', base, request_id, now() FROM pg_temp.erp_fresh
"""
ONE = "SELECT ({doc})::text FROM {table} r {joins} {lateral} WHERE r.workspace_id = %(workspace)s AND r.id = %(row)s"
LISTS = "('emails', 'phones', 'addresses')"
EMPTY = "('\"\"', 'null', '[]')"
# The new list: the ERP's entries (as they stand here when they do), then those that the ERP never gave.
JOINED = """
(SELECT coalesce(jsonb_agg(v ORDER BY o), '[]') FROM (
  SELECT coalesce((SELECT y FROM jsonb_array_elements(p.now -> d.key) y WHERE y @> (x - 'label') LIMIT 1), x) AS v,
    o + CASE WHEN p.base ? d.key THEN 0 ELSE 1000 END AS o
  FROM jsonb_array_elements(d.value) WITH ORDINALITY e(x, o)
  UNION ALL
  SELECT x, o + 500 FROM jsonb_array_elements(p.now -> d.key) WITH ORDINALITY e(x, o)
  WHERE NOT coalesce(p.base -> d.key, '[]') @> jsonb_build_array(x - 'label') AND NOT d.value @> jsonb_build_array(x - 'label')
) j)
"""
# A page of links whose row or organisation has changed, and the contacts that they are.
TAKE_CHANGED = f"""
INSERT INTO pg_temp.erp_page (id, contact_id)
SELECT l.id, c.id FROM erp_history_erplink l JOIN {{table}} r ON r.id = l.row_id AND r.workspace_id = %(workspace)s {{joins}}
LEFT JOIN contacts_contact c ON c.id = l.contact_id AND c.deleted_at IS NULL
WHERE l.workspace_id = %(workspace)s AND l.kind = '{{kind}}' AND l.state = 'linked' AND l.id > %(after)s AND {LIVE}
  AND (l.request_id <> r.request_id {{moved}})
ORDER BY l.id LIMIT %(limit)s
"""
LOCK = """
SELECT count(*) FROM (
  SELECT c.id FROM contacts_contact c WHERE c.workspace_id = %(workspace)s AND c.id IN (SELECT contact_id FROM pg_temp.erp_page)
  ORDER BY c.id FOR NO KEY UPDATE
) locked
"""
# Of several links of one contact the later one's values win, as when they are written one after the other.
CHANGE = f"""
WITH page AS MATERIALIZED (
  SELECT l.id, l.base, r.request_id, {{doc}} AS doc, to_jsonb(c.*) AS now, c.id AS contact_id
  FROM pg_temp.erp_page p JOIN erp_history_erplink l ON l.id = p.id AND l.workspace_id = %(workspace)s
  JOIN {{table}} r ON r.id = l.row_id AND r.workspace_id = %(workspace)s {{joins}} {{lateral}}
  LEFT JOIN contacts_contact c ON c.id = p.contact_id AND c.deleted_at IS NULL
), put AS (
  UPDATE erp_history_erplink l SET base = page.doc, request_id = page.request_id FROM page WHERE l.id = page.id
)
INSERT INTO pg_temp.erp_changed (id, changed)
SELECT p.contact_id, jsonb_object_agg(d.key, CASE WHEN d.key IN {LISTS} THEN {JOINED} ELSE d.value END ORDER BY p.id)
FROM page p CROSS JOIN LATERAL jsonb_each(p.doc) d
WHERE p.contact_id IS NOT NULL AND d.key <> 'kind' AND d.value IS DISTINCT FROM p.base -> d.key
  AND (p.base ? d.key OR d.key IN {LISTS} OR (p.now ->> d.key IS NULL OR p.now ->> d.key = '') AND d.value::text NOT IN {EMPTY})
  AND NOT (d.key = 'name' AND d.value::text = '""')
GROUP BY p.contact_id
"""
# LIMIT: joined, the planner went through all companies for every page.
COUNTRIES = """
SELECT DISTINCT r.pais FROM ({rows}) x(id) CROSS JOIN LATERAL (
  SELECT r.pais FROM erp_history_empresa r WHERE r.workspace_id = %(workspace)s AND r.id = x.id LIMIT 1
) r WHERE r.pais IS NOT NULL LIMIT 500
"""
IN_PAGE = "SELECT id FROM pg_temp.erp_page"
LINKED_IN_PAGE = """
SELECT l.row_id FROM pg_temp.erp_page p CROSS JOIN LATERAL (
  SELECT l.row_id FROM erp_history_erplink l WHERE l.workspace_id = %(workspace)s AND l.id = p.id LIMIT 1
) l
"""
CHANGED = "SELECT id, changed FROM pg_temp.erp_changed"
# Whether anything has changed is asked of all rows at once, and joined whole; pages then begin with the first that has.
FIRST_CHANGED = f"""
WITH uniq AS (
  SELECT codigo_erp, min(id) AS id FROM erp_history_empresa WHERE workspace_id = %(workspace)s GROUP BY codigo_erp HAVING count(*) = 1
)
SELECT min(l.id) FROM erp_history_erplink l JOIN {{table}} r ON r.id = l.row_id AND r.workspace_id = %(workspace)s {{whole_joins}}
WHERE l.workspace_id = %(workspace)s AND l.kind = '{{kind}}' AND l.state = 'linked' AND {LIVE} AND (l.request_id <> r.request_id {{moved}})
"""
WHOLE_ORGANISATION = """
LEFT JOIN erp_history_empresa own ON own.workspace_id = %(workspace)s AND own.filial = r.filial AND own.codigo_erp = r.codigo_empresa
LEFT JOIN uniq sole ON sole.codigo_erp = CASE WHEN own.id IS NULL THEN r.codigo_empresa END
LEFT JOIN erp_history_erplink ol ON ol.workspace_id = %(workspace)s AND ol.kind = 'empresa' AND ol.state = 'linked'
  AND ol.row_id = coalesce(own.id, sole.id)
LEFT JOIN (
  SELECT c.id AS contact_id FROM contacts_contact c
  WHERE c.workspace_id = %(workspace)s AND c.kind = 'organisation' AND c.deleted_at IS NULL
) org ON org.contact_id = ol.contact_id
"""
MOVE = """
UPDATE erp_history_erplink SET contact_id = %(kept)s, moved_from = coalesce(moved_from, %(gone)s)
WHERE workspace_id = %(workspace)s AND contact_id = %(gone)s
"""
MOVE_FIGURES = "UPDATE erp_history_companyfigures SET contact_id = %(kept)s WHERE workspace_id = %(workspace)s AND contact_id = %(gone)s"
MOVE_BACK = """
UPDATE erp_history_erplink SET contact_id = %(gone)s, moved_from = NULL
WHERE workspace_id = %(workspace)s AND contact_id = %(kept)s AND moved_from = %(gone)s
"""
FOLLOW_LINKS = """
UPDATE erp_history_companyfigures f SET contact_id = l.contact_id FROM erp_history_erplink l
WHERE f.workspace_id = %(workspace)s AND l.workspace_id = %(workspace)s AND l.kind = 'empresa' AND l.row_id = f.company_id
AND l.contact_id IN (%(kept)s, %(gone)s) AND f.contact_id IS DISTINCT FROM l.contact_id
"""


@dataclass(frozen=True, slots=True)
class Texts:
    """The statements of one kind."""

    columns: tuple[str, ...]  # of contacts
    unlinked: str  # asked of all rows
    next_unlinked: str  # asked of a page
    match: str
    take_fresh: str
    fresh: str
    link_fresh: str
    first_changed: str  # asked of all rows
    take_changed: str  # a page
    change: str
    one: str


@functools.cache
def of_kind(kind: str) -> Texts:
    is_company = kind == LinkKind.COMPANY
    fields = COMPANY if is_company else PERSON
    name = line("r.razao_social" if is_company else "r.nome")
    doc = ", ".join(f"'{field}', v.{field}" for field in fields)
    words = {
        "kind": str(kind),
        "table": "erp_history_empresa" if is_company else "erp_history_contato",
        "contact_kind": "organisation" if is_company else "person",
        "tax": "cnpj" if is_company else "cpf",
        "masked": CNPJ_MASKED if is_company else CPF_MASKED,
        "name": name,
        "columns": ", ".join(fields),
        "values": ", ".join(f"v.{field}" for field in fields),
        "doc": f"jsonb_build_object({doc})",
        "lateral": VALUES.format(name=name, fields=", ".join(f"{value} AS {field}" for field, value in fields.items())),
        "joins": "" if is_company else ORGANISATION,
        "whole_joins": "" if is_company else WHOLE_ORGANISATION,
        "next_id": NEXT_ID,
        "live": LIVE,
        "has_organisation": "false" if is_company else "r.codigo_empresa IS NOT NULL",
        "moved": "" if is_company else "OR org.contact_id IS DISTINCT FROM (l.base ->> 'organisation_id')::bigint",
    }
    unlinked = (UNLINKED.replace("{fence}", ""), UNLINKED.replace("{fence}", FENCE))
    texts = (*unlinked, MATCH, TAKE_FRESH, FRESH, LINK_FRESH, FIRST_CHANGED, TAKE_CHANGED, CHANGE, ONE)
    return Texts(tuple(fields), *(text.format(**words) for text in texts))
