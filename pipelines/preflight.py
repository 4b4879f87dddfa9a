"""What can be known to be wrong before anything is started: models, their files, what settings point to.

Looks at this machine's files only. A cluster's nodes have their own, and say so when they start.
"""

from collections.abc import Iterator
from pathlib import Path

from actors.errors import ConfigError
from actors.speech.models import local_model
from actors.text.models import resolve_model, stated_dimensions
from actors.voices.models import ModelUnavailable
from actors.voices.models import local_model as local_model_of_voices
from cluster.resources import Hardware
from configs.settings import DownloadSettings, Settings
from pipelines.voiceless import no_voices


def check(settings: Settings) -> None:
    """
    Raises:
        ConfigError: a run with these settings can only fail; the message names the setting.
    """
    if settings.ray.address is not None:
        return
    local_model(settings.transcribe.model)
    _dimensions(settings)
    if settings.transcribe.canary_audio is not None:
        _readable("transcribe.canary_audio", settings.transcribe.canary_audio)
    _cookies(settings.download)


def hardware(settings: Settings) -> Hardware:
    """What a run may use: this machine, or the cluster that it joins.

    Raises:
        ConfigError: ``no_database``: other nodes couldn't reach the embedded one.
        DoesNotFit: the cluster may have GPUs and nobody says of which kind.
        SettingsError: no cluster answers at ``ray.address``.
    """
    if settings.ray.address is None:
        from cluster.hardware import find_hardware

        return find_hardware()
    from cluster.nodes import survey

    found = survey(settings.ray)
    if settings.store.database_url is None and (found.n_nodes > 1 or found.may_grow):
        raise ConfigError(
            "a cluster of several nodes needs a database that all of them reach",
            code="no_database",
            remedy="Set DATABASE_URL where the driver starts: for jobs in the environment of the cluster's head node",
        )
    return found.hardware


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
