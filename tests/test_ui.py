"""The look: what every page is drawn with. Colours are computed, templates are read as text, pages are rendered for real."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django import forms
from django.conf import settings
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management import call_command
from django.template import Context, Template, engines
from django.template.loader import get_template
from django.test import Client, RequestFactory, override_settings
from django.urls import ResolverMatch
from django.utils import timezone, translation

from accounts.enums import Role
from accounts.models import Membership
from crmsync import nav
from crmsync.context import Shell
from crmsync.templatetags import ui
from tests.fixtures import Cast

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(path for path in ROOT.glob("**/templates/**/*.html") if ".venv" not in path.parts)
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
AA_TEXT = 4.5
AA_SHAPES = 3.0
INLINE = {
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "inline style sheet": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"\sstyle\s*=", re.I),
    "event handler": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I),
    "htmx code": re.compile(r"\shx-on[:-]|hx-vals\s*=\s*[\"']js:", re.I),
    "javascript address": re.compile(r"javascript:", re.I),
}


def _palette() -> dict[str, tuple[str, str]]:
    """Name -> (light, dark) of every plain colour of tokens.css."""
    text = (ROOT / "static/css/tokens.css").read_text()
    pairs = {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", text)}
    return pairs | {name: (value, value) for name, value in re.findall(r"--([\w-]+): (#\w{6});", text)}


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PALETTE = _palette()
ON_BACKGROUND = [(name, name.replace("-fg", "-bg")) for name in PALETTE if name.endswith("-fg") and name.replace("-fg", "-bg") in PALETTE]
INKS = [
    (ink, ground) for ink in ("ink", "ink-2", "accent-ink", "red-fg", "green-fg", "amber-fg") for ground in ("page", "surface", "surface-2")
]
WHITE_ON = [("mark-fg", name) for name in PALETTE if re.fullmatch(r"mark\d-bg|accent|tblr-danger", name)]
MENU_INKS = [("ink-2", "surface-3"), ("ink", "accent-bg"), ("gray-fg", "surface"), ("ink", "surface-3")]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), ON_BACKGROUND + INKS + WHITE_ON + MENU_INKS)
def test_text_can_be_read(front: str, ground: str, theme: int) -> None:
    ratio = _contrast(PALETTE[front][theme], PALETTE[ground][theme])
    assert ratio >= AA_TEXT, f"{front} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("shape", [*(name for name in PALETTE if name.endswith("-dot")), "field-line", "accent-ink"])
def test_dots_and_focus_rings_can_be_seen(shape: str, theme: int) -> None:
    assert _contrast(PALETTE[shape][theme], PALETTE["surface"][theme]) >= AA_SHAPES


def test_the_palette_is_complete() -> None:
    assert len(ON_BACKGROUND) >= 14
    assert len(WHITE_ON) >= 10


@pytest.mark.parametrize("sheet", [path for path in STYLES if path.name != "tokens.css"], ids=lambda path: path.name)
def test_only_the_palette_names_colours(sheet: Path) -> None:
    named = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"@media print \{.*", "", sheet.read_text(), flags=re.S)))
    assert named <= {"#ffffff"}  # behind a code to scan, in both themes
    assert "gradient(" not in sheet.read_text()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_inline(path: Path) -> None:
    text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.S)
    assert [kind for kind, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_compile_and_their_icons_exist(path: Path) -> None:
    get_template(str(path).split("/templates/", 1)[1])
    for name in re.findall(r"{% icon \"([\w-]+)\"", path.read_text()):
        assert (ui.ICONS / f"{name}.svg").exists(), name


def test_icons_of_the_code_exist() -> None:
    named = {item.icon for item in nav._items} | set(ui.NOTICE_ICONS.values())
    for source in ROOT.glob("*/**/*.py"):
        if ".venv" not in source.parts:
            named |= set(re.findall(r"\bicon=\"([\w-]+)\"", source.read_text()))
    assert [name for name in sorted(named) if not (ui.ICONS / f"{name}.svg").exists()] == []


def test_vendored_files_point_nowhere() -> None:
    for path in (ROOT / "static").rglob("*"):
        if path.suffix in (".css", ".js"):
            assert "sourceMappingURL" not in path.read_text(), path


def test_static_files_can_be_served_by_hash(tmp_path: Path) -> None:
    storages = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    with override_settings(STORAGES=storages, STATIC_ROOT=str(tmp_path)):
        call_command(collectstatic.Command(), interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").exists()
    assert list(tmp_path.glob("css/app.*.css"))


# Tags


def _render(source: str, **context: object) -> str:
    return Template(source).render(Context({"request": RequestFactory().get("/"), **context}))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("2400"), "GBP", "£2,400.00"),
        ("-3.5", "EUR", "-€3.50"),
        (None, "GBP", "–"),
        (0, "JPY", "¥0"),
        ("odd", "GBP", "odd"),
        (12, "DKK", "DKK\u00a012.00"),
    ],
)
def test_money(amount: object, currency: str, text: str) -> None:
    with translation.override("en"):
        assert _render("{% money amount currency %}", amount=amount, currency=currency) == f'<span class="money">{text}</span>'


def test_money_follows_the_language() -> None:
    with translation.override("pt-br"):
        assert "R$\xa01.234,50" in _render("{% money amount 'BRL' %}", amount=Decimal("1234.5"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "just now"),
        (130, "2 minutes ago"),
        (7200, "2 hours ago"),
        (-7200, "in 2 hours"),
        (40 * 86_400, "25 Dec 2025"),
        (86_400 * 3, "3 days ago"),
    ],
)
@time_machine.travel(dt.datetime(2026, 2, 3, 12, tzinfo=dt.UTC), tick=False)
def test_ago(seconds: int, text: str) -> None:
    html = _render("{% ago when %}", when=timezone.now() - dt.timedelta(seconds=seconds))
    assert f">{text}</time>" in html
    assert 'datetime="202' in html


def test_times_that_are_not_there() -> None:
    assert _render("{% ago when %}|{% day when %}|{% moment when empty='-' %}", when=None) == "never|–|-"


@pytest.mark.parametrize(
    ("value", "tone"),
    [("PAID", "green"), ("needs attention", "amber"), ("Overdue", "red"), (Role.OWNER, "gray"), ("running", "blue"), (None, "gray")],
)
def test_tones(value: object, tone: str) -> None:
    assert ui.tone_of(value) == tone


def test_status_says_its_word_to_everyone() -> None:
    html = _render("{% status_dot 'failed' '' %}")
    assert "dot-red" in html
    assert '<span class="visually-hidden">Failed</span>' in html
    assert _render("{% status_badge role %}", role=Role.ADMIN) == '<span class="badge badge-soft-gray">Administrator</span>'


@pytest.mark.parametrize(
    ("name", "letters"), [("Anna Marsh", "AM"), ("crunch", "CR"), ("", "?"), ("(Ørsted) & Sønner", "ØS"), ("李 明", "李明"), ("x", "X")]
)
def test_initials(name: str, letters: str) -> None:
    assert ui.initials(name) == letters


def test_names_are_escaped() -> None:
    html = _render(
        "{% monogram n %}{% badge n %}{% tile n n %}{% page_header title=n name=n %}{% endpage_header %}{% card title=n %}{% endcard %}",
        n="<b>x",
    )
    assert "<b>x" not in html


@pytest.mark.parametrize(("done", "total", "shown"), [(31, 50, '"62"'), (60, 50, '"100"'), (0, 0, ""), (3, None, "")])
def test_progress(done: int, total: int | None, shown: str) -> None:
    html = _render("{% progress done total label='Sync' %}", done=done, total=total)
    assert 'aria-label="Sync"' in html
    assert (f"data-progress={shown}" in html) if shown else ("meter-unknown" in html)


class Sample(forms.Form):
    name = forms.CharField(help_text="As on paper.")
    city = forms.CharField(required=False)
    kind = forms.ChoiceField(choices=[("a", "A")])
    ways = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.CheckboxSelectMultiple)
    agree = forms.BooleanField()
    secret = forms.CharField(widget=forms.PasswordInput)
    hidden = forms.CharField(widget=forms.HiddenInput, required=False)


def test_forms_draw_themselves() -> None:
    html = str(Sample({"name": ""}))
    assert '<input type="text" name="name" class="form-control"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert '<select name="kind" class="form-select"' in html
    assert html.count('type="checkbox"') == html.count('class="form-check-input"') == 3
    assert html.count(">optional<") == 1
    assert '<input type="hidden" name="hidden" id="id_hidden">' in html


def test_rows_can_be_repeated() -> None:
    rows = forms.formset_factory(Sample, can_delete=True, can_order=True)(prefix="rows")
    html = get_template("_partials/formset.html").render({"formset": rows, "title": "Rows"})
    assert 'name="rows-__prefix__-name"' in html
    assert 'name="rows-TOTAL_FORMS"' in html
    assert "data-repeat-template" in html


# The frame


@pytest.fixture
def pages(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rail whose entries all resolve, whatever the apps offer."""
    monkeypatch.setattr(nav, "link", lambda name, *, slug=None: f"/{slug}/{name}/")


