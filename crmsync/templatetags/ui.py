"""Template tags of the look: icons, money, times, badges, page parts. Built in (settings), so no template loads them."""

from __future__ import annotations

import datetime as dt
import functools
import zlib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError, dates, numbers
from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crmsync.lib.browsers import browser_name
from crmsync.lib.money import code_apart

register = template.Library()
ICONS = Path(settings.BASE_DIR) / "static" / "icons"
NOTHING = "–"
RELATIVE_FOR = dt.timedelta(days=30)
JUST_NOW = dt.timedelta(seconds=45)
TONES = ("green", "amber", "red", "blue", "gray", "accent")
STATUS_TONES = {
    "green": "linked healthy ok paid done succeeded active connected in_sync applied accepted sent complete completed created",
    "amber": "due held waiting attention needs_attention ambiguous partial pending differs warning stale gone in_doubt draft",
    "red": "overdue failed failing error reconnect expired refused rejected stuck bad_settings",
    "blue": "running syncing sending queued started",
}
_TONE_OF = {word: tone for tone, words in STATUS_TONES.items() for word in words.split()}


@functools.cache
def _svg(name: str) -> tuple[str, str]:
    head, _tag, rest = (ICONS / f"{name}.svg").read_text().strip().partition(">")
    return head, rest


@register.simple_tag
def icon(name: str, *, label: str = "", **attrs: str) -> SafeString:
    """An inline icon; decoration unless `label` says what it means."""
    head, rest = _svg(name)
    classes = f"icon {attrs.get('class', '')}".strip()
    role = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true" focusable="false"')
    return format_html('{} class="{}" {}>{}', mark_safe(head), classes, role, mark_safe(rest))


@functools.lru_cache(maxsize=256)
def _locale(language: str, country: str) -> Locale:
    parts = language.replace("-", "_").split("_")
    territory = parts[1].upper() if len(parts) > 1 else country
    try:
        return Locale(parts[0], territory or None)
    except UnknownLocaleError:
        return Locale(parts[0])


def _active_locale(context: Any = None) -> Locale:
    """The reader's language in the workspace's country: English in Denmark writes dates in English and money as Danes do."""
    workspace = getattr(context.get("request"), "workspace", None) if context is not None else None
    return _locale(translation.get_language() or "en", workspace.country if workspace else "")


def _money_text(amount: Any, *, currency: str, locale: Locale) -> str:
    if amount is None or amount == "":
        return NOTHING
    try:
        return code_apart(numbers.format_currency(Decimal(str(amount)), currency or "XXX", locale=locale))
    except InvalidOperation:
        return str(amount)


@register.simple_tag(takes_context=True)
def money(context: Any, amount: Any, currency: str = "") -> SafeString:
    """An amount in its currency, with tabular figures; the workspace's currency when none is given."""
    workspace = getattr(context.get("request"), "workspace", None)
    code = currency or (workspace.currency if workspace else "")
    return format_html('<span class="money">{}</span>', _money_text(amount, currency=code, locale=_active_locale(context)))


@register.simple_tag(takes_context=True)
def money_round(context: Any, amount: Any, currency: str = "") -> SafeString:
    """An amount without its cents, for figures that are read at a glance; the exact one in its title."""
    locale = _active_locale(context)
    exact = _money_text(amount, currency=currency, locale=locale)
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
    try:
        written = numbers.format_currency(Decimal(str(amount)), currency or "XXX", format=pattern, locale=locale, currency_digits=False)
        text = code_apart(written)
    except InvalidOperation:
        text = exact
    return format_html('<span class="money" title="{}">{}</span>', exact, text)


@register.filter(name="money")
def money_text(amount: Any, currency: str) -> str:
    return _money_text(amount, currency=currency, locale=_active_locale())


@register.filter
def breakable(address: str) -> SafeString:
    """An e-mail or web address that breaks at its @ and its dots where a line is too short, and not within a word."""
    return mark_safe(escape(address).replace("@", "@<wbr>").replace(".", "<wbr>."))


register.filter("browser", browser_name)


@register.filter
def number(value: Any) -> str:
    """A whole number with the separators of the reader's language."""
    return NOTHING if value is None else numbers.format_decimal(value, locale=_active_locale())


