"""Every reason code with its sentence and what helps. Sentences name the record and the vendor; parameters are filled in when shown.

The words of `_DEFAULTS` may stand in every sentence; other placeholders must be among the parameters of every `Reason` of the code.
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.engine.provider import gettext_noop
from integrations.engine.reasons_rules import RULE_REASONS, WITHOUT_LIFE_CYCLE
from integrations.engine.types import Reason

_RETRIED = gettext_noop("It is tried again by itself.")
_AGAIN = gettext_noop("Start again from the page of the integration.")
_RECONNECT = gettext_noop("Connect to %(vendor)s again. What is waiting to be sent is kept.")

# A person or a setting here said so: nothing that the vendor did.
OWN_CHOICES: frozenset[str] = frozenset(
    {
        "ignored_by_person",
        "deleted_here_kept_away",
        "supplier_off",
        "not_here",
        "hidden",
        "pull_off",
        "push_off",
    }
)
# A rule leaves the record out: counted as skipped, not as failed.
RULES: frozenset[str] = OWN_CHOICES | {
    "marked_ours",
    "inactive_there",
    "no_organisation",
    "organisation_inactive",
    "organisation_marked_ours",
    "organisation_unknown",
    "other_kind",
    "confidential_there",
    "discarded_there",
    "not_client",
    "not_client_yet",
    "by_hand",
    "brought_in",
    "person_by_hand",
    "no_organisation_here",
    "organisation_not_client",
}

REASONS: dict[str, tuple[str, str]] = {
    # Which contact is it?
    "two_here": (
        gettext_noop("More than one contact here fits %(name)s."),
        gettext_noop("Choose the one that is record %(id)s in %(vendor)s."),
    ),
    "two_there": (
        gettext_noop("%(vendor)s has more than one record that fits %(name)s, so nobody can tell which of them is the contact here."),
        gettext_noop("Choose the right one, or bring each in as a new contact."),
    ),
    "taken": (
        gettext_noop("The contact that fits %(name)s is linked to another record in %(vendor)s already."),
        gettext_noop("Choose another contact, or bring it in as a new one."),
    ),
    "perhaps_made_anew": (
        gettext_noop("%(name)s may be a record that was deleted in %(vendor)s and made anew."),
        gettext_noop("The next sync will know, and link it by itself."),
    ),
    "near_name": (
        gettext_noop("%(name)s came in as a new contact, but its name is close to %(other)s."),
        gettext_noop("Merge the two if they are the same."),
    ),
    "still_held": (
        gettext_noop("%(name)s still waits for a decision."),
        gettext_noop("Choose the contact that it belongs to."),
    ),
    "conflict_ask": (
        gettext_noop("%(name)s was changed both here and in %(vendor)s: %(fields)s."),
        gettext_noop("Choose which value is right."),
    ),
    "required_empty": (
        gettext_noop("%(name)s was emptied here, but %(vendor)s needs it: %(fields)s."),
        gettext_noop("Fill it in again, or take the value of %(vendor)s."),
    ),
    "being_sent": (
        gettext_noop("%(name)s may be what was just sent to %(vendor)s, whose answer never came."),
        gettext_noop("It is looked up and linked by itself."),
    ),
    "in_doubt_many": (
        gettext_noop("%(name)s was sent to %(vendor)s, the answer never came, and now more than one record there could be it."),
        gettext_noop("Choose the right one. Nothing is sent again before that."),
    ),
    **RULE_REASONS,
    # The record itself
    "no_name": (
        gettext_noop("Record %(id)s has no name in %(vendor)s."),
        gettext_noop("Give it a name there."),
    ),
    "bad_record": (
        gettext_noop("%(vendor)s sent a record that cannot be used: %(problem)s."),
        gettext_noop("Look at it in %(vendor)s. It is read again with every sync."),
    ),
    "too_long": (
        gettext_noop("%(name)s has a value in %(vendor)s that is longer than the %(limit)s characters that fit here: %(field)s."),
        gettext_noop("Shorten it in %(vendor)s. It is read again with every sync."),
    ),
    "missing_fields": (
        gettext_noop("%(vendor)s needs more to accept %(name)s: %(fields)s."),
        gettext_noop("Fill it in here; it is then sent by itself."),
    ),
    "refused": (
        gettext_noop("%(vendor)s refused %(name)s: %(message)s"),
        gettext_noop("Correct it here; it is then sent again by itself."),
    ),
    "refused_fields": (
        gettext_noop("%(vendor)s did not accept these values of %(name)s: %(fields)s."),
        gettext_noop("Correct them here; it is then sent again by itself."),
    ),
    "number_reused": (
        gettext_noop("Record %(id)s in %(vendor)s is another one than before: %(name)s."),
        gettext_noop("Choose the contact that it belongs to. Nothing is sent before that."),
    ),
    "setting_missing": (
        gettext_noop("%(vendor)s needs an answer in the settings before anything can be created there: %(setting)s."),
        gettext_noop("Choose it in the settings of the connection. What is waiting is then sent by itself."),
    ),
    "setting_refused": (
        gettext_noop("%(vendor)s does not accept what the settings say: %(setting)s."),
        gettext_noop("Choose another answer in the settings of the connection. What is waiting is then sent by itself."),
    ),
    "hooks_need_https": (
        gettext_noop("%(vendor)s can call this server only over https."),
        gettext_noop("Changes are looked for by themselves in the meantime."),
    ),
    "bad_tax_id": (
        gettext_noop("%(name)s has a tax id that is no CPF and no CNPJ: %(tax_id)s."),
        gettext_noop("Correct it here; it is then sent by itself."),
    ),
    "code_taken": (
        gettext_noop("%(name)s cannot be made in %(vendor)s: the code %(id)s belongs to somebody else there."),
        gettext_noop("Link the contact to its record there, if it has one."),
    ),
    "parent_not_there": (
        gettext_noop("%(name)s cannot be sent yet: %(vendor)s does not know the organisation."),
        gettext_noop("The organisation is sent first, then the person."),
    ),
    "not_stored": (
        gettext_noop("%(vendor)s accepted %(name)s, but did not store: %(fields)s."),
        gettext_noop("These fields stay as they are here."),
    ),
    "changed_there": (
        gettext_noop("%(name)s was changed in %(vendor)s while it was being sent."),
        gettext_noop("It is compared and sent again by itself."),
    ),
    "gone": (
        gettext_noop("%(name)s does not exist in %(vendor)s any more."),
        gettext_noop("The contact stays. Export it to make it there again."),
    ),
    "not_linked": (gettext_noop("%(name)s is not in %(vendor)s."), ""),
    "gone_there": (
        gettext_noop("%(name)s (record %(id)s) was deleted in %(vendor)s."),
        gettext_noop("The contact stays. Export it to make it there again."),
    ),
    # The permission
    "reconnect_needed": (
        gettext_noop("%(vendor)s does not accept the permission any more."),
        _RECONNECT,
    ),
    "unauthorised": (
        gettext_noop("%(vendor)s does not accept the permission any more."),
        _RECONNECT,
    ),
    "token_expired_no_refresh": (
        gettext_noop("The permission from %(vendor)s has run out, and %(vendor)s gave none that renews itself."),
        _RECONNECT,
    ),
    "denied_call": (
        gettext_noop("%(vendor)s does not allow this: %(ability)s. Everything else goes on."),
        gettext_noop("Connect again with an account that may do it."),
    ),
    "forbidden": (
        gettext_noop("%(vendor)s does not allow this. Everything else goes on."),
        gettext_noop("Connect again with an account that may do it."),
    ),
    "no_refresh": (
        gettext_noop("%(vendor)s gave a permission that does not renew itself. It will have to be given again."),
        gettext_noop("Nothing to do now; you are told when it is time."),
    ),
    "secret_refused": (
        gettext_noop("%(vendor)s does not accept this key. Nothing was stored."),
        gettext_noop("Copy it once more, whole and without blanks."),
    ),
    "other_account": (
        gettext_noop("This permission is for %(found)s in %(vendor)s, but this connection belongs to %(known)s."),
        gettext_noop("Connect with the account of %(known)s. For another one, disable the integration first."),
    ),
    "not_as_shown": (
        gettext_noop(
            "This permission opens %(found)s in %(vendor)s now, which is not the account that you were shown. Nothing was stored."
        ),
        gettext_noop("Start again, and say yes if it is the right one."),
    ),
    "other_books": (
        gettext_noop("The records that %(vendor)s sends now are not those that are linked here. Nothing was changed."),
        gettext_noop("Connect with the account of before. For another one, disable the integration first."),
    ),
    # Consent under way
    "consent_refused": (gettext_noop("You did not give the permission, so %(vendor)s is not connected. Nothing was stored."), _AGAIN),
    "consent_failed": (gettext_noop("%(vendor)s could not give the permission. Nothing was stored."), _AGAIN),
    "consent_exchange_failed": (gettext_noop("%(vendor)s did not confirm the permission. Nothing was stored."), _AGAIN),
    "consent_check_failed": (
        gettext_noop("%(vendor)s gave the permission, but the first call with it failed. Nothing was stored."),
        _AGAIN,
    ),
    "consent_state_unknown": (gettext_noop("This answer belongs to no connection that you are making. Nothing was stored."), _AGAIN),
    "consent_state_used": (gettext_noop("This answer was used before. Nothing was stored."), _AGAIN),
    "consent_other_user": (gettext_noop("Somebody else began to connect %(vendor)s. Nothing was stored."), _AGAIN),
    "consent_other_session": (gettext_noop("This began in another browser or before you logged in. Nothing was stored."), _AGAIN),
    "consent_expired": (gettext_noop("The permission took too long to come. Nothing was stored."), _AGAIN),
    # Export
    "not_supported": (gettext_noop("Contacts cannot be exported to %(vendor)s."), ""),
    "withdrawn": (
        gettext_noop("%(vendor)s is no longer available on this server. Nothing is read or sent; contacts and links stay."),
        gettext_noop("Ask the operator of the server, or disable the integration."),
    ),
    "not_connected": (gettext_noop("%(vendor)s is not connected at the moment."), gettext_noop("Connect to %(vendor)s, or resume it.")),
    "already_linked": (gettext_noop("%(name)s is linked to %(vendor)s already."), ""),
    # The way to the vendor
    "reading_whole": (gettext_noop("Everything is read and compared."), ""),
    "reading_changes": (gettext_noop("Only what has changed since %(since)s is read."), gettext_noop("Everything is compared at night.")),
    "reading_nothing": (
        gettext_noop("Nothing is read: %(vendor)s does not tell what has changed, and comparing everything takes too many calls by day."),
        gettext_noop("Everything is compared at night. What waits is sent."),
    ),
    "filter_refused": (
        gettext_noop("%(vendor)s does not let this account read only what has changed, so everything is compared each time."),
        gettext_noop("Nothing to do. Large accounts are compared at night only."),
    ),
    "rate_limited": (
        gettext_noop("%(vendor)s asks to wait before the next call."),
        gettext_noop("It goes on by itself."),
    ),
    "quiet_hours": (
        gettext_noop("These are quiet hours: nothing is asked of %(vendor)s."),
        gettext_noop("It goes on by itself when they are over."),
    ),
    "vendor_down": (gettext_noop("%(vendor)s has a fault at the moment."), _RETRIED),
    "timeout": (gettext_noop("%(vendor)s did not answer in time."), _RETRIED),
    "too_slow": (gettext_noop("%(vendor)s sent its answer too slowly."), _RETRIED),
    "too_big": (
        gettext_noop("%(vendor)s sent an answer that is too big to be right."),
        _RETRIED,
    ),
    "unreachable": (gettext_noop("%(vendor)s cannot be reached."), _RETRIED),
    "dns": (gettext_noop("The address of %(vendor)s cannot be found."), _RETRIED),
    "tls": (gettext_noop("The secure connection to %(vendor)s failed."), _RETRIED),
    "connection_lost": (
        gettext_noop("The connection to %(vendor)s broke off."),
        _RETRIED,
    ),
    "not_json": (
        gettext_noop("%(vendor)s sent something that is no data, such as a log-in page."),
        _RETRIED,
    ),
    "bad_answer": (
        gettext_noop("%(vendor)s sent an answer that cannot be read."),
        _RETRIED,
    ),
    "redirected": (
        gettext_noop("%(vendor)s pointed to another address, which is not followed."),
        gettext_noop("Ask the operator to check the address of %(vendor)s."),
    ),
    "not_configured": (
        gettext_noop("%(vendor)s is not set up on this server: %(variable)s is missing or wrong."),
        gettext_noop("Ask the operator to set it."),
    ),
    "client_refused": (
        gettext_noop("%(vendor)s does not know this server's client id or secret."),
        gettext_noop("Ask the operator to check them."),
    ),
    "bad_address": (
        gettext_noop("The address of %(vendor)s is wrong."),
        gettext_noop("Ask the operator to check it."),
    ),
    "blocked_address": (
        gettext_noop("The address of %(vendor)s leads into a private network and is blocked."),
        gettext_noop("Ask the operator to check it."),
    ),
    # What people did
    "merged_away": (
        gettext_noop("%(name)s is left alone: its contact was merged into another one that is linked to a record of its own."),
        gettext_noop("Undo the merge to link it again."),
    ),
    "undone": (
        gettext_noop("This record is left alone: the sync that brought it in was undone."),
        gettext_noop("Take it back in to link it again."),
    ),
    "left_alone": (
        gettext_noop("%(name)s was left as it is: somebody has changed it since."),
        "",
    ),
    # The run
    "empty_list": (
        gettext_noop("%(vendor)s sent an empty list, although %(links)s records are linked. Nothing was changed."),
        gettext_noop("If the list is really empty now, confirm it."),
    ),
    "mass_change": (
        gettext_noop(
            "This sync would overwrite %(overwritten)s, unlink %(unlinked)s and leave out %(hidden)s of %(links)s linked contacts. "
            "Nothing was changed."
        ),
        gettext_noop("Look at the preview, then let it through or cancel it."),
    ),
    "transfer_ready": (
        gettext_noop("Everything has been read. Nothing has been changed yet."),
        gettext_noop("Look at what will happen, then let it happen."),
    ),
    "preview_ready": (
        gettext_noop("The first sync is ready. Nothing has been changed yet."),
        gettext_noop("Look at what will happen, then start it."),
    ),
    "drift": (
        gettext_noop("The list in %(vendor)s changed while it was being read."),
        gettext_noop("It is read once more by itself."),
    ),
    "loop": (
        gettext_noop("%(vendor)s sent the same page again and again; reading stopped at page %(page)s."),
        _RETRIED,
    ),
    "cancelled": (
        gettext_noop("Somebody cancelled the sync. What was done before stays."),
        "",
    ),
    "lease_lost": (
        gettext_noop("Another worker took over the sync."),
        gettext_noop("It goes on by itself."),
    ),
    "worker_lost": (
        gettext_noop("The sync broke off again and again at the same place."),
        gettext_noop("Start it again; if it happens again, send us the log."),
    ),
}

_UNKNOWN = (gettext_noop("Something unexpected happened (%(code)s)."), "")
# What stands in a sentence whose reason does not bring the word.
_DEFAULTS = {
    "vendor": gettext_noop("the other system"),
    "name": gettext_noop("this record"),
    "problem": gettext_noop("it does not fit"),
    "message": gettext_noop("it gave no reason."),
}


# Given in English by us; what a vendor says has no translation and stays. All other parameters are names and values.
_OUR_TEXTS = frozenset({"problem", "message", "ability", "life_cycle"})
_OUR_LABELS = frozenset({"fields", "field", "setting"})  # one or more, with commas


class _Words(dict[str, object]):
    """A sentence is better with a gap than not at all: reasons are kept for years, their parameters may not fit any more."""

    def __missing__(self, key: str) -> str:
        return "\u2026"


def sentence(reason: Reason, translate: Callable[[str], str] = str, **words: object) -> str:
    """Say the reason. `words` are used where the reason does not bring its own (`vendor`: the provider's label)."""
    text = REASONS.get(reason.code, _UNKNOWN)[0]
    text = text if reason.params.get("life_cycle") else WITHOUT_LIFE_CYCLE.get(reason.code, text)
    return _say(text, reason, translate, words)


def fix_hint(reason: Reason, translate: Callable[[str], str] = str, **words: object) -> str:
    """Say what helps; "" when nothing needs to be done."""
    return _say(REASONS.get(reason.code, _UNKNOWN)[1], reason, translate, words)


def _say(text: str, reason: Reason, translate: Callable[[str], str], words: dict[str, object]) -> str:
    if not text:
        return ""
    defaults = {key: translate(word) for key, word in _DEFAULTS.items()}
    return translate(text) % _Words({**defaults, **words, **_filled(reason, translate), "code": reason.code})


def _filled(reason: Reason, translate: Callable[[str], str]) -> dict[str, object]:
    filled = {key: value for key, value in reason.params.items() if value not in ("", None)}
    texts = {key: translate(str(value)) for key, value in filled.items() if key in _OUR_TEXTS}
    return filled | texts | {key: _listed(str(value), translate) for key, value in filled.items() if key in _OUR_LABELS}


def _listed(labels: str, translate: Callable[[str], str]) -> str:
    return ", ".join(translate(label) if label else "" for label in labels.split(", "))