def _shell(member: Membership, *, view: str = "contacts:list") -> Shell:
    request = RequestFactory().get("/w/hartwell/contacts/")
    request.user, request.membership, request.workspace = member.user, member, member.workspace  # type: ignore[attr-defined]
    namespace, _colon, name = view.rpartition(":")
    request.resolver_match = ResolverMatch(lambda: None, (), {}, url_name=name, namespaces=[namespace] if namespace else [])
    return Shell(request)


@pytest.mark.usefixtures("pages")
def test_the_rail_marks_where_one_is(cast: Cast) -> None:
    member = Membership.objects.get(user=cast.alice)
    current = {
        view: [item.url_name for item in _shell(member, view=view).main if item.current]
        for view in ("contacts:detail", "contacts:duplicates", "x")
    }
    assert current == {"contacts:detail": ["contacts:list"], "contacts:duplicates": ["contacts:duplicates"], "x": []}


@pytest.mark.usefixtures("pages")
def test_connections_are_for_administrators(cast: Cast) -> None:
    owner, member = (Membership.objects.get(user=user) for user in (cast.alice, cast.bob))
    assert [item.url_name for item in _shell(owner).connection_pages] == ["integrations:list", "erp_history:settings"]
    assert _shell(member).connection_pages == []
    assert len(_shell(owner).bottom) == len(_shell(member).bottom) == 4


