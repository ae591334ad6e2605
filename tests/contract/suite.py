"""What every provider must do, whatever its vendor: run against the vendor's sandbox over real HTTP.

A provider's test inherits `ProviderContract` and says which sandbox, which module and which sample.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import pytest

from integrations.engine.errors import BadAnswer, Denied, Gone, ProviderError, Reconnect, Retry, SkipRecord
from integrations.engine.provider import Capability, FieldType, Provider, Resource, ResourceKind
from integrations.engine.types import Kind, Page, Party, RawRecord, Ref
from integrations.kit.context import ProviderContext
from integrations.kit.credentials import authorise_with
from integrations.kit.http import Exchange, Http, bearer
from integrations.kit.paging import every_page
from integrations.kit.sandbox import Running
from integrations.kit.vendor import Vendor
from tests.sandboxes import Sandbox


@dataclass
class Site:
    """One connection to a running sandbox, with everything that it did outside."""

    sandbox: Sandbox
    provider: Provider
    tokens: dict[str, str]
    exchanges: list[Exchange] = field(default_factory=list)
    refreshes: list[int] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    def asked(self, method: str = "") -> int:
        return sum(1 for entry in self.sandbox.log() if not method or entry["method"] == method)


class ReadingContract:
    """What holds for providers that only read, too. Override the class variables."""

    module: ClassVar[ModuleType]
    sandbox_class: ClassVar[type[Vendor]]
    settings: ClassVar[dict[str, Any]] = {}
    env: ClassVar[dict[str, str]] = {}
    page_env: ClassVar[dict[str, str]] = {}  # makes pages small, so that there are several

    @pytest.fixture
    def site(self) -> Iterator[Site]:
        vendor = self.sandbox_class()
        key = self.module.MANIFEST.key
        with Running({key: vendor}) as server:
            yield self.site_at(Sandbox(key, vendor, server.url))

    def site_at(self, sandbox: Sandbox) -> Site:
        token = sandbox.token()
        manifest = self.module.MANIFEST
        tokens = {"access": token["access_token"]}
        sleeps: list[float] = []
        exchanges: list[Exchange] = []
        refreshes: list[int] = []

        def refresh() -> None:
            refreshes.append(1)
            tokens["access"] = sandbox.token()["access_token"]

        def door(url: str) -> Http:
            return Http(
                url,
                authorise=authorise_with(manifest.credentials, lambda _key: tokens["access"], self.env)
                if manifest.credentials
                else bearer(lambda: tokens["access"]),
                refresh=refresh if manifest.auth else None,
                rest_after=manifest.rest_after,
                record=exchanges.append,
                allow_private=True,
                sleep=sleeps.append,
            )

        services = {each.key: door(sandbox.service(each.key)) for each in manifest.services}
        context = ProviderContext(self.settings, door(self.root_of(sandbox)), {**self.env, **self.page_env}, token, services)
        sandbox.control(clear_log=True)
        return Site(sandbox, self.module.connect(context), tokens, exchanges, refreshes, sleeps)

    def root_of(self, sandbox: Sandbox) -> str:
        """The address of the vendor's main host."""
        return sandbox.api

    @property
    def contacts(self) -> str:
        return next(r.key for r in self.module.MANIFEST.resources if r.kind is ResourceKind.CONTACTS)

    def all_records(self, site: Site, resource: str = "") -> list[RawRecord]:
        return [record for page in self.all_pages(site, resource) for record in page.records]

    def all_pages(self, site: Site, resource: str = "") -> list[Page]:
        return list(every_page(lambda cursor: site.provider.page(resource or self.contacts, cursor)))

    # The manifest

    def test_manifest_is_whole(self) -> None:
        manifest = self.module.MANIFEST

        assert manifest.key.isidentifier()
        assert manifest.label
        assert manifest.tagline
        assert len(manifest.letter) == 1
        assert manifest.cadence.total_seconds() >= 60
        assert len({r.key for r in manifest.resources}) == len(manifest.resources)
        assert len({each.ours for each in manifest.fields}) == len(manifest.fields)
        assert manifest.export_kind in {r.remote_kind for r in manifest.resources} or not manifest.can(Capability.EXPORT)

    def test_settings_have_defaults_among_their_choices(self) -> None:
        for spec in self.module.MANIFEST.settings:
            assert spec.label
            if spec.type is FieldType.CHOICE:
                assert spec.default in {key for key, _ in spec.choices}

    def test_optional_resources_hang_on_a_setting_that_exists(self) -> None:
        settings = {spec.key: {key for key, _ in spec.choices} for spec in self.module.MANIFEST.settings}
        for resource in self.module.MANIFEST.resources:
            if resource.when:
                assert resource.when[1] in settings[resource.when[0]]

    # Reading

    def test_check_proves_the_permission(self, site: Site) -> None:
        assert site.provider.check() is not None
        assert site.asked("GET") >= 1

    def test_pages_go_to_the_end(self, site: Site) -> None:
        for resource in self.module.MANIFEST.resources:
            pages = self.all_pages(site, resource.key)
            refs = [record.ref for page in pages for record in page.records]

            assert refs
            assert len(refs) == len(set(refs))
            assert {ref.kind for ref in refs} == {resource.remote_kind}
            assert [page.number for page in pages] == list(range(pages[0].number, pages[0].number + len(pages)))
        assert len(self.all_pages(site)) > 1

    def test_reading_goes_on_from_every_cursor(self, site: Site) -> None:
        pages = self.all_pages(site)

        for page, following in itertools.pairwise(pages):
            again = site.provider.page(self.contacts, page.next)
            assert [r.ref for r in again.records] == [r.ref for r in following.records]

    def test_unchanged_records_keep_their_version(self, site: Site) -> None:
        for resource in self.module.MANIFEST.resources:
            assert self.versions(site, resource.key) == self.versions(site, resource.key)

    def versions(self, site: Site, resource: str) -> dict[Ref, str]:
        return {record.ref: record.version for record in self.all_records(site, resource)}

    def test_single_and_listed_record_are_the_same_version(self, site: Site) -> None:
        record = self.all_records(site)[0]

        assert site.provider.get(record.ref).version == record.version

    def test_every_record_is_understood(self, site: Site) -> None:
        for resource in self.module.MANIFEST.resources:
            for record in self.all_records(site, resource.key):
                if resource.kind is ResourceKind.CONTACTS:
                    assert site.provider.remote(record).party.fields["name"]
                else:
                    assert len(site.provider.invoice(record).currency) == 3

    # Trouble

    def test_401_refreshes_once_where_that_is_possible(self, site: Site) -> None:
        site.tokens["access"] = "outdated"

        if self.module.MANIFEST.auth is None:
            with pytest.raises(Reconnect):
                site.provider.page(self.contacts, None)
            assert site.asked() == 1
            return
        assert site.provider.page(self.contacts, None).records
        assert len(site.refreshes) == 1

    def test_401_again_needs_a_person(self, site: Site) -> None:
        site.sandbox.fail("401", path=site.sandbox.vendor.api_path)

        with pytest.raises(Reconnect):
            site.provider.page(self.contacts, None)
        tries = 2 if self.module.MANIFEST.auth else 1
        assert len(site.refreshes) == tries - 1
        assert site.asked() == tries

    def test_403_is_denied(self, site: Site) -> None:
        site.sandbox.fail("403", path=site.sandbox.vendor.api_path)

        with pytest.raises(Denied):
            site.provider.page(self.contacts, None)
        assert site.asked() == 1

    def test_missing_record_is_gone(self, site: Site) -> None:
        with pytest.raises(Gone):
            site.provider.get(Ref(self.all_records(site)[0].ref.kind, "987654321"))

    def test_short_wait_is_waited_for(self, site: Site) -> None:
        site.sandbox.fail("429", path=site.sandbox.vendor.api_path, times=1, retry_after="3")

        assert site.provider.page(self.contacts, None).records
        assert site.sleeps == [3.0]

    def test_long_wait_is_left_to_the_caller(self, site: Site) -> None:
        site.sandbox.fail("429", path=site.sandbox.vendor.api_path, retry_after="120")

        with pytest.raises(Retry) as caught:
            site.provider.page(self.contacts, None)
        assert caught.value.after == 120
        assert site.asked() == 1

    @pytest.mark.parametrize("kind", ["500", "503", "reset"])
    def test_passing_fault_is_tried_again(self, site: Site, kind: str) -> None:
        site.sandbox.fail(kind, path=site.sandbox.vendor.api_path, times=2)

        assert site.provider.page(self.contacts, None).records
        assert site.asked() == 3

    def test_lasting_fault_ends_after_three_tries(self, site: Site) -> None:
        site.sandbox.fail("500", path=site.sandbox.vendor.api_path)

        with pytest.raises(Retry) as caught:
            site.provider.page(self.contacts, None)
        assert not isinstance(caught.value, BadAnswer)
        assert site.asked() == 3

    @pytest.mark.parametrize("kind", ["html", "cut", "empty_body"])
    def test_answer_that_is_none_moves_nothing(self, site: Site, kind: str) -> None:
        site.sandbox.fail(kind, path=site.sandbox.vendor.api_path, times=1)

        with pytest.raises(BadAnswer):
            site.provider.page(self.contacts, None)
        assert site.provider.page(self.contacts, None).records

    def test_redirect_is_not_followed(self, site: Site) -> None:
        site.sandbox.fail("redirect", path=site.sandbox.vendor.api_path, location=f"{site.sandbox.url}/")

        with pytest.raises(BadAnswer):
            site.provider.page(self.contacts, None)

    def test_repeated_page_is_no_endless_loop(self, site: Site) -> None:
        site.sandbox.fail("repeat_page", path=site.sandbox.vendor.api_path)

        with pytest.raises(BadAnswer) as caught:
            self.all_pages(site)
        assert caught.value.reason.code == "loop"

    def test_nulls_are_understood_or_named(self, site: Site) -> None:
        site.sandbox.fail("nulls", path=site.sandbox.vendor.api_path)

        codes = {
            self.reason_of(site, resource, record)
            for resource in self.module.MANIFEST.resources
            for record in site.provider.page(resource.key, None).records
        }

        assert codes <= {"", "no_name", "bad_record"}

    def reason_of(self, site: Site, resource: Resource, record: RawRecord) -> str:
        """Why the record cannot be used; "" when it can."""
        read = site.provider.remote if resource.kind is ResourceKind.CONTACTS else site.provider.invoice
        try:
            read(record)
        except SkipRecord as error:
            return error.reason.code
        return ""

    def test_empty_list_is_an_empty_page(self, site: Site) -> None:
        site.sandbox.fail("empty_list", path=site.sandbox.vendor.api_path)

        page = site.provider.page(self.contacts, None)
        assert not page.records
        assert page.next is None

    # Secrets

    def test_secrets_are_never_written_down(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        secret = site.tokens["access"]
        told: list[str] = []
        for kind in ("401", "500", "html", "reset", "403"):
            site.sandbox.fail(kind, path=site.sandbox.vendor.api_path, times=4)
            try:
                site.provider.page(self.contacts, None)
            except ProviderError as error:
                told.append(f"{error} {error.detail} {error.reason}")
            site.sandbox.control(clear_faults=True)
        site.provider.page(self.contacts, None)

        words = " ".join([*told, *map(str, site.exchanges), caplog.text])
        assert site.exchanges
        assert len(told) >= 4
        assert secret not in words
        assert site.tokens["access"] not in words


class ProviderContract(ReadingContract):
    """What holds for providers that write."""

    sample: ClassVar[Party]  # every mapped field filled, with values that the vendor can keep whole
    changed: ClassVar[dict[str, Any]]  # another value for every mapped field

    def test_created_record_is_found_and_has_every_field(self, site: Site) -> None:
        assert site.provider.missing(self.sample) == []

        made = site.provider.create(self.sample, key="one")

        assert [record.ref for record in site.provider.find(self.sample)] == [made.ref]
        self.assert_fields(site, made.ref, self.sample.fields)

    def assert_fields(self, site: Site, ref: Ref, wanted: Any) -> None:
        remote = site.provider.remote(site.provider.get(ref))
        for each in self.module.MANIFEST.fields_of(ref.kind):
            assert remote.party.fields[each.ours] == wanted[each.ours], each.ours

    def test_update_writes_each_field_alone_and_keeps_the_rest(self, site: Site) -> None:
        made = site.provider.create(self.sample, key="one")
        wanted = dict(self.sample.fields)
        for name, value in self.changed.items():
            wanted[name] = value
            current = site.provider.get(made.ref)

            stored = site.provider.update(current, {name: value}, Party(self.sample.kind, wanted))

            self.assert_fields(site, made.ref, wanted)
            assert stored.version == site.provider.get(made.ref).version != current.version

    def test_incomplete_contact_is_not_sent(self, site: Site) -> None:
        empty = Party(Kind.ORGANISATION, {"name": ""})

        assert site.provider.missing(empty)
        with pytest.raises(SkipRecord):
            site.provider.create(empty, key="one")
        assert site.asked("POST") == 0

    def test_payload_is_what_is_sent(self, site: Site) -> None:
        site.provider.create(self.sample, key="one")

        sent = next(one.request_body for one in site.exchanges if one.method == "POST")
        assert all(str(value) in sent for value in site.provider.payload(self.sample).values() if isinstance(value, str))

    @pytest.mark.parametrize("kind", ["lost", "html", "cut", "500"])
    def test_lost_create_is_in_doubt(self, site: Site, kind: str) -> None:
        site.sandbox.fail(kind, method="POST", path=site.sandbox.vendor.api_path, times=1)

        with pytest.raises(Retry) as caught:
            site.provider.create(self.sample, key="one")

        assert caught.value.in_doubt
        assert site.asked("POST") == 1

    def test_create_lost_on_the_way_back_is_found(self, site: Site) -> None:
        site.sandbox.fail("lost", method="POST", path=site.sandbox.vendor.api_path, times=1)
        with pytest.raises(Retry):
            site.provider.create(self.sample, key="one")

        assert len(site.provider.find(self.sample)) == 1

    def test_secrets_are_never_written_down_when_writing(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        site.provider.create(self.sample, key="one")

        words = " ".join([*map(str, site.exchanges), caplog.text])
        assert site.exchanges
        assert site.tokens["access"] not in words
