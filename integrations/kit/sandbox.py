"""Host of the sandbox vendors: `python -m integrations.kit.sandbox --port 9000 [--clients 240] [--data DIR]`.

Every provider package with a `sandbox` module is mounted under its own name; the module's `app` is a `vendor.Vendor`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import io
import pkgutil
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn
from types import FrameType
from typing import IO, Any, Self, cast
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from integrations.kit.vendor import Environ, StartResponse, Vendor

PROVIDERS = "integrations.providers"


class _Gateway(SimpleHandler):
    http_version = "1.1"
    server_software = "sandbox"
    os_environ: Mapping[str, str] = {}  # type: ignore[assignment]  # the process's environment is no business of a request


class _Handler(WSGIRequestHandler):
    """HTTP/1.1 with keep-alive; a vendor may drop the connection (`sandbox.drop` in the environ)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def handle(self) -> None:
        try:
            BaseHTTPRequestHandler.handle(self)
        except (ConnectionError, ValueError):
            self.close_connection = True

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ = {**self.get_environ(), "sandbox.drop": self.drop}
        gateway = _Gateway(io.BytesIO(body), cast(IO[bytes], self.wfile), sys.stderr, environ, multithread=True, multiprocess=False)
        gateway.run(self.server.get_app())  # type: ignore[attr-defined]  # typed as a plain socket server
        if not self.wfile.closed:
            self.wfile.flush()

    def drop(self) -> None:
        """Close with a reset instead of a farewell."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        return


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def server_bind(self) -> None:
        # WSGIServer would look up the host's name, which can take seconds.
        socket.socket.bind(self.socket, self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), self.socket.getsockname()[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)


class Host:
    """Dispatches on the first part of the path."""

    def __init__(self, vendors: Mapping[str, Vendor]) -> None:
        self.vendors = vendors

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        name, _, rest = environ.get("PATH_INFO", "").lstrip("/").partition("/")
        if vendor := self.vendors.get(name):
            environ["SCRIPT_NAME"] = f"/{name}"
            environ["PATH_INFO"] = f"/{rest}"
            return vendor(environ, start_response)
        page = self._index().encode()
        kind = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))]
        start_response("404 Not Found" if name else "200 OK", kind)
        return [page]

    def _index(self) -> str:
        links = "".join(f'<li><a href="/{key}/books">{vendor.label}</a></li>' for key, vendor in self.vendors.items())
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox vendors</title>'
        return f"{head}<h1>Sandbox vendors</h1><p>Books, faults and request log of</p><ul>{links}</ul></html>"


def find_vendors() -> dict[str, Vendor]:
    """Every provider package that brings a sandbox."""
    package = importlib.import_module(PROVIDERS)
    names = [module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg]
    paths = {name: f"{PROVIDERS}.{name}.sandbox" for name in sorted(names)}
    return {name: importlib.import_module(path).app for name, path in paths.items() if importlib.util.find_spec(path)}


class Running:
    """A server in a thread of this process. `with Running({"crunch": Vendor()}) as server: server.url`."""

    def __init__(self, vendors: Mapping[str, Vendor], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server((host, port), _Handler)
        self._server.set_app(Host(vendors))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.port: int = self._server.server_port
        self.url = f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m integrations.kit.sandbox", description="Serve the sandbox vendors.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--clients", type=int, help="how many records each vendor starts with")
    parser.add_argument("--data", type=Path, help="keep the books in this directory, so that they outlive a restart")
    options = parser.parse_args(arguments)
    vendors = find_vendors()
    for key, vendor in vendors.items():
        if options.clients is not None:
            vendor.reset(clients=options.clients)
        if options.data:
            options.data.mkdir(parents=True, exist_ok=True)
            vendor.keep_in(options.data / f"{key}.json")
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with Running(vendors, host=options.host, port=options.port) as running:
        sys.stdout.write(f"sandbox vendors at {running.url}: {', '.join(vendors)}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
