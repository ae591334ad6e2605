"""A way into the ERP's database that tests can cut."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Door:
    """A TCP address in front of the server's Unix socket."""

    def __init__(self, target: str, *, spoil: Callable[[bytes], bytes] | None = None) -> None:
        self._target = target
        self._spoil = spoil  # what the server says first
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.bytes_left = -1  # after so many bytes of answers the line is cut
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._server.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self._target)
            threading.Thread(target=self._pump, args=[client, upstream], daemon=True).start()

    def _pump(self, client: socket.socket, upstream: socket.socket) -> None:
        """Until one side hangs up, in whatever way."""
        with client, upstream, selectors.DefaultSelector() as selector, suppress(OSError):
            if self._spoil:
                client.sendall(self._spoil(upstream.recv(65536)))
            selector.register(client, selectors.EVENT_READ, upstream)
            selector.register(upstream, selectors.EVENT_READ, client)
            while True:
                for key, _mask in selector.select():
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]  # sockets
                    if not data or (key.fileobj is upstream and self._cut(len(data))):
                        return
                    key.data.sendall(data)

    def _cut(self, size: int) -> bool:
        if self.bytes_left < 0:
            return False
        self.bytes_left -= size
        return self.bytes_left < 0

    def close(self) -> None:
        self._server.close()
