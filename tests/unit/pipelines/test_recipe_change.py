"""What another recipe means, in words."""

from actors.store.recipes import OtherRecipe
from pipelines.recipe_change import RecipeChange, tell

NOW = {"transcribe.model": "whisper-b", "transcribe.beam_size": 1, "transcribe.language": None}


def told(**given: list[OtherRecipe]) -> list[str]:
    return list(tell(RecipeChange("now", NOW, **given).document()))


def test_begun_videos_are_said_to_be_transcribed_again_and_why() -> None:
    """One video or several, the settings by name with both values."""
    other = OtherRecipe("r0", 3, {**NOW, "transcribe.model": "whisper-a", "transcribe.language": "en"})
    assert told(begun=[other]) == [
        "3 videos were begun with transcribe.language en, now unset; transcribe.model whisper-a, now whisper-b:"
        " they are transcribed again"
    ]
    (line,) = told(begun=[OtherRecipe("r0", 1, {**NOW, "transcribe.beam_size": 5})])
    assert line == "1 video was begun with transcribe.beam_size 5, now 1: it is transcribed again"


def test_stored_videos_are_said_to_stay_and_how_to_redo_them() -> None:
    """The command redoes exactly those."""
    assert told(stored=[OtherRecipe("abc", 1200, {**NOW, "transcribe.beam_size": 5})]) == [
        "1,200 stored videos were made with transcribe.beam_size 5, now 1: left as they are;"
        " `run.py reprocess --from prepare --where recipe=abc` redoes them"
    ]


def test_a_recipe_that_nobody_wrote_down_is_named_by_its_hash() -> None:
    """Nothing is made up about it; and without another recipe nothing is said."""
    (line,) = told(stored=[OtherRecipe("abc", 1, None)])
    assert line.startswith("1 stored video was made with other settings (recipe abc): left as it is")
    assert told() == []


def test_the_same_is_given_as_data() -> None:
    """Setting, old and new value."""
    document = RecipeChange(
        "now", NOW, begun=[OtherRecipe("r0", 2, {**NOW, "transcribe.beam_size": 5})]
    ).document()
    assert document == {
        "recipe": "now",
        "begun": [
            {
                "recipe": "r0",
                "n_videos": 2,
                "differences": [{"setting": "transcribe.beam_size", "was": 5, "now": 1}],
            }
        ],
        "stored": [],
    }
