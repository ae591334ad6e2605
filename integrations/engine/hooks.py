"""What a vendor's webhook says: hints about records to read again, never facts. Reading the call is a pure function of the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from integrations.engine.types import Ref


@dataclass(frozen=True, slots=True)
class HookCall:
    """A call as it came. `path` is what follows our own address, `query` without the question mark; header names in lower case."""

    method: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Hint:
    """Read `ref` again. `was`: the name it had before, when the vendor says that it was given another one."""

    ref: Ref
    was: Ref | None = None


@dataclass(frozen=True, slots=True)
class HookAddress:
    """An address that a person enters at the vendor, for one kind of event."""

    event: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook that exists at the vendor. `broken`: the vendor switched it off or it leads elsewhere."""

    event: str
    url: str
    broken: bool = False


HintsOf: TypeAlias = Callable[[HookCall], Sequence[Hint]]  # never raises; empty = nothing to go by, look for changes


@runtime_checkable
class OffersHooks(Protocol):
    """Webhooks that are entered by hand and those that we can make. `Manifest.hints` reads them."""

    def hook_addresses(self, root: str) -> Sequence[HookAddress]:
        """What to enter by hand; `root` is our own address of this connection."""

    def subscriptions(self) -> Sequence[Subscription]:
        """Those that we made. Raises Denied where the permission does not allow it."""

    def subscribe(self, root: str) -> Sequence[Subscription]:
        """Make what is missing, mend what is broken. Raises Denied; BadSettings when `root` cannot be called from outside."""

    def unsubscribe(self) -> None:
        """Let the vendor call no more."""
