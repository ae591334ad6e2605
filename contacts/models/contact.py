from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.scoping import ManyRows, WorkspaceModel
from contacts.enums import Kind, LifeCycle

REFERENCES = ("organisation", "owner", "team", "merged_into")


class Contact(ManyRows):
    """A person or an organisation. Lists (e-mails, phones, addresses) are ordered: the first is the one that other systems get.

    One row holds all of it (docs/adr): a page of contacts is one query, and one database trigger writes the whole history.
    emails [{"label", "email"}], phones [{"label", "number"}], addresses [{"label", line1, line2, city, region, postcode, country}].
    """

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=300)
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    legal_name = models.CharField(_("legal name"), max_length=300, blank=True)
    trade_name = models.CharField(_("trade name"), max_length=300, blank=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    website = models.CharField(_("website"), max_length=300, blank=True)
    job_title = models.CharField(_("job title"), max_length=150, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    life_cycle = models.CharField(_("life cycle"), max_length=12, choices=LifeCycle.choices, blank=True)
    emails = models.JSONField(_("e-mails"), default=list, blank=True)
    phones = models.JSONField(_("phones"), default=list, blank=True)
    addresses = models.JSONField(_("addresses"), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True, verbose_name=_("tags"))
    custom = models.JSONField(_("custom fields"), default=dict, blank=True)
    organisation = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="people", verbose_name=_("organisation"), db_index=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        db_index=False,
    )
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("team"), db_index=False
    )

    # Derived, kept by contacts.domain.store: exact_name is the name under the exact-name rule, sort_name the folded one.
    exact_name = models.CharField(max_length=300, db_collation="C", editable=False)
    sort_name = models.CharField(max_length=300, db_collation="C", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "sort_name", "id"], name="contact_by_name", condition=Q(deleted_at=None)),
            models.Index(fields=["workspace", "kind", "sort_name", "id"], name="contact_by_kind", condition=Q(deleted_at=None)),
            models.Index(fields=["workspace", "team", "sort_name", "id"], name="contact_by_team", condition=Q(deleted_at=None)),
            models.Index(fields=["workspace", "owner", "sort_name", "id"], name="contact_by_owner", condition=Q(deleted_at=None)),
            models.Index(fields=["workspace", "life_cycle", "sort_name", "id"], name="contact_by_life_cycle", condition=Q(deleted_at=None)),
            models.Index(fields=["workspace", "deleted_at"], name="contact_trash", condition=Q(deleted_at__isnull=False)),
            models.Index(fields=["workspace", "exact_name"], name="contact_exact_name", condition=Q(deleted_at=None)),
            models.Index(fields=["workspace", "updated_at", "id"], name="contact_by_update"),
            models.Index(fields=["workspace", "tax_id"], name="contact_tax_id", condition=Q(deleted_at=None) & ~Q(tax_id="")),
            # For who refers to them. Most contacts have none of these, and what is not there need not be written.
            *(models.Index(fields=[name], name=f"contact_of_{name}", condition=Q(**{f"{name}__isnull": False})) for name in REFERENCES),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_person(self) -> bool:
        return self.kind == Kind.PERSON

    @property
    def first_email(self) -> str:
        return self.emails[0]["email"] if self.emails else ""

    @property
    def first_phone(self) -> str:
        return self.phones[0]["number"] if self.phones else ""

    @property
    def first_address(self) -> dict[str, str]:
        return self.addresses[0] if self.addresses else {}

    @property
    def city(self) -> str:
        return self.first_address.get("city", "")


class ContactToken(WorkspaceModel):
    """The search index: one row per folded word of a contact, found by prefix with `^@`, which row-level security lets use an index.

    Facets stand in it too, as "t:<tag>", "e:<whole e-mail>", "p:<last digits reversed>".
    """

    # A row is nothing but these three: an id besides was a third index to write. Workspace rides along, so that row-level security is
    # answered from the index too.
    pk = models.CompositePrimaryKey("contact", "word", "workspace")
    # Whether the contact is there is asked once per statement (migration 0009); of every word it cost half the word (docs/adr/0019).
    # The contact answers for the workspace too.
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="tokens", db_index=False, db_constraint=False)
    word = models.CharField(max_length=100, db_collation="C")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "word", "contact"], name="token_word")]

    def __str__(self) -> str:
        return self.word