def _day_text(value: dt.date | dt.datetime, *, locale: Locale) -> str:
    local = timezone.localtime(value).date() if isinstance(value, dt.datetime) else value
    return dates.format_date(local, format="d MMM y" if locale.language == "en" else "medium", locale=locale)


def _moment_text(value: dt.datetime, *, locale: Locale) -> str:
    return f"{_day_text(value, locale=locale)} {dates.format_time(timezone.localtime(value), format='HH:mm', locale=locale)}"


@register.simple_tag(takes_context=True)
def day(context: Any, value: dt.date | dt.datetime | None, empty: str = NOTHING) -> SafeString:
    if not value:
        return format_html("{}", empty)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), _day_text(value, locale=_active_locale(context)))


@register.simple_tag(takes_context=True)
def moment(context: Any, value: dt.datetime | None, empty: str = NOTHING) -> SafeString:
    if not value:
        return format_html("{}", empty)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), _moment_text(value, locale=_active_locale(context)))


@register.simple_tag(takes_context=True)
def ago(context: Any, value: dt.datetime | None, empty: str = "") -> SafeString:
    """How long ago (or in how long), kept fresh in the browser; the exact time in the title. After a month: the day."""
    if not value:
        return format_html("{}", empty or _("never"))
    locale = _active_locale(context)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.isoformat(),
        _moment_text(value, locale=locale),
        _ago_text(value, locale=locale),
    )


def _ago_text(value: dt.datetime, *, locale: Locale) -> str:
    delta = value - timezone.now()
    if abs(delta) < JUST_NOW:
        return _("just now")
    if abs(delta) > RELATIVE_FOR:
        return _day_text(value, locale=locale)
    return dates.format_timedelta(delta, add_direction=True, locale=locale, threshold=1)


def tone_of(value: Any) -> str:
    """The tone of a status word: `Run.Outcome.FAILED`, "needs attention", "paid" …"""
    word = str(getattr(value, "value", value) or "").strip().lower().replace(" ", "_").replace("-", "_")
    return _TONE_OF.get(word, "gray")


register.filter("tone", tone_of)


def _label_of(value: Any, label: Any) -> str:
    return str(label if label is not None else getattr(value, "label", None) or str(value).replace("_", " ").capitalize())


@register.simple_tag
def badge(text: Any, tone: str = "gray") -> SafeString:
    return format_html('<span class="badge badge-soft-{}">{}</span>', tone if tone in TONES else "gray", text)


@register.simple_tag
def status_badge(value: Any, label: Any = None, tone: str = "") -> SafeString:
    return badge(_label_of(value, label), tone or tone_of(value))


@register.simple_tag
def status_dot(value: Any, label: Any = None, tone: str = "") -> SafeString:
    """A dot with its word; with label="" the word is there for screen readers only."""
    words = _label_of(value, None) if label == "" else _label_of(value, label)
    hidden = mark_safe(' class="visually-hidden"') if label == "" else ""
    return format_html(
        '<span class="status"><span class="dot dot-{}" aria-hidden="true"></span><span{}>{}</span></span>',
        tone or tone_of(value),
        hidden,
        words,
    )


def initials(name: str) -> str:
    words = [word for word in (part.strip("()[]\"'.,&-/") for part in str(name).split()) if word]
    if not words:
        return "?"
    return (words[0][:1] + (words[1][:1] if len(words) > 1 else words[0][1:2])).upper()


def _hue(name: str) -> int:
    return zlib.crc32(str(name).casefold().encode()) % 8


@register.simple_tag
def monogram(name: Any, size: str = "md", kind: str = "") -> SafeString:
    """Initials on a colour of the name: round for people, square for organisations."""
    square = " monogram-square" if str(kind).lower().startswith("org") else ""
    return format_html(
        '<span class="monogram monogram-{}{} hue-{}" aria-hidden="true">{}</span>', size, mark_safe(square), _hue(name), initials(name)
    )


@register.simple_tag
def vendor_mark(label: Any, size: str = "md") -> SafeString:
    name = str(label)
    return format_html('<span class="vendor vendor-{} mark-{}" aria-hidden="true">{}</span>', size, _hue(name), name[:1].upper())


