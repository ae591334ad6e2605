"""Requests that carry their secrets as the manifest says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from integrations.engine.capabilities import Place, SecretIn
from integrations.kit.http import Authorise, Outgoing


def authorise_with(places: tuple[SecretIn, ...], secret: Callable[[str], str], env: Mapping[str, str]) -> Authorise:
    """`secret` gives a secret of the connection by its key; it is asked for every request."""

    def authorise(request: Outgoing) -> None:
        for each in places:
            value = env.get(each.variable, "") if each.variable else secret(each.secret)
            if each.place is Place.HEADER:
                request.headers[each.name] = value
            else:
                request.params[each.name] = value

    return authorise
