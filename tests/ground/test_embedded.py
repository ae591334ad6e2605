"""The embedded services start on any machine, alone and beside others, and after every kind of accident."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg
import pytest
import redis

from crmsync import embedded
from crmsync.embedded_postgres import Postgres
from tests.ground.processes import alive, ended, environment, manage, python, wait_until

ATTACH = "from crmsync import embedded; embedded.start_if_needed(); import os, sys; print(os.environ['REDIS_URL'], flush=True); "
ATTACH_AND_WAIT = ATTACH + "import time; time.sleep(60)"


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "data with a blank"
    yield directory
    if directory.exists():
        embedded.stop(directory)


def postgres_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def redis_pid(data_dir: Path) -> int:
    return int(json.loads((data_dir / "redis/state.json").read_text())["pid"])


def test_urls_are_read_by_the_settings_library_and_by_both_clients(data_dir: Path) -> None:
    services = embedded.start(data_dir)
    settings = environ.Env().db_url_config(services.database_url)
    assert (settings["NAME"], settings["USER"]) == ("crmsync", "crmsync_app")
    with psycopg.connect(services.owner_url) as connection:
        assert connection.execute("SELECT current_user, lower('É'), 'a' < 'B'").fetchone() == ("crmsync_owner", "é", False)
        assert connection.execute("SHOW jit").fetchone() == ("off",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    bell = redis.Redis.from_url(services.redis_url, decode_responses=True)
    assert bell.config_get("appendonly") | bell.config_get("maxmemory-policy") == {"appendonly": "yes", "maxmemory-policy": "noeviction"}
    bell.close()
    embedded.leave(data_dir)


def test_the_serving_role_reads_and_writes_but_passes_no_wall(data_dir: Path) -> None:
    services = embedded.start(data_dir)
    with psycopg.connect(services.owner_url) as owner:
        owner.execute("CREATE SCHEMA staging; CREATE TABLE staging.rows (id bigserial PRIMARY KEY)")
    with psycopg.connect(services.database_url, autocommit=True) as app:
        app.execute("INSERT INTO staging.rows DEFAULT VALUES")
        assert app.execute("DELETE FROM staging.rows").rowcount == 1
        assert app.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'crmsync%'").fetchall() == [(False, False)] * 2
        for forbidden in ("TRUNCATE staging.rows", "DROP TABLE staging.rows", "CREATE TABLE public.mine (id int)", "CREATE ROLE another"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden)
    embedded.leave(data_dir)


def test_the_last_one_to_leave_stops_the_services(data_dir: Path) -> None:
    with ended(python(ATTACH_AND_WAIT, data_dir=data_dir)) as first:
        assert first.stdout is not None
        url = first.stdout.readline()
        pids = {postgres_pid(data_dir), redis_pid(data_dir)}
        with ended(python(ATTACH, data_dir=data_dir)) as second:
            assert second.communicate(timeout=120)[0] == url
        assert all(alive(pid) for pid in pids)
        first.send_signal(signal.SIGINT)
        first.wait(timeout=120)  # PostgreSQL writes everything down before it ends
    wait_until(lambda: not any(alive(pid) for pid in pids))


def test_many_processes_start_them_at_once(data_dir: Path) -> None:
    started = [python(ATTACH, data_dir=data_dir) for _ in range(5)]
    results = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * 5, results


def test_they_come_back_after_everything_was_killed(data_dir: Path) -> None:
    with ended(python(ATTACH_AND_WAIT, data_dir=data_dir)) as first:
        assert first.stdout is not None
        bell = redis.Redis.from_url(first.stdout.readline().strip())
        bell.set("kept", "yes")
        wait_until(lambda: bell.info("persistence")["aof_pending_bio_fsync"] == 0)
        bell.close()
        for pid in (first.pid, postgres_pid(data_dir), redis_pid(data_dir)):
            os.kill(pid, signal.SIGKILL)
    services = embedded.start(data_dir)
    bell = redis.Redis.from_url(services.redis_url, decode_responses=True)
    assert bell.get("kept") == "yes"
    bell.close()
    with psycopg.connect(services.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    embedded.leave(data_dir)


def test_a_lock_file_that_names_a_strangers_process_is_no_hindrance(data_dir: Path) -> None:
    embedded.start(data_dir)
    embedded.leave(data_dir)
    lock = data_dir / "postgres/data/postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lock.write_text(f"{stranger.pid}\n{lock.parent}\n1\n5432\n/tmp\n\n\nready\n")
        state = data_dir / "redis/state.json"
        state.write_text(json.dumps(json.loads(state.read_text()) | {"pid": stranger.pid}))
        services = embedded.start(data_dir)
        psycopg.connect(services.database_url).close()
        embedded.leave(data_dir)
        assert alive(stranger.pid)
        stranger.kill()


def test_two_data_directories_know_nothing_of_each_other(data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    here, there = embedded.start(data_dir), embedded.start(other)
    assert here.database_url != there.database_url
    with psycopg.connect(here.owner_url) as connection:
        connection.execute("CREATE TABLE mine (id int)")
    with psycopg.connect(there.owner_url) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    embedded.leave(data_dir)
    psycopg.connect(there.database_url).close()
    embedded.leave(other)


def test_a_long_path_still_gives_a_short_socket(data_dir: Path) -> None:
    deep = data_dir.joinpath(*["a directory with a long name"] * 5)
    deep.mkdir(parents=True)
    socket_dir = Postgres(deep / "postgres").ensure()
    assert len(str(socket_dir)) < 90
    embedded.stop(deep)


def test_only_what_is_not_given_is_started(data_dir: Path) -> None:
    code = "from crmsync import embedded; embedded.start_if_needed(); import os; print(os.environ['REDIS_URL'])"
    given = python(code, data_dir=data_dir, REDIS_URL="redis://elsewhere:6379/0")
    assert given.communicate(timeout=120)[0] == "redis://elsewhere:6379/0\n"
    assert (data_dir / "postgres").exists()
    assert not (data_dir / "redis").exists()


def test_commands_that_need_no_service_start_none(data_dir: Path) -> None:
    for arguments in (["help"], ["migrate", "--help"], ["--version"]):
        assert manage(*arguments, data_dir=data_dir).returncode == 0
    assert not (data_dir / "postgres").exists()


def test_a_directory_that_cannot_be_written_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = manage("showmigrations", data_dir=tmp_path / "file" / "below")
    assert result.returncode == 1
    assert result.stderr.startswith(f"The data directory {tmp_path}/file/below cannot be written")
    assert result.stderr.count("\n") == 1


def test_a_program_that_does_not_exist_is_named(data_dir: Path) -> None:
    command = ["scripts/dev", "no-such-program"]
    result = subprocess.run(command, env=environment(data_dir), cwd=embedded.ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (127, "no-such-program: no such program in the virtual environment or on the PATH\n")