@pytest.mark.usefixtures("pages")
def test_the_open_connection_is_the_one_current_entry(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        nav, "connections_provider", lambda request: [nav.ConnectionItem(label="Crunch", url="/c", status="healthy", count=3, current=True)]
    )
    shell = _shell(Membership.objects.get(user=cast.alice), view="integrations:detail")
    assert shell.attention == 3
    assert [item.current for item in shell.connection_pages] == [False, False]
    assert [item.url_name for item in shell.bottom if item.current] == ["integrations:list"]


def test_pages_that_do_not_exist_are_not_linked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = nav.NavItem(label="Nowhere", icon="home", url_name="nowhere:list")
    monkeypatch.setattr(nav, "_items", [nowhere])
    assert _shell(Membership.objects.get(user=cast.alice)).main == []


@pytest.mark.usefixtures("pages")
def test_the_switcher_lists_only_own_workspaces(cast: Cast) -> None:
    Membership.objects.create(workspace=cast.elsewhere, user=cast.bob, role=Role.MEMBER)
    alices, bobs = (_shell(Membership.objects.get(user=user, workspace=cast.workspace)).workspaces for user in (cast.alice, cast.bob))
    assert alices == []
    assert [other.name for other, _url in bobs] == ["Elsewhere"]


def test_a_stranger_sees_the_log_in_card(client: Client, db: None) -> None:
    response = client.get("/accounts/login/")
    html = response.content.decode()
    assert response.status_code == 200
    assert 'class="entrance-card"' in html
    assert 'class="rail"' not in html
    assert "placeholder" not in html
    assert "'unsafe-inline'" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "password/reset/done/", "confirm-email/", "inactive/"])
def test_entrance_pages(client: Client, db: None, path: str) -> None:
    html = client.get(f"/accounts/{path}").content.decode()
    assert html.count("<h1>") == 1
    assert 'lang="en"' in html


@pytest.mark.parametrize("path", ["password/change/", "email/", "2fa/", "sessions/", "logout/"])
def test_account_pages(alice: Client, path: str) -> None:
    response = alice.get(f"/accounts/{path}", follow=True)
    html = response.content.decode()
    assert response.status_code == 200
    assert "<h1>" in html
    assert "Skip to the content" in html


def test_account_pages_keep_the_rail_of_the_last_workspace(cast: Cast, alice: Client) -> None:
    cast.alice.last_workspace_id = cast.workspace.pk
    cast.alice.save()
    assert "Hartwell &amp; Co" in alice.get("/accounts/password/change/").content.decode()
    cast.alice.last_workspace_id = cast.elsewhere.pk
    cast.alice.save()
    assert "Elsewhere" not in alice.get("/accounts/password/change/").content.decode()


@pytest.mark.parametrize("theme", ["light", "dark", "auto", '"><script>'])
def test_the_theme_is_a_cookie(client: Client, db: None, theme: str) -> None:
    client.cookies["theme"] = theme
    shown = theme if theme in ("light", "dark") else "auto"
    assert f'data-bs-theme="{shown}"' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"])
def test_error_pages_need_nothing_and_lead_on(name: str) -> None:
    html = engines["django"].get_template(name).render({})
    assert 'href="/' in html
    assert "<h1>" in html


def test_a_missing_page_says_so(client: Client, db: None) -> None:
    response = client.get("/no/such/page/")
    assert response.status_code == 404
    assert "Nothing here" in response.content.decode()


def test_addresses_break_where_they_may() -> None:
    written = _render("{{ address|breakable }}", address="<b>@firm.example")
    assert written == "&lt;b&gt;@<wbr>firm<wbr>.example"
