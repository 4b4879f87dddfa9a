"""What a job on a cluster is told, and what must not travel with it. Pure.

A job's command, its metadata and its list of sources stand in the dashboard for everybody who may look. So they hold
sources and settings, and no secret: those are the cluster's own, in the environment of its head node or in files that
are mounted there. Places of this machine mean nothing there either.
"""

import io
import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from actors.credentials import has_user, masked
from actors.errors import ConfigError
from cluster.jobs import OUR_NAME
from cluster.package import PROFILES, SETTINGS, SOURCES, is_data
from configs.load import PATH_SETTINGS, SECRET_SETTINGS, SEED_VARIABLES
from pipelines.sources import listed_sources

PYTHON = "python"
"""The one of the cluster's image or environment."""
SHOWN_SOURCES = 3
MAX_COMMAND_BYTES = 60_000
"""Linux takes 128 KiB for one argument, and a job's command is one of its shell's."""
_PATH_NAMES = frozenset(".".join(path) for path in PATH_SETTINGS)
_FILE_NAMES = frozenset({"transcribe.canary_audio", "download.cookies_file"})
"""Of these the ones that are no hub ids."""
_VARIABLES = {".".join(path): name for name, path in SEED_VARIABLES.items()}


@dataclass(frozen=True, slots=True)
class Errand:
    """What a job is to do."""

    profile: str
    sources: tuple[str, ...] = ()
    listed: str | None = None
    """Text of a list of sources, which travels as a file."""
    config: Mapping[str, Any] | None = None
    """Sections of a settings file. They travel as one: the head's environment goes before it, as it does in ``ingest``."""
    settings: tuple[tuple[str, str], ...] = ()
    """``section.name`` and value, the later ones over the earlier; over everything else."""
    limit: int | None = None
    force: bool = False
    language: str | None = None

    def entrypoint(self) -> str:
        """The command that the cluster's shell runs."""
        command = [PYTHON, "run.py", "ingest", "--profile", self.profile]
        if self.config is not None:
            command += ["--config", SETTINGS]
        for name, value in self.settings:
            command += ["--set", f"{name}={value}"]
        command += ["--set", "ray.address=auto"]
        if self.limit is not None:
            command += ["--limit", str(self.limit)]
        if self.force:
            command += ["--force"]
        if self.language is not None:
            command += ["--language", self.language]
        if self.listed is not None:
            command += ["--from", SOURCES]
        # The shell gives way, so that the driver is the process that is stopped and whose exit code counts.
        return shlex.join(["exec", *command, "--", *self.sources])


def demand_fit_to_travel(errand: Errand, profile: Mapping[str, Any]) -> None:
    """
    Args:
        profile: the sections of the errand's profile.

    Raises:
        ConfigError: ``secret`` or ``local``: something must not or can't go along; says which and what to do.
    """
    for name, value in flat_settings(profile):
        _demand_no_secret(name, value)
        if not is_data(PurePosixPath(posixpath.normpath(f"{PROFILES}/{value}"))):  # a model that travels
            _demand_a_place_there(name, value)
    for name, value in (*flat_settings(errand.config or {}), *errand.settings):
        _demand_no_secret(name, value)
        _demand_a_place_there(name, value)
        if name == "ray.address":
            raise ConfigError(
                "a job runs on the cluster that it is submitted to",
                remedy="Leave ray.address out and name the cluster with --address",
            )
    for line in (errand.listed or "").splitlines():  # comments and what else stands there travel too
        for text in _texts(line):
            if "://" in text:  # a title may speak of tokens
                _demand_no_password(text)
    for source in _all_sources(errand):
        _demand_no_password(source)
        _demand_not_local(source)
    if len(errand.entrypoint().encode(errors="surrogatepass")) > MAX_COMMAND_BYTES:
        raise ConfigError(
            "so many sources don't fit a command",
            remedy="Give them as a file of a source a line, with --from",
        )


def _demand_no_secret(name: str, value: str) -> None:
    if value and (name in SECRET_SETTINGS or masked(value) != value):
        variable = _VARIABLES.get(name, f"EARMARK_{name.replace('.', '__').upper()}")
        raise ConfigError(
            f"{name} holds a secret, and others can read a job's command and its files",
            code="secret",
            remedy=f"Leave it out here and set {variable} in the environment of the cluster's head node "
            "(cluster/README.md says how for each kind of cluster)",
        )


def _demand_a_place_there(name: str, value: str) -> None:
    if name in _FILE_NAMES:
        is_of_here = value != "" and not value.startswith("/")
    else:
        is_of_here = name in _PATH_NAMES and value.startswith((".", "~"))
    if is_of_here:
        raise ConfigError(
            f"{name} is {value}, a place of this machine",
            code="local",
            remedy="Name the whole path of what every node has, or a model's hub id",
        )


def notices(errand: Errand, profile: Mapping[str, Any]) -> list[str]:
    """What may be a mistake: places that are there on this machine, where every node may have them mounted or not."""
    values = dict([*flat_settings(profile), *flat_settings(errand.config or {}), *errand.settings])
    return [
        f"{name} is {value}, which is there on this machine; it must be there on the cluster's nodes"
        for name, value in values.items()
        if name in _PATH_NAMES and value.startswith("/") and _exists(value)
    ]


