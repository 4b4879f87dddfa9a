"""Makes ``actors/voices/canary``: three clips of two voices, cut out of the talks that ship.

Run from the repository's root::

    python -m tests.data.speech_source.make_voice_canary [DIRECTORY]
"""

import json
import sys
from pathlib import Path

from tests.corpus import SPEECH_DIR
from tests.encoding import SPEECH_RATE_HZ, Encoding, read_speech, write_media

SHIPPED = Path(__file__).parents[3] / "actors" / "voices" / "canary"
CLIP_S = 3.2
"""A little more than is heard of them."""
TALKS = {"rockets-and-moons": ("man-1.ogg", "man-2.ogg"), "strings-and-keys": ("woman.ogg",)}
ENCODING = Encoding("libopus", 48_000, 24_000)


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    truth = {talk["slug"]: talk for talk in json.loads((SPEECH_DIR / "talks.json").read_text())["talks"]}
    for slug, names in TALKS.items():
        talk = truth[slug]
        samples = read_speech(SPEECH_DIR / talk["file"])
        long_ones = [line for line in talk["sentences"] if line["end_s"] - line["start_s"] >= CLIP_S]
        for name, line in zip(names, long_ones, strict=False):
            first = int(line["start_s"] * SPEECH_RATE_HZ)
            write_media(directory / name, samples[first : first + int(CLIP_S * SPEECH_RATE_HZ)], ENCODING)
            print(f"{name}: {' '.join(word['text'] for word in line['words'])}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)
