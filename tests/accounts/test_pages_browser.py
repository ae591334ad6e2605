"""The account and settings pages in a real browser: nothing over the edge, nothing refused by the content security policy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.domain.invitations import invite
from accounts.domain.teams import add_team
from accounts.domain.tokens import create_token
from accounts.models import Membership
from accounts.scoping import workspace_tx
from tests.browser import in_browser, is_too_wide
from tests.fixtures import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"
# Where to leave pictures for a person to look at, if anywhere.
PICTURES = os.environ.get("PICTURES", "")


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Welcome, Alice").wait_for()


def furnish(cast: Cast) -> dict[str, str]:
    alice = Membership.objects.select_related("user", "workspace").get(user=cast.alice)
    bob = Membership.objects.get(user=cast.bob)
    with workspace_tx(cast.workspace):
        team = add_team(cast.workspace, name="Sales", actor=cast.alice)
        _invitation, secret = invite(
            cast.workspace, email="dora.with.a.long.address@example.com", role="MEMBER", team_ids=[], actor=alice, now=timezone.now()
        )
        create_token(alice, name="Nightly export of everything to the warehouse", scopes=["read", "write", "admin"])
    inside = {
        "home": "",
        "general": "settings/",
        "members": "settings/members/",
        "member": f"settings/members/{bob.pk}/",
        "invite": "settings/invitations/new/",
        "teams": "settings/teams/",
        "team": f"settings/teams/{team.pk}/",
        "team_delete": f"settings/teams/{team.pk}/delete/",
        "tokens": "settings/tokens/",
        "audit": "settings/audit/",
    }
    outside = {"profile": "profile/", "workspaces": "workspaces/", "workspace_create": "workspaces/new/", "docs": "api/v1/docs/"}
    links = {"invitation_other": f"invitations/hartwell/{secret}/", "invitation_gone": "invitations/hartwell/nothing/"}
    return {name: f"w/hartwell/{path}" for name, path in inside.items()} | outside | links


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_pages_fit_and_nothing_is_refused(live_server: Any, cast: Cast, width: int, scheme: str) -> None:
    pages = furnish(cast)

    def steps(page: Page) -> list[str]:
        log_in(page, live_server.url)
        too_wide = []
        for name, path in pages.items():
            if name.startswith("invitation"):
                continue  # these answer 403 and 404 on purpose, which the browser's console notes
            page.goto(f"{live_server.url}/{path}")
            too_wide += [name] if is_too_wide(page) else []
            picture(page, f"{name}-{width}")
        return too_wide

    assert in_browser(steps, width=width, scheme=scheme) == []


def test_a_newcomer_signs_up_invites_and_makes_a_token(live_server: Any, db: None) -> None:
    def steps(page: Page) -> tuple[str, str]:
        page.goto(f"{live_server.url}/accounts/signup/")
        picture(page, "signup")
        page.get_by_label("Your name").fill("Dora Ek")
        page.get_by_label("Workspace name").fill("Ørsted Foods")
        page.get_by_label("E-mail").fill("dora@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Create the workspace").click()
        page.get_by_role("heading", name="Welcome, Dora Ek").wait_for()
        picture(page, "home-new")
        page.goto(f"{live_server.url}/w/orsted-foods/settings/invitations/new/")
        page.get_by_label("E-mail").fill("erik@example.com")
        page.get_by_role("button", name="Send the invitation").click()
        page.get_by_text("The link of this invitation, shown once").wait_for()
        picture(page, "invited")
        link = page.locator(".secret-box span").inner_text()
        page.goto(f"{live_server.url}/w/orsted-foods/settings/tokens/new/")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        picture(page, "token-new")
        page.get_by_label("Name").fill("Script")
        page.get_by_role("button", name="Make the token").click()
        page.get_by_text("Copy it now").wait_for()
        picture(page, "token-made")
        return link, page.locator(".secret-box span").inner_text()

    link, token = in_browser(steps, width=1280)

    assert "/invitations/orsted-foods/" in link
    assert token.startswith("crm_")
