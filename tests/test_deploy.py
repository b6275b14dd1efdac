"""The deploy files, as far as they can be read without what runs them."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from serving.app import create_app
from serving.settings import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "serving" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OBJECTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
UNIT = (DEPLOY / "npsight.service").read_text(encoding="utf-8")
FILES = [path for path in sorted(DEPLOY.iterdir()) if path.is_file()]
TRAINS = ("torch", "transformers", "datasets", "scikit-learn", "accelerate", "onnx", "onnxscript")


def kind(name: str) -> Any:
    (found,) = [each for each in OBJECTS if each["kind"] == name and each["metadata"]["name"] == "npsight"]
    return found


POD = kind("Deployment")["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


def instructions() -> list[list[str]]:
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE)).splitlines()
    return [line.split(None, 1) for line in lines if line.strip()]


def copied() -> Iterator[str]:
    """List what is copied out of the repository."""
    for name, words in instructions():
        if name == "COPY" and "--from" not in words:
            yield from [word for word in words.split() if not word.startswith("--")][:-1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_a_file_names_is_one(path: Path) -> None:
    named = set(re.findall(r"\bNPSIGHT_([A-Z_]+)", path.read_text(encoding="utf-8")))
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_image_is_whatever_is_newest(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    images = re.findall(r"(?m)^\s*image: *(\S+)|^ARG PYTHON=(\S+)", text)
    assert all(":" in "".join(each) for each in images)
    assert ":latest" not in text


def test_the_version_of_the_images_is_that_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    named = [found for path in FILES for found in re.findall(r"npsight:(\d[\w.]*)", path.read_text(encoding="utf-8"))]
    assert len(named) >= 4
    assert set(named) == {version}


def test_everything_that_the_image_copies_is_there_and_not_left_out() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    opened = [line[1:] for line in kept if line.startswith("!")]
    assert len(list(copied())) >= 8
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source.rstrip("/"), each) or source.startswith(f"{each}/") for each in opened), source


def test_the_image_has_every_package_that_the_wheel_wants() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {each.rstrip("*") for each in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert wanted <= {source.rstrip("/") for source in copied()}


def test_the_image_installs_nothing_that_trains() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r"pip install [^\n]*'\.\[([\w,]+)\]'", DOCKERFILE)
    wanted = [
        *project["dependencies"],
        *(each for name in extras.split(",") for each in project["optional-dependencies"][name]),
    ]
    names = {re.split(r"[\[<>=!~ ]", each)[0].lower() for each in wanted}
    assert {"fastapi", "onnxruntime"} <= names
    assert not names & set(TRAINS)
    assert "npsight" not in names  # an extra that brings other extras


def test_the_image_runs_as_nobody_and_ends_well() -> None:
    steps = dict(instructions())  # the last of each name
    user, group = steps["USER"].split(":")
    assert (int(user), int(group)) == (10001, 10001)
    assert steps["STOPSIGNAL"] == "SIGTERM"
    assert steps["ENTRYPOINT"].startswith("[")  # no shell between the signal and the service
    assert steps["FROM"] == "${PYTHON}"


def test_the_script_of_the_health_check_says_what_it_finds() -> None:
    (words,) = re.findall(r"HEALTHCHECK[^\[]*CMD (\[.*\])", re.sub(r"\\\n", " ", DOCKERFILE))
    program, flag, script = yaml.safe_load(words)
    assert (program, flag) == ("python", "-c")
    compile(script, "healthcheck", "exec")
    assert "/healthz" in script


def paths() -> set[str]:
    return set(create_app({"default": lambda posts: []}, {}).openapi()["paths"])


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_each_probe_asks_what_is_there(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert asked["path"] in paths()
    assert asked["port"] in {port["name"] for port in CONTAINER["ports"]}


def test_a_database_that_is_away_restarts_no_pod() -> None:
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_every_container_is_restricted() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["automountServiceAccountToken"] is False
    for container in [*POD["containers"], *POD["initContainers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} <= container["resources"].keys()


def test_what_a_pod_mounts_is_there() -> None:
    volumes = {volume["name"] for volume in POD["volumes"]}
    for container in [*POD["containers"], *POD["initContainers"]]:
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    maps = {each["metadata"]["name"] for each in OBJECTS if each["kind"] == "ConfigMap"}
    assert {volume["configMap"]["name"] for volume in POD["volumes"] if "configMap" in volume} <= maps


def test_selectors_find_the_pods() -> None:
    labels = kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    for selector in (
        kind("Deployment")["spec"]["selector"]["matchLabels"],
        kind("Service")["spec"]["selector"],
        kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()


def settings_of(environment: dict[str, Any]) -> Settings:
    given: dict[str, Any] = {name.removeprefix("NPSIGHT_").lower(): str(value) for name, value in environment.items()}
    return Settings(**given)


def test_the_settings_of_each_file_are_taken_and_stop_in_time() -> None:
    pod = settings_of(kind("ConfigMap")["data"])
    assert POD["terminationGracePeriodSeconds"] >= 5 + pod.shutdown_seconds
    service = COMPOSE["services"]["npsight"]
    assert int(service["stop_grace_period"][:-1]) > settings_of(service["environment"]).shutdown_seconds
    unit = dict(re.findall(r"NPSIGHT_(\w+)=(\S+)", UNIT))
    assert int(re.findall(r"TimeoutStopSec=(\d+)", UNIT)[0]) > settings_of(unit).shutdown_seconds


def test_compose_upgrades_before_it_serves_and_shows_no_password() -> None:
    services = COMPOSE["services"]
    assert services["npsight"]["depends_on"]["upgrade"]["condition"] == "service_completed_successfully"
    assert services["upgrade"]["depends_on"]["database"]["condition"] == "service_healthy"
    for service in services.values():
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        assert not [name for name in service["environment"] if "PASSWORD" in name and not name.endswith("_FILE")]
    assert all(port.startswith("127.0.0.1:") for port in services["npsight"]["ports"])


def test_the_address_of_the_store_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://npsight:word@database/npsight\n", encoding="utf-8")
    assert Settings(database_url_file=tmp_path / "url").store == "postgresql://npsight:word@database/npsight"
    assert "word" not in repr(Settings(database_url_file=tmp_path / "url"))
    with pytest.raises(ValueError, match="wanted one of them"):
        Settings(database_url_file=tmp_path / "url", database_url=SecretStr("sqlite:///x"))


def test_the_folder_that_a_service_watches_is_made_once_and_kept(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    state = tmp_path / "state of it"
    state.mkdir()
    (tools / "python").write_text("#!/bin/sh\necho 2026.1.1 /a folder/default\n")
    (tools / "npsight").write_text(FAKE)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    for _ in range(2):
        subprocess.run(
            ["/bin/sh", DEPLOY / "npsight-prepare", state], check=True, env={"PATH": f"{tools}:/usr/bin:/bin"}
        )
    said = (state / "said").read_text().splitlines()
    assert said == ["publish /a folder/default", "promote 2026.1.1"]
    assert {each.name for each in state.iterdir()} == {"releases", "policies", "terms", "said"}


FAKE = """#!/bin/sh
case "$2" in
list) [ ! -e releases/live ] || echo "* 2026.1.1" ;;
publish) echo "publish $3" >> said; mkdir "releases/2026.1.1" ;;
promote) echo "promote $3" >> said; touch releases/live ;;
esac
"""


def test_the_unit_runs_verbs_that_are_there() -> None:
    from typer.main import get_command

    from npsight import app

    command: Any = get_command(app)
    for line in re.findall(r"ExecStart(?:Pre)?=/opt/npsight/bin/npsight (.*)", UNIT):
        found = command
        for word in shlex.split(line):
            found = found.commands[word]
        assert callable(found.callback)
