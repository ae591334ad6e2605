"""A message survives the death of its worker, and the settings that make it so are the measured ones."""

import inspect
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
import redis

from crmsync import celeryconfig
from crmsync.celery import app
from crmsync.embedded import ROOT
from tests.ground.processes import descendants, wait_until


def test_the_measured_settings_are_in_force() -> None:
    conf = app.conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_prefetch_multiplier) == (True, True, 1)
    assert (conf.task_ignore_result, conf.accept_content, conf.task_serializer) == (True, ["json"], "json")
    assert (conf.worker_soft_shutdown_timeout, conf.worker_cancel_long_running_tasks_on_connection_loss) == (30, True)
    options = conf.broker_transport_options
    assert (options["visibility_timeout"], options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (900, 10, 1)
    assert conf.task_time_limit < options["visibility_timeout"]
    assert conf.broker_connection_retry_on_startup


def test_the_bell_rings_every_minute_and_an_old_ring_is_dropped() -> None:
    tick = app.conf.beat_schedule["tick"]
    assert (tick["task"], tick["schedule"]) == ("integrations.tick", 60)
    assert tick["options"]["expires"] < tick["schedule"]
    app.loader.import_default_modules()
    assert all(entry["task"] in app.tasks for entry in app.conf.beat_schedule.values())


def test_tasks_take_ids_and_pass_over_what_a_later_version_adds() -> None:
    """F10: old and new code hear the same bell. Everything else stands in PostgreSQL."""
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
    assert len(ours) > 5
    for task in ours:
        parameters = inspect.signature(task.run).parameters.values()
        assert [each.kind for each in parameters][-1] == inspect.Parameter.VAR_KEYWORD, task.name
        assert {(each.annotation, each.name.endswith("_id")) for each in list(parameters)[:-1]} <= {("int", True)}, task.name


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Iterator["redis.Redis"]:
    monkeypatch.setenv("REDIS_PREFIX", f"test-{uuid.uuid4().hex}:")
    client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    yield client
    for key in client.scan_iter(f"{celeryconfig.key_prefix()}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def workers() -> Iterator[list["subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for worker in started:
        kill_with_children(worker)


def start_worker(workers: list["subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "celery", "--app", "tests.ground.slow_worker", "worker", "--concurrency", "1", "--queues", "default"]
    name = ["--hostname", f"{uuid.uuid4().hex}@here", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen([*command, *name], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    workers.append(worker)
    return worker


def kill_with_children(worker: "subprocess.Popen[bytes]") -> None:
    if worker.poll() is not None:
        return
    for pid in (*descendants(worker.pid), worker.pid):
        os.kill(pid, signal.SIGKILL)
    worker.wait()


def send(seconds: float) -> None:
    code = f"from tests.ground.slow_worker import slow; slow.delay({seconds})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_task_of_a_killed_worker_is_delivered_again(bell: "redis.Redis", workers: list["subprocess.Popen[bytes]"]) -> None:
    notes = f"{celeryconfig.key_prefix()}notes"
    worker = start_worker(workers)
    send(60)
    wait_until(lambda: bell.lrange(notes, 0, -1) == ["started"])
    kill_with_children(worker)
    start_worker(workers)
    wait_until(lambda: "finished" in bell.lrange(notes, 0, -1))
    assert bell.lrange(notes, 0, 2) == ["started", "started", "finished"]
    assert not bell.exists("default", "unacked", "_kombu.binding.default"), "a key without prefix"


def test_a_task_of_a_killed_child_is_delivered_again(bell: "redis.Redis", workers: list["subprocess.Popen[bytes]"]) -> None:
    notes = f"{celeryconfig.key_prefix()}notes"
    worker = start_worker(workers)
    send(60)
    wait_until(lambda: bell.lrange(notes, 0, -1) == ["started"])
    for pid in descendants(worker.pid):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "finished" in bell.lrange(notes, 0, -1))
    assert bell.lrange(notes, 0, 2) == ["started", "started", "finished"]
    assert worker.poll() is None, "the worker itself goes on"


def test_installations_that_share_a_redis_do_not_hear_each_other(
    bell: "redis.Redis", workers: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_worker(workers)
    here = celeryconfig.key_prefix()
    monkeypatch.setenv("REDIS_PREFIX", f"test-{uuid.uuid4().hex}:")
    there = celeryconfig.key_prefix()
    send(0.1)
    monkeypatch.setenv("REDIS_PREFIX", here)
    send(0.2)
    wait_until(lambda: bell.lrange(f"{here}notes", 0, -1) == ["started", "finished"])
    assert bell.llen(f"{there}default") == 1
    bell.delete(*bell.scan_iter(f"{there}*"))
