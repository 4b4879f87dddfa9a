"""Which database a command works on: the one named in the settings, else the embedded one of the home."""

from actors.errors import ConfigError
from actors.store.embedded import ensure_server
from actors.store.first_contact import connect_once
from actors.store.migrations import migrate, pending, shipped
from configs.home import Home
from configs.settings import Settings


def database_url(settings: Settings, home: Home) -> str:
    """URL of a database that answers; starts the embedded one if it isn't running.

    Raises:
        ConfigError: it can't be reached or can't serve us, with cause and remedy.
    """
    if settings.store.database_url is not None:
        url = settings.store.database_url.get_secret_value()
        connect_once(url)
        return url
    home.create()
    return ensure_server(home.database_dir)


def open_database(settings: Settings, home: Home) -> str:
    """``database_url`` with the schema brought to this version."""
    url = database_url(settings, home)
    migrate(url)
    return url


def existing_database(settings: Settings, home: Home) -> str | None:
    """``database_url`` for who may change nothing; ``None`` where there is no ledger yet.

    Raises:
        ConfigError: as ``database_url``, and for a schema of another version.
    """
    if settings.store.database_url is None and not home.database_dir.is_dir():
        return None
    url = database_url(settings, home)
    missing = pending(url)
    if len(missing) == len(shipped()):
        return None
    if missing:
        raise ConfigError(
            f"the database's schema is older than this Earmark: it lacks {', '.join(missing)}",
            remedy="Bring it up to date with `run.py db migrate`",
        )
    return url
