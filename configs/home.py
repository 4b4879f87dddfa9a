"""The one directory under which all state lies, and what lies where in it.

Owns: ``EARMARK_HOME`` and the names below it. Two homes never share anything.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from dotenv import dotenv_values

from configs.catalogue import SettingsError

HOME_VARIABLE = "EARMARK_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one installation's state; nothing is created by naming it."""

    root: Path

    @property
    def database_dir(self) -> Path:
        return self.root / "postgres"

    @property
    def cache_dir(self) -> Path:
        """yt-dlp's cache and downloads in flight."""
        return self.root / "cache"

    @property
    def audio_dir(self) -> Path:
        """Audio tracks as fetched, while ``archive.keep`` keeps them."""
        return self.root / "audio"

    @property
    def models_dir(self) -> Path:
        """Models fetched from a hub."""
        return self.root / "models"

    @property
    def ray_dir(self) -> Path:
        """Ray's sessions: sockets and logs."""
        return self.root / "ray"

    @property
    def logs_dir(self) -> Path:
        """One log a run."""
        return self.root / "logs"

    @property
    def metrics_dir(self) -> Path:
        """Where Prometheus finds the endpoints of runs that are going on."""
        return self.root / "metrics"

    def keep_model_caches(self) -> None:
        """Have the hub's libraries keep here what they would keep in the user's own cache, a model's
        own code among it. They read it when they are imported; what the user set stands."""
        os.environ.setdefault("HF_HOME", str(self.models_dir))

    def create(self) -> None:
        """Make the directories, readable by their owner alone where they are new.

        Raises:
            SettingsError: something that can't be written stands in the way.
        """
        for path in (
            self.root, self.cache_dir, self.audio_dir, self.models_dir, self.logs_dir, self.metrics_dir
        ):  # fmt: skip
            try:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise SettingsError(
                    f"{path} can't be made ({error.strerror}). Set {HOME_VARIABLE} to a directory of this "
                    "user's own, on a disk with room"
                ) from error


def home() -> Home:
    """The home that the environment names, else ``.env``, else the platform's user data directory."""
    named = os.environ.get(HOME_VARIABLE) or dotenv_values(".env").get(HOME_VARIABLE)
    root = Path(named).expanduser() if named else platformdirs.user_data_path("earmark")
    return Home(root.absolute())
