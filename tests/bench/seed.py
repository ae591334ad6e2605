"""Fill workspaces with made-up contacts for benchmarks: INSERT..SELECT inside each workspace's walls, some 20,000 contacts a second."""

from __future__ import annotations

from django.db import connection

from accounts.enums import Role
from accounts.models import Membership, Team, User, Workspace
from accounts.scoping import Origin, workspace_tx


def _listed(words: str) -> list[str]:
    return words.split()


FIRST = _listed(
    """
    Anna Maria Joao Jose Ana Carlos Paulo Pedro Lucas Luiz Marcos Luis Gabriel Rafael Daniel Marcelo Bruno Eduardo Felipe Rodrigo
    Manoel Mateus Andre Fernando Fabio Leonardo Gustavo Guilherme Leandro Tiago Joanna Marek Tove Emma Olivia Amelia Isla Ava Mia Ivy
    Lily Freja Clara Alma Ella Sofia Karla Agnes Ida Camille Lea Manon Chloe Ines Sarah Zoe Jade Louise Oscar Noah William Carl Malthe
    Emil Valdemar Aksel August Oliver Harry George Jack Charlie Jacob Alfie Freddie Theo Arthur Hugo Jules Adam Raphael Louis Paul
    Antoine Xavier Yara Wanda Quentin Ulrik Bjorn Dmitri Elena Fatima Greta Hassan Ingrid Kofi Laura Milan Nadia
    """
)
LAST = _listed(
    """
    Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho Almeida Lopes Soares
    Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado Mendes Freitas Smith Jones Taylor Brown
    Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Clarke Nielsen Jensen
    Hansen Pedersen Andersen Christensen Larsen Rasmussen Petersen Madsen Kristensen Olsen Thomsen Poulsen Johansen Knudsen Mortensen
    Bernard Dubois Durand Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert
    Fontaine Rousseau Vincent Muller Zimmer Yilmaz Quist Ueda Okafor Kowalski Novak Ivanov Haddad
    """
)
TRADE = _listed(
    """
    Kitchens Logistics Foods Bakery Studio Partners Consulting Engineering Textiles Motors Pharma Energy Systems Design Media Travel
    Print Optics Dental Legal Fisk Bygg Comercio Transportes Alimentos Servicos Moveis Tintas
    """
)
FORM = _listed("Ltd Limited PLC ApS A/S Ltda SARL SA GmbH Ltda")
CITY = _listed("London Bristol Leeds Aarhus Odense Lyon Lille Curitiba Campinas Recife")
CONTACTS = """
INSERT INTO contacts_contact (workspace_id, kind, name, first_name, last_name, legal_name, trade_name, tax_id, website, job_title, notes,
  life_cycle, emails, phones, addresses, tags, custom, owner_id, team_id, exact_name, sort_name, version, created_at, updated_at)
SELECT %(workspace)s, CASE WHEN person THEN 'person' ELSE 'organisation' END, name, CASE WHEN person THEN f ELSE '' END,
  CASE WHEN person THEN l ELSE '' END, '', '', lpad((g * 7919 %% 900000000 + 100000000)::text, 11, '0'), '', '', '',
  (ARRAY['', '', 'client', 'client', 'prospect', 'lead', 'suspect', 'former'])[1 + g %% 8],
  jsonb_build_array(jsonb_build_object('label', '', 'email', local || '@' || lower(l) || g %% 997 || '.example')),
  jsonb_build_array(jsonb_build_object('label', '', 'number', '+44 20 ' || (1000000 + g * 37 %% 8999999))),
  jsonb_build_array(jsonb_build_object('label', '', 'line1', g || ' High Street', 'line2', '', 'city', (%(city)s::text[])[1 + g %% 10],
    'region', '', 'postcode', '', 'country', 'GB')),
  CASE WHEN g %% 4 = 0 THEN ARRAY['Wholesale'] WHEN g %% 500 = 1 THEN ARRAY['Rare'] ELSE ARRAY[]::text[] END, '{}',
  CASE WHEN g %% 3 = 0 THEN %(owner)s ELSE NULL END, CASE g %% 20 WHEN 0 THEN %(team)s ELSE NULL END,
  name, lower(name), 1, now(), now() - g * interval '1 second'
FROM (
  SELECT g, person, f, l, lower(f) || '.' || g AS local,
    CASE WHEN person THEN f || ' ' || l || ' ' || (%(last)s::text[])[1 + (g * 131) %% %(lasts)s]
      ELSE l || ' ' || (%(trade)s::text[])[1 + (g * 17) %% %(trades)s] || ' ' || g || ' ' || (%(form)s::text[])[1 + g %% 10] END AS name
  FROM (SELECT g, g %% 5 <> 0 AS person,
      (%(first)s::text[])[1 + floor(power(random(), 2) * %(firsts)s)::int] AS f,
      (%(last)s::text[])[1 + floor(power(random(), 2) * %(lasts)s)::int] AS l
    FROM generate_series(%(begin)s::int, %(end)s::int) g) a
) b
"""
TOKENS = """
INSERT INTO contacts_contacttoken (workspace_id, contact_id, word)
SELECT DISTINCT %(workspace)s, c.id, w.word FROM contacts_contact c CROSS JOIN LATERAL (
  SELECT unnest(string_to_array(c.sort_name, ' ')) AS word
  UNION ALL SELECT unnest(regexp_split_to_array(lower(c.emails -> 0 ->> 'email'), '[^a-z0-9]+'))
  UNION ALL SELECT 'e:' || lower(c.emails -> 0 ->> 'email')
  UNION ALL SELECT regexp_replace(c.phones -> 0 ->> 'number', '[^0-9]', '', 'g')
  UNION ALL SELECT '#' || reverse(regexp_replace(c.phones -> 0 ->> 'number', '[^0-9]', '', 'g'))
  UNION ALL SELECT c.tax_id UNION ALL SELECT '#' || reverse(c.tax_id)
  UNION ALL SELECT 't:' || t FROM unnest(c.tags) t
) w WHERE c.workspace_id = %(workspace)s AND w.word <> ''
"""


def seed(slug: str, contacts: int) -> Workspace:
    """A workspace with an owner (owner@<slug>.example), a member of one team, and so many contacts."""
    workspace = Workspace.objects.create(name=slug.title(), slug=slug)
    owner = _member(workspace, "owner", role=Role.OWNER)
    with workspace_tx(workspace, origin=Origin(kind="system", label="Benchmark")):
        team = Team.objects.create(workspace=workspace, name="South", slug="south")
        _member(workspace, "restricted", role=Role.RESTRICTED, team_ids=[team.pk])
        _member(workspace, "member", role=Role.MEMBER, team_ids=[team.pk])
        lists = {"first": FIRST, "last": LAST, "trade": TRADE, "form": FORM, "city": CITY}
        sizes = {"firsts": len(FIRST), "lasts": len(LAST), "trades": len(TRADE)}
        values = {"workspace": workspace.pk, "owner": owner.pk, "team": team.pk, "begin": 1, "end": contacts} | lists | sizes
        with connection.cursor() as cursor:
            cursor.execute(CONTACTS, values)
            cursor.execute(TOKENS, values)
    return workspace


def _member(workspace: Workspace, name: str, *, role: str, team_ids: list[int] | None = None) -> User:
    user = User.objects.create_user(f"{name}@{workspace.slug}.example", "correct horse battery", name=f"{name.title()} {workspace.slug}")
    Membership.objects.create(workspace=workspace, user=user, role=role, team_ids=team_ids or [])
    return user


def analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
        cursor.execute("ANALYZE contacts_contacttoken")