@register.simple_tag
def progress(done: Any = None, total: Any = None, label: str = "") -> SafeString:
    """A bar; without a total it only says that something is going on."""
    known = bool(total) and done is not None
    percent = min(100, max(0, round(100 * float(done) / float(total)))) if known else None
    now = format_html(' aria-valuenow="{}"', percent) if known else ""
    fill = format_html('<span data-progress="{}"></span>', percent) if known else mark_safe("<span></span>")
    return format_html(
        '<div class="meter{}" role="progressbar" aria-label="{}" aria-valuemin="0" aria-valuemax="100"{}>{}</div>',
        "" if known else " meter-unknown",
        label or _("Progress"),
        now,
        fill,
    )


@register.simple_tag
def tile(value: Any, label: Any, tone: str = "", url: str = "") -> SafeString:
    body = format_html('<span class="tile-n">{}</span><span class="tile-l">{}</span>', value, label)
    classes = f"tile tile-{tone}" if tone else "tile"
    if url:
        return format_html('<a class="{}" href="{}">{}</a>', classes, url, body)
    return format_html('<div class="{}">{}</div>', classes, body)


@register.simple_block_tag(takes_context=True, end_name="endpage_header")
def page_header(context: Any, content: str, title: Any, **parts: Any) -> SafeString:
    """Heading of a page; what stands between the tags are its actions."""
    return render_to_string("_partials/page_header.html", {"title": title, "actions": mark_safe(content.strip()), **parts})


@register.simple_block_tag(end_name="endempty")
def empty(content: str, title: Any, text: Any = "", icon: str = "circle-dashed") -> SafeString:
    """An empty list: what would be here, and the one thing to do."""
    return render_to_string(
        "_partials/empty.html", {"title": title, "text": text, "icon_name": icon, "actions": mark_safe(content.strip())}
    )


@register.simple_block_tag(end_name="endcard")
def card(content: str, title: Any = "", count: Any = None, sub: Any = "", actions: Any = "", id: str = "", **attrs: str) -> SafeString:
    parts = {
        "title": title,
        "count": count,
        "sub": sub,
        "actions": actions,
        "id": id,
        "content": content,
        "extra_class": attrs.get("class", ""),
    }
    return render_to_string("_partials/card.html", parts)


NOTICE_ICONS = {"green": "circle-check", "amber": "alert-triangle", "red": "alert-circle"}


@register.simple_block_tag(end_name="endnotice")
def notice(content: str, tone: str = "gray", title: Any = "", role: str = "") -> SafeString:
    parts = {"tone": tone, "title": title, "role": role, "icon_name": NOTICE_ICONS.get(tone, "info-circle"), "content": content}
    return render_to_string("_partials/notice.html", parts)


MESSAGE_TONES = {"success": "green", "warning": "amber", "error": "red"}


@register.filter
def message_tone(level_tag: str) -> str:
    return MESSAGE_TONES.get(level_tag, "blue")


@register.filter
def notice_icon(tone: str) -> str:
    return NOTICE_ICONS.get(tone, "info-circle")


@register.filter
def times(count: int) -> range:
    return range(int(count))


CHECKS = ("checkbox", "radio")
PLAIN_INPUTS = ("hidden", "submit", "button", "image", "reset")


@register.filter
def input_class(kind: str) -> str:
    """The class of an <input> of this type; hidden ones carry none."""
    if kind in CHECKS:
        return "form-check-input"
    return "" if kind in PLAIN_INPUTS else "form-control"


@register.filter
def field_kind(field: BoundField) -> str:
    """How a field is laid out: "check" (one box), "group" (several), "line" (everything else)."""
    if field.use_fieldset:
        return "group"
    return "check" if getattr(field.field.widget, "input_type", "") == "checkbox" else "line"


HOUSE_LABELS = {
    "login": gettext_lazy("E-mail"),
    "email": gettext_lazy("E-mail"),
    "password": gettext_lazy("Password"),
    "password1": gettext_lazy("Password"),
    "password2": gettext_lazy("The same again"),
    "oldpassword": gettext_lazy("Password now"),
    "code": gettext_lazy("Code"),
}


@register.filter
def house_words(form: BaseForm) -> BaseForm:
    """A form of the log-in library with our labels, and no placeholder that only repeats the label."""
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        form[name].label = str(HOUSE_LABELS.get(name) or field.label or "")
    if "oldpassword" in form.fields and "password1" in form.fields:
        form["password1"].label = _("New password")
    return form
