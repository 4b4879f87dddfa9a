"""What can be known to be wrong before anything is started: models, their files, what settings point to.

Looks at this machine's files only. A cluster's nodes have their own, and say so when they start.
"""

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from actors.errors import ConfigError
from actors.speech.models import local_model
from actors.store.first_contact import target
from actors.text.models import resolve_model, stated_dimensions
from actors.voices.models import ModelUnavailable
from actors.voices.models import local_model as local_model_of_voices
from cluster.resources import Hardware
from configs.settings import DownloadSettings, Settings
from pipelines.voiceless import no_voices

if TYPE_CHECKING:
    from cluster.nodes import Missing, Survey

WHERE_IT_IS_SET = "where the driver starts: for jobs in the environment of the cluster's head node"


def check(settings: Settings) -> None:
    """On a cluster what the driver itself uses: the embedding model's name and what its files state, and the cookies, with
    which it reads known lists. Left to the nodes, which may have other files than this machine: whether the recogniser's
    directory is whole, and the audio of its canary.

    Raises:
        ConfigError: a run with these settings can only fail; the message names the setting.
    """
    _dimensions(settings)
    _cookies(settings.download)
    if settings.ray.address is not None:
        return
    local_model(settings.transcribe.model)
    if settings.transcribe.canary_audio is not None:
        _readable("transcribe.canary_audio", settings.transcribe.canary_audio)


def hardware(settings: Settings) -> Hardware:
    """What a run may use: this machine, or the cluster that it joins.

    Raises:
        ConfigError: ``no_database``: other nodes couldn't reach the one that is set, or the embedded one;
            ``no_such_nodes``: a label names nodes, and no node has it.
        DoesNotFit: the cluster may have GPUs and nobody says of which kind.
        SettingsError: no cluster answers at ``ray.address``.
    """
    if settings.ray.address is None:
        from cluster.hardware import find_hardware

        return find_hardware()
    from cluster.nodes import survey

    found = survey(settings.ray)
    url = settings.store.database_url
    demand_reachable(None if url is None else url.get_secret_value(), found)
    with_card = (
        "cuda" in {settings.transcribe.device, settings.embed.device} or settings.identify.device != "cpu"
    )
    demand_labelled(tuple(each for each in found.missing if each.what == "CPU" or with_card))
    return found.hardware


def demand_reachable(url: str | None, found: "Survey") -> None:
    """
    Args:
        url: of the database; ``None``: the embedded one.

    Raises:
        ConfigError: ``no_database``: there are, or may be, nodes that can't reach it.
    """
    if found.n_nodes <= 1 and not found.may_grow:
        return
    if url is None:
        raise ConfigError(
            "a cluster of several nodes needs a database that all of them reach",
            code="no_database", remedy=f"Set DATABASE_URL {WHERE_IT_IS_SET}",
        )  # fmt: skip
    if is_here_alone(url):
        raise ConfigError(
            f"a cluster of several nodes needs a database that all of them reach, and DATABASE_URL names {target(url)}, which "
            "is another place on each node",
            code="no_database",
            remedy=f"Name the database's host in DATABASE_URL as the other nodes know it, {WHERE_IT_IS_SET}. "
            "Where each node has a proxy of its own that leads there, give that a name in the hosts file",
        )


def is_here_alone(url: str) -> bool:
    """Whether a database's URL leads each machine to itself: over loopback or a socket. Pure but for ``PGHOST``.

    Raises:
        ConfigError: it is no URL.
    """
    target(url)
    parts = conninfo_to_dict(url)
    if "service" in parts:  # a file names the host
        return False
    hosts = str(parts.get("hostaddr") or parts.get("host") or os.environ.get("PGHOST") or "").split(",")
    return all(_is_own(host.strip()) for host in hosts)


def _is_own(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def demand_labelled(missing: "tuple[Missing, ...]") -> None:
    """
    Raises:
        ConfigError: ``no_such_nodes``: stages would wait for such a node for ever.
    """
    for each in missing:
        there = f"nodes with {each.what}s have the labels {', '.join(each.there)}" if each.there else (
            f"no node with {each.what}s has a label"
        )  # fmt: skip
        raise ConfigError(
            f"{each.setting} is {each.label}, and no node that is up has that label and {each.what}s; {there}",
            code="no_such_nodes",
            remedy=f"Correct {each.setting}, or start such nodes with this label. Where an autoscaler brings them, tell how "
            f"many {each.what}s there may be in ray.max_{each.what.lower()}s",
        )


def notices(settings: Settings) -> Iterator[str]:
    """What the user is to be told before a run that goes on all the same: text without speakers is worth
    having. Looks at this machine's files, as ``check`` does."""
    if settings.ray.address is not None or not settings.identify.enabled:
        return
    try:
        local_model_of_voices(settings.identify.model)
    except ModelUnavailable as error:
        yield no_voices(error)


def _dimensions(settings: Settings) -> None:
    ref = resolve_model(settings.embed.model, settings.embed.revision)
    stated = stated_dimensions(ref)
    if stated is not None and stated != settings.embed.dimensions:
        raise ConfigError(
            f"the embedding model {ref.name} makes vectors of {stated} dimensions, the settings"
            f" say {settings.embed.dimensions}",
            remedy=f"Set embed.dimensions (EMBEDDING_DIMENSIONS) to {stated}, or choose another model",
        )


def _cookies(download: DownloadSettings) -> None:
    """Loaded as a download loads them: found out at the first video they would fail every one of them."""
    if download.cookies_file is None and download.cookies_from_browser is None:
        return
    from actors.fetch.ytdlp import cookies_of, options

    cookies_of(options(download, Path(), timeout_s=download.timeout_s))


def _readable(name: str, path: Path) -> None:
    try:
        with path.expanduser().open("rb"):
            return
    except OSError as error:
        raise ConfigError(
            f"{name}: {path} can't be read ({error.strerror})", remedy="Correct the path or its rights"
        ) from error
