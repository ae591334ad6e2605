"""Every address of the product. Pages of a workspace live under /w/<slug>/, so that two tabs can show two workspaces."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
]
