"""Where requests may go: public addresses over TLS, private ones only where that is allowed, and always to the address that was checked."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from integrations.engine.errors import BadAnswer, BadSettings, Retry
from integrations.kit.guard import AddressInfo, BlockedAddress, Guard, GuardedAdapter, is_private, is_public, resolve
from integrations.kit.http import Http
from integrations.kit.vendor import Reply
from tests.kit.servers import Listener, door, serving

NOWHERE = str(ip_address(0))
LOOPBACK = (
    *("127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
)
INSIDE = ["169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "224.0.0.1"]
ODD = ["169.254.169.254", "[fe80::1]", "[::]", "224.0.0.1", "[::ffff:169.254.169.254]", "255.255.255.255", "240.0.0.1"]


@pytest.mark.parametrize("host", [NOWHERE, *LOOPBACK, *INSIDE])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_private_addresses_are_refused(host: str, scheme: str) -> None:
    with Listener() as listener, pytest.raises(BadSettings) as caught:
        Http(f"{scheme}://{host}:{listener.port}").get("/latest/meta-data")

    assert caught.value.reason.code == "blocked_address"
    assert listener.connections == 0


@pytest.mark.parametrize("host", [NOWHERE, *ODD])
def test_cloud_metadata_and_odd_addresses_are_refused_even_where_private_ones_are_allowed(host: str) -> None:
    with pytest.raises(BadSettings) as caught:
        door(f"http://{host}").get("/latest/meta-data")

    assert caught.value.reason.code == "blocked_address"


def test_public_address_without_tls_is_refused() -> None:
    for http in (Http("http://8.8.8.8"), door("http://8.8.8.8")):
        with pytest.raises(BadSettings) as caught:
            http.get("/")
        assert "https" in caught.value.detail


def test_redirect_inside_is_not_followed() -> None:
    with Listener() as inside, serving(Reply(302, headers={"Location": f"http://127.0.0.1:{inside.port}/"})) as (_, url):
        with pytest.raises(BadAnswer) as caught:
            door(url).get("/thing")
        with pytest.raises(BadAnswer):
            door(url).post("/thing", json={})

    assert caught.value.reason.code == "redirected"
    assert inside.connections == 0


def info(address: str, port: int = 443) -> AddressInfo:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (address, port))


class Network:
    """A name server whose answers change, and a network that only notes who was called."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.called: list[str] = []

    def resolve(self, host: str, port: int) -> list[AddressInfo]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [info(address, port) for address in answer]

    def connect(self, one: AddressInfo, timeout: float | None) -> socket.socket:
        self.called.append(one[4][0])
        raise ConnectionRefusedError("nobody")

    def http(self, **options: Any) -> Http:
        guard = Guard(allow_private=False, resolver=self.resolve, connector=self.connect)
        return Http("https://vendor.example", adapter=GuardedAdapter(guard), attempts=1, **options)


def test_rebinding_name_is_asked_once_and_the_checked_address_is_used() -> None:
    network = Network(["8.8.8.8"], ["127.0.0.1"])

    with pytest.raises(Retry):
        network.http().get("/")

    assert network.asked == 1
    assert network.called == ["8.8.8.8"]


def test_second_look_is_checked_again() -> None:
    network = Network(["8.8.8.8"], ["127.0.0.1"])
    http = network.http()
    with pytest.raises(Retry):
        http.get("/")

    with pytest.raises(BadSettings):
        http.get("/")

    assert network.called == ["8.8.8.8"]


def test_one_private_address_among_public_ones_blocks_the_name() -> None:
    network = Network(["8.8.8.8", "10.0.0.1"])

    with pytest.raises(BadSettings):
        network.http().get("/")

    assert network.called == []


def test_next_address_is_tried_but_not_for_ever() -> None:
    network = Network(["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "1.1.1.1", "1.0.0.1"])

    with pytest.raises(Retry):
        network.http().get("/")

    assert network.called == ["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888"]


def test_name_without_address() -> None:
    with pytest.raises(Retry):
        Network([]).http().get("/")


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public(address: str) -> None:
    assert is_public(ip_address(address))
    assert not is_private(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "fd12::1", "::1", "::ffff:10.0.0.1"])
def test_private(address: str) -> None:
    assert is_private(ip_address(address))
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", NOWHERE, "::", "224.0.0.1", "ff02::1", "240.0.0.1"])
def test_neither(address: str) -> None:
    assert not is_private(ip_address(address))
    assert not is_public(ip_address(address))


def test_proxy_variables_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(Reply(200, b"{}")) as (_, url):
        assert door(url).get("/thing").body == {}


def test_resolver_knows_numbers_in_any_spelling() -> None:
    assert resolve("0x7f000001", 80)[0][4][0] == "127.0.0.1"


def test_guard_names_the_host() -> None:
    with pytest.raises(BlockedAddress, match=r"^localhost is at "):
        Guard(allow_private=False).open("localhost", 80, timeout=1, secure=True)
