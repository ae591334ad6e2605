from contacts.models.change import ContactChange
from contacts.models.contact import Contact, ContactToken
from contacts.models.lookups import Prefix
from contacts.models.merge import Merge
from contacts.models.note import Note
from contacts.models.settings import CustomField, Duplicate, SavedList, Tag

__all__ = ["Contact", "ContactChange", "ContactToken", "CustomField", "Duplicate", "Merge", "Note", "Prefix", "SavedList", "Tag"]
