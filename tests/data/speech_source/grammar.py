"""What the speech in this repository says: 116 words, eight topics, short English sentences.

Owns the vocabulary that the small Whisper in ``configs/demo/models`` was trained on (a word outside
it comes out as another word) and the shapes of a sentence. Knows nothing of sound.
"""

import random

NAMES = ["alice", "robert", "maria", "david"]
DETERMINERS = ["the", "my", "your", "this", "every"]
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twenty"]
ADJECTIVES = ["red", "green", "blue", "black", "big", "small", "old", "new", "happy", "quiet"]
VERBS = [
    "sees",
    "likes",
    "finds",
    "buys",
    "carries",
    "paints",
    "follows",
    "opens",
    "builds",
    "watches",
    "moves",
    "stores",
]
PREPOSITIONS = ["near", "behind", "under", "after", "before", "with", "about"]
TIMES = ["today", "tomorrow", "yesterday", "monday", "friday"]
TOPICS = {
    "animals": ["dog", "cat", "horse", "tiger", "elephant", "rabbit"],
    "food": ["bread", "cheese", "apple", "banana", "soup", "kitchen"],
    "space": ["rocket", "planet", "moon", "astronaut", "telescope", "galaxy"],
    "music": ["guitar", "piano", "singer", "concert", "violin", "orchestra"],
    "weather": ["rain", "snow", "storm", "wind", "summer", "winter"],
    "tech": ["computer", "database", "server", "robot", "camera", "video"],
    "sport": ["football", "goal", "team", "stadium", "player", "match"],
    "place": ["garden", "river", "mountain", "city", "station", "market"],
}


def sentence(rng: random.Random, topic: str) -> list[str]:
    """Words of one sentence, lower case and without punctuation, whose nouns all belong to ``topic``."""
    nouns = TOPICS[topic]
    shapes = {
        _someone_does: 30,
        _something_does: 22,
        _numbered: 10,
        _two_are: 10,
        _at_a_time: 8,
        _question: 6,
        _greeting: 6,
        _need: 8,
    }
    shape = rng.choices(list(shapes), weights=list(shapes.values()))[0]
    return shape(rng, nouns)


def _noun_phrase(rng: random.Random, nouns: list[str]) -> list[str]:
    adjective = [rng.choice(ADJECTIVES)] if rng.random() < 0.5 else []
    return [rng.choice(DETERMINERS), *adjective, rng.choice(nouns)]


def _tail(rng: random.Random, nouns: list[str]) -> list[str]:
    kind = rng.choices(["beside", "with_someone", "time", "none"], weights=[35, 15, 25, 25])[0]
    if kind == "beside":
        return [rng.choice(PREPOSITIONS), rng.choice(DETERMINERS), rng.choice(nouns)]
    if kind == "with_someone":
        return [rng.choice(PREPOSITIONS), rng.choice(NAMES)]
    return [rng.choice(TIMES)] if kind == "time" else []


def _something_does(rng: random.Random, nouns: list[str]) -> list[str]:
    return [*_noun_phrase(rng, nouns), rng.choice(VERBS), *_noun_phrase(rng, nouns), *_tail(rng, nouns)]


def _someone_does(rng: random.Random, nouns: list[str]) -> list[str]:
    return [rng.choice(NAMES), rng.choice(VERBS), *_noun_phrase(rng, nouns), *_tail(rng, nouns)]


def _at_a_time(rng: random.Random, nouns: list[str]) -> list[str]:
    return [rng.choice(TIMES), *_someone_does(rng, nouns)]


def _numbered(rng: random.Random, nouns: list[str]) -> list[str]:
    very = ["very"] if rng.random() < 0.5 else []
    return [
        rng.choice(nouns), "number", rng.choice(NUMBERS), rng.choice(["is", "was"]), *very, rng.choice(ADJECTIVES),
    ]  # fmt: skip


def _two_are(rng: random.Random, nouns: list[str]) -> list[str]:
    very = ["very"] if rng.random() < 0.4 else []
    time = [rng.choice(TIMES)] if rng.random() < 0.4 else []
    pair = [*_noun_phrase(rng, nouns), "and", *_noun_phrase(rng, nouns)]
    return [*pair, "are", *very, rng.choice(ADJECTIVES), *time]


def _question(rng: random.Random, nouns: list[str]) -> list[str]:
    opening = [rng.choice(["question", "answer"]), "number", rng.choice(NUMBERS)]
    return [*opening, "is", "about", *_noun_phrase(rng, nouns)]


def _greeting(rng: random.Random, nouns: list[str]) -> list[str]:
    opening = [rng.choice(["hello", "welcome"]), "everyone"]
    return [*opening, rng.choice(NAMES), rng.choice(VERBS), *_noun_phrase(rng, nouns)]


def _need(rng: random.Random, nouns: list[str]) -> list[str]:
    return [rng.choice(["we", "they"]), "need", *_noun_phrase(rng, nouns), *_tail(rng, nouns)]
