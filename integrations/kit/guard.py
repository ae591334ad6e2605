"""Where outgoing requests may go, and how long they may take.

A host name is resolved once per connection, every address of it is checked, and the socket goes to the checked address: a name
that answers differently the second time (DNS rebinding) gains nothing. Host header and TLS server name stay the vendor's.
"""

from __future__ import annotations

import functools
import http.client
import io
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

Address = IPv4Address | IPv6Address
AddressInfo = tuple[Any, Any, int, str, Any]  # as socket.getaddrinfo lists them
Resolver = Callable[[str, int], Sequence[AddressInfo]]
Connector = Callable[[AddressInfo, float | None], socket.socket]

_NAT64 = IPv6Network("64:ff9b::/96")
_TRIED = 3  # addresses of one name


class BlockedAddress(Exception):
    """The host is, or resolves to, an address that requests must not reach."""


class Unencrypted(BlockedAddress):
    """The host is public, and what goes there must be encrypted."""


class TooSlow(TimeoutError):
    """The answer was not complete by the deadline."""


class TooBig(OSError):
    """The answer is larger than any that makes sense."""


def resolve(host: str, port: int) -> Sequence[AddressInfo]:
    return socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)


def connect(info: AddressInfo, timeout: float | None) -> socket.socket:
    sock = socket.socket(info[0], info[1], info[2])
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(info[4])
    except OSError:
        sock.close()
        raise
    return sock


def is_public(address: Address) -> bool:
    return all(one.is_global and not one.is_multicast for one in _meant(address))


def is_private(address: Address) -> bool:
    """Loopback and private networks; not link-local (cloud metadata), multicast or the unspecified address."""
    return all((one.is_loopback or one.is_private) and not _is_odd(one) for one in _meant(address))


def _is_odd(address: Address) -> bool:
    return address.is_link_local or address.is_multicast or address.is_unspecified or (address.is_reserved and not address.is_loopback)


def _meant(address: Address) -> list[Address]:
    """The address itself, and the IPv4 address that it stands for or tunnels to."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    tunnelled = address.sixtofour or (address.teredo[1] if address.teredo else None)
    return [address, tunnelled] if tunnelled else [address]


class Guard:
    """The rule for one deployment: public addresses over TLS; private ones, also without TLS, only with `allow_private`."""

    def __init__(self, *, allow_private: bool, resolver: Resolver = resolve, connector: Connector = connect) -> None:
        self._allow_private = allow_private
        self._resolver = resolver
        self._connector = connector

    def open(self, host: str, port: int, *, timeout: float | None, secure: bool) -> socket.socket:
        """Resolve, check, connect."""
        infos = self._resolver(host, port)[:_TRIED]
        for info in infos:
            self._check(host, ip_address(str(info[4][0]).partition("%")[0]), secure=secure)
        return self._first(host, infos, timeout)

    def _check(self, host: str, address: Address, *, secure: bool) -> None:
        if self._allow_private and is_private(address):
            return
        if not is_public(address):
            raise BlockedAddress(f"{host} is at {address}, which is not a public address")
        if not secure:
            raise Unencrypted(f"{host} is public and may only be reached over https")

    def _first(self, host: str, infos: Sequence[AddressInfo], timeout: float | None) -> socket.socket:
        failure = OSError(f"{host} has no address")
        for info in infos:
            try:
                return self._connector(info, timeout)
            except OSError as error:
                failure = error
        raise failure


class _Clock(threading.local):
    until: float | None = None


# When the request that this thread is busy with must have been answered.
_clock = _Clock()


class _Timed(io.RawIOBase):
    """Reads from a socket, each time for no longer than the request has left: a trickling answer ends at the deadline."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._until = until
        self._patience = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left > 0:
            self._sock.settimeout(left if self._patience is None else min(left, self._patience))
            try:
                return self._raw.readinto(buffer)
            except TimeoutError:
                if time.monotonic() < self._until:
                    raise
        raise TooSlow("the answer was not complete by the deadline")

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if _clock.until is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_Timed(sock, _clock.until))


def _open(conn: HTTPConnection, guard: Guard, *, secure: bool) -> socket.socket:
    try:
        return guard.open(conn.host, conn.port, timeout=conn.timeout, secure=secure)
    except socket.gaierror as error:
        raise NameResolutionError(conn.host, conn, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(conn, f"connecting to {conn.host} took too long") from error
    except OSError as error:
        raise NewConnectionError(conn, f"cannot connect to {conn.host}: {error}") from error


def _pool_classes(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        response_class = _TimedResponse

        def _new_conn(self) -> socket.socket:
            return _open(self, guard, secure=False)

    class Secure(HTTPSConnection):
        response_class = _TimedResponse

        def _new_conn(self) -> socket.socket:
            return _open(self, guard, secure=True)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class GuardedAdapter(HTTPAdapter):
    """The only way out: every connection is opened by the guard, every answer is due by the deadline, proxies are not asked."""

    def __init__(self, guard: Guard, *, total: float = 60.0) -> None:
        super().__init__(pool_connections=32, pool_maxsize=32)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(guard)
        self._total = total

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
        *,
        total: float | None = None,
    ) -> Response:
        _clock.until = time.monotonic() + (self._total if total is None else total)
        try:
            return super().send(request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=None)
        finally:
            _clock.until = None


def shared_adapter(*, allow_private: bool) -> GuardedAdapter:
    """One adapter per process, so that connections stay open between runs (a forked child must not share its parent's)."""
    return _adapter(os.getpid(), allow_private)


@functools.cache
def _adapter(_process: int, allow_private: bool) -> GuardedAdapter:
    return GuardedAdapter(Guard(allow_private=allow_private))
