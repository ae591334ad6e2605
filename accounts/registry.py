"""Places that apps above fill in `AppConfig.ready()`: entries of the settings area, panels and first steps of the home page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsEntry:
    """A tab of the settings area; its page is named with the workspace's slug and extends accounts/settings_base.html."""

    label: Text
    url_name: str
    order: int = 50
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """One line of "First steps" on the home page; `done` runs inside the workspace."""

    key: str
    title: Text
    text: Text
    icon: str
    url_name: str
    done: Callable[[HttpRequest], bool]
    order: int = 50
    admin_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePanel:
    """A card of the home page: html, or None when it has nothing to say."""

    key: str
    render: Callable[[HttpRequest], str | None]
    order: int = 50


_entries: dict[str, SettingsEntry] = {}
_steps: dict[str, FirstStep] = {}
_panels: dict[str, HomePanel] = {}


def add_settings_entry(entry: SettingsEntry) -> None:
    """A second entry with the same address replaces the first."""
    _entries[entry.url_name] = entry


def add_first_step(step: FirstStep) -> None:
    _steps[step.key] = step


def add_home_panel(panel: HomePanel) -> None:
    _panels[panel.key] = panel


def settings_entries() -> list[SettingsEntry]:
    return sorted(_entries.values(), key=lambda entry: entry.order)


def first_steps() -> list[FirstStep]:
    return sorted(_steps.values(), key=lambda step: step.order)


def home_panels() -> list[HomePanel]:
    return sorted(_panels.values(), key=lambda panel: panel.order)