def written(errand: Errand, profile: Mapping[str, Any]) -> dict[str, str]:
    """Text of the files that are made for a job, by their path in its package: values alone, no comments."""
    files = {f"{PROFILES}/{errand.profile}.yaml": _yaml(profile)}
    if errand.config is not None:
        files[SETTINGS] = _yaml(errand.config)
    if errand.listed is not None:
        files[SOURCES] = errand.listed
    return files


def _yaml(values: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(values), allow_unicode=True))


def _all_sources(errand: Errand) -> Iterator[str]:
    yield from errand.sources
    for found in listed_sources(io.StringIO(errand.listed or ""), SOURCES):
        if isinstance(found, str):  # the run says of the others what is wrong with them
            yield found


def _demand_no_password(text: str) -> None:
    if has_user(text):
        raise ConfigError(
            f"{masked(text)[:200]} holds a user or a password, which the ledger would keep and the dashboard show",
            code="secret",
            remedy="Leave it out of the address and give yt-dlp cookies instead: a file that every node has, named with "
            "--set download.cookies_file=/PATH",
        )
    if masked(text) != text:
        raise ConfigError(
            f"{masked(text)[:200]} holds a token, and what a job is told stands in the cluster's dashboard",
            code="secret",
            remedy="Put such addresses into a file on the cluster and run `run.py ingest --from FILE` there",
        )


def _texts(line: str) -> Iterator[str]:
    """What stands in a line of a list: its strings where it is JSON, whatever it writes them as, else itself."""
    try:
        found = json.loads(line)
    except ValueError:
        yield line
        return
    waiting = [found]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
        else:
            yield str(each)


def _demand_not_local(source: str) -> None:
    if _is_local(source):
        raise ConfigError(
            f"{source[:200]} lies on this machine, and the cluster's nodes don't see it",
            code="local",
            remedy="Serve it over http, or name where every node has it mounted as file:///PATH",
        )


def _is_local(given: str) -> bool:
    source = given.strip()
    if source.startswith(("/", "./", "../", "~")):
        return True
    return "://" not in source and _exists(source)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a path, a NUL in it
        return False


def flat_settings(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A settings file's values as text, by ``section.name``. What is no section stands there by its own name: it will be
    refused when the settings are read, and until then it must not travel unseen."""
    flat = []
    for section, fields in values.items():
        if isinstance(fields, Mapping):
            flat += [(f"{section}.{name}", _text(value)) for name, value in fields.items()]
        else:
            flat.append((str(section), _text(fields)))
    return flat


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def job_id(name: str, at: datetime, salt: str) -> str:
    """An id that a person recognises, fit for a URL: ``earmark-NAME-20261125-2201-SALT``."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "ingest"
    return f"earmark-{slug}-{at:%Y%m%d-%H%M}-{salt}"


def default_name(sources: Iterable[str]) -> str:
    """What a job is called unless somebody names it: the end of its first source's address."""
    first = next(iter(sources), "")
    return re.split(r"[/=]", first.rstrip("/"))[-1] or "ingest"


def metadata(errand: Errand, name: str, version: str) -> dict[str, str]:
    """What the dashboard shows beside a job."""
    sources = list(_all_sources(errand))
    more = f" and {len(sources) - SHOWN_SOURCES} more" if len(sources) > SHOWN_SOURCES else ""
    shown = ", ".join(source[:120] for source in sources[:SHOWN_SOURCES]) + more
    return {OUR_NAME: version, "name": name, "sources": shown, "profile": errand.profile}


def address_of(url: str) -> str:
    """The dashboard's address as the client takes it.

    Raises:
        ConfigError: it is none, or holds a password.
    """
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ConfigError(
            f"--address {masked(url)[:200]} is no address of a Ray dashboard",
            remedy="Give http://HOST:8265; behind a tunnel (ssh -L, kubectl port-forward) the host is 127.0.0.1",
        )
    if has_user(url):
        raise ConfigError(
            "--address holds a user or a password",
            code="secret",
            remedy="Ray's token goes into RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN",
        )
    return url.rstrip("/")


def named(jobs: Sequence[Any], wanted: str) -> Any:
    """The job that a person means: by id, or by the name that it was given; of several the newest.

    Args:
        jobs: newest first.

    Raises:
        ConfigError: there is none.
    """
    for job in jobs:
        if job.id == wanted:
            return job
    for job in jobs:
        if job.name == wanted:
            return job
    raise ConfigError(
        f"the cluster knows no job {wanted!r}",
        code="no_job",
        remedy="`run.py jobs list --address URL` names them",
    )


def to_stop(jobs: Sequence[Any], wanted: str) -> Any:
    """As ``named``, but of several of a name one that goes on comes before newer ones that have ended."""
    return named(sorted(jobs, key=lambda job: bool(job.has_ended)), wanted)
