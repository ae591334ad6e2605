"""Sentences for what a rule, a setting or a person leaves out. `reasons` has all others."""

from __future__ import annotations

from integrations.engine.provider import gettext_noop

# Only keeps a contact from being made there by itself: one that is linked is told of changes, and a person may make it by hand.
NOT_BY_ITSELF = frozenset({"by_hand", "brought_in", "not_client_yet", "person_by_hand"})

RULE_REASONS: dict[str, tuple[str, str]] = {
    "deleted_here_kept_away": (
        gettext_noop("%(name)s was deleted here and is kept away, as the settings say."),
        gettext_noop("Restore the contact to have it in sync again."),
    ),
    "ignored_by_person": (
        gettext_noop("Somebody chose to leave %(name)s out."),
        gettext_noop("Take it back from the list of what is left out."),
    ),
    "supplier_off": (
        gettext_noop("%(name)s is a supplier, and suppliers are left out."),
        gettext_noop("Change this in the settings of the connection."),
    ),
    "marked_ours": (
        gettext_noop("%(name)s carries the mark of a record that came from here, so it is not brought in again."),
        "",
    ),
    "inactive_there": (
        gettext_noop("%(name)s is inactive in %(vendor)s."),
        gettext_noop("Make it active there to bring it in."),
    ),
    "no_organisation": (
        gettext_noop("%(name)s belongs to no organisation in %(vendor)s, and only people of an organisation are brought in."),
        gettext_noop("Give the person an organisation there to bring them in."),
    ),
    "organisation_inactive": (
        gettext_noop("All organisations of %(name)s are inactive in %(vendor)s."),
        gettext_noop("Make one of them active there to bring the person in."),
    ),
    "organisation_marked_ours": (
        gettext_noop("%(name)s belongs to %(organisation)s, which came from here, so the person is not brought in again."),
        "",
    ),
    "organisation_unknown": (
        gettext_noop("The organisation of %(name)s, %(organisation)s, is not in the list of organisations of %(vendor)s."),
        gettext_noop("It is looked for again with every sync."),
    ),
    "other_kind": (
        gettext_noop("%(name)s is neither a person nor an organisation in %(vendor)s."),
        "",
    ),
    "confidential_there": (
        gettext_noop("%(name)s is confidential in %(vendor)s, and such contacts are left out."),
        gettext_noop("Change this in the settings."),
    ),
    "discarded_there": (
        gettext_noop("%(name)s was discarded in %(vendor)s, and such contacts are left out."),
        gettext_noop("Change this in the settings."),
    ),
    "pull_off": (
        gettext_noop("Nothing is brought in from %(vendor)s, as the settings say."),
        gettext_noop("Change this in the settings of the connection."),
    ),
    "push_off": (
        gettext_noop("Nothing is sent to %(vendor)s, as the settings say."),
        gettext_noop("Change this in the settings of the connection."),
    ),
    "not_client": (
        gettext_noop("%(name)s is not sent to %(vendor)s: the life cycle is %(life_cycle)s."),
        gettext_noop("Clients are sent, and related contacts of an organisation that is a client."),
    ),
    "not_client_yet": (
        gettext_noop("%(name)s is not sent to %(vendor)s: the life cycle is %(life_cycle)s."),
        gettext_noop("It is sent when it becomes a client, or at once by hand."),
    ),
    "by_hand": (
        gettext_noop("%(name)s is not sent to %(vendor)s by itself, as the settings say."),
        gettext_noop("Create it there by hand, or change the settings of the connection."),
    ),
    "brought_in": (
        gettext_noop("%(name)s is not sent to %(vendor)s by itself: it was not created here but came from %(source)s."),
        gettext_noop("Create it there by hand, or change the settings of the connection."),
    ),
    "person_by_hand": (
        gettext_noop("%(name)s is a person without an organisation, and such people are sent to %(vendor)s by hand only."),
        gettext_noop("Choose the organisation that the person belongs to, or create the person there by hand."),
    ),
    "no_organisation_here": (
        gettext_noop("%(name)s is not sent to %(vendor)s: a related contact without an organisation."),
        gettext_noop("Choose the organisation that the contact belongs to."),
    ),
    "organisation_not_client": (
        gettext_noop("%(name)s is not sent to %(vendor)s: the life cycle of %(organisation)s is %(life_cycle)s."),
        gettext_noop("Related contacts are sent when their organisation is a client."),
    ),
    "not_here": (
        gettext_noop("No contact here fits %(name)s, and new ones are not brought in."),
        gettext_noop("Change this in the settings of the connection, or link it to a contact."),
    ),
    "hidden": (
        gettext_noop("%(name)s is hidden while the integration is off."),
        gettext_noop("Enable the integration to see it again."),
    ),
}

# Said instead when the reason's `life_cycle` is empty.
WITHOUT_LIFE_CYCLE: dict[str, str] = {
    "not_client": gettext_noop("%(name)s is not sent to %(vendor)s: no life cycle is set."),
    "not_client_yet": gettext_noop("%(name)s is not sent to %(vendor)s: no life cycle is set."),
    "organisation_not_client": gettext_noop("%(name)s is not sent to %(vendor)s: no life cycle is set for %(organisation)s."),
}
