"""What a run says of voices that it could not hear. Pure.

Nothing of this ends a video: its text is kept, the speaker is unknown, and the reason stands at each segment. So it
has to be said loudly, and once.
"""

from actors.errors import EarmarkError

FAILED = "the voice model failed"
KILLS = "the voice model died each time"
REDO = "`run.py reprocess --from prepare --where unheard=yes` hears these videos again once that is mended"


def no_voices(error: EarmarkError) -> str:
    """For a run without a voice model.

    Args:
        error: why there is none.
    """
    return f"NOBODY IS IDENTIFIED in this run, every speaker is unknown: {error}. {REDO}"


def unheard_slices(why: str) -> str:
    """For slices that the voice model could not do."""
    return f"Some speech has no speaker: {why}. Its text is kept; {REDO}"
