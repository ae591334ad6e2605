"""Every address of the product. Pages of a workspace live under /w/<slug>/, so that two tabs can show two workspaces."""

from django.urls import URLPattern, URLResolver, include, path

from accounts.views import api_docs
from crmsync import health
from crmsync.settings.env import ROOT
from integrations.views import consent, grant, hooks

APPS = ("contacts", "invoices", "integrations", "erp_history")


def _existing(name: str, *, apps: tuple[str, ...]) -> list[URLResolver]:
    """What these apps bring under this module name; an app may have no pages or no API."""
    modules = [f"{app}.{name}" for app in apps if (ROOT / app / f"{name.replace('.', '/')}.py").exists()]
    return [path("", include(module)) for module in modules]


api: list[URLPattern | URLResolver] = [
    path("schema/", api_docs.schema, name="schema"),
    path("docs/", api_docs.docs, name="docs"),
    *_existing("api.urls", apps=("accounts", *APPS)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("accounts.urls")),
    path("connect/<slug:provider>/callback/", consent.callback, name="connect_callback"),
    path("connect/<slug:provider>/callback/<str:state>/", grant.callback, name="connect_granted"),
    path("connect/<slug:provider>/failed/<slug:code>/", grant.failed, name="connect_failed"),
    path("connect/<slug:provider>/failed/<slug:code>/<slug:workspace>/", grant.failed, name="connect_failed_in"),
    path("hooks/<slug:provider>/<str:key>", hooks.receive, name="hooks_bare"),
    path("hooks/<slug:provider>/<str:key>/", hooks.receive, name="hooks"),
    path("hooks/<slug:provider>/<str:key>/<path:rest>", hooks.receive, name="hooks_below"),
    path("w/<slug:slug>/", include(_existing("urls", apps=APPS))),
    path("api/v1/", include((api, "api"))),
]

handler400 = "accounts.views.errors.bad_request"
handler403 = "accounts.views.errors.forbidden"
handler404 = "accounts.views.errors.not_found"
handler500 = "accounts.views.errors.fault"
