from contacts.models.change import ContactChange
from contacts.models.contact import Contact, ContactToken
from contacts.models.note import Note
from contacts.models.settings import CustomField, Duplicate, Tag

__all__ = ["Contact", "ContactChange", "ContactToken", "CustomField", "Duplicate", "Note", "Tag"]
