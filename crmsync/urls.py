"""Every address of the product. Pages of a workspace live under /w/<slug>/, so that two tabs can show two workspaces."""

from django.urls import URLPattern, URLResolver, include, path

from crmsync import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("allauth.urls")),
]
