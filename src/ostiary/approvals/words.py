"""Short words for a digest, so that a person can compare what the page shows with what another channel says.

- A fixed public list of 256 words, one a byte; the order is part of the contract and never changes.
- The first eight bytes are told: enough that nobody finds a second proposal with the same words while one is open.

>>> words_of(bytes([0, 1, 2, 3, 252, 253, 254, 255]))
'acid aged alps amber yard yeast yoga zinc'
"""

from typing import Final

COUNT: Final = 8
_TEXT: Final = """
acid aged alps amber angle apple april arch arena army arrow atlas aunt axis bacon badge bagel baker bamboo banjo barn
basil beach bean bear beef bell berry bike birch bison blade bloom blue boat bolt bone book boot bowl brass bread brick
broom brush bulb cabin cactus cake camel canal candy canoe cape card cargo cedar cello chain chalk cheese cherry chess
chief cider circus clay clock cloud clover coal coast cobra cocoa coin comet copper coral cork cotton cow crab crane
cream crown cube curry daisy dance dawn deer delta denim desk diary dingo disk dock dome donkey door dove dragon drum
duck eagle early earth echo eel elbow elm ember engine fabric falcon farm fern ferry field fig film finch flag flame
flute foam fog forest fork fossil fox frog fruit garden garlic gate gecko ghost giant ginger glass globe glove goat gold
goose grape grass guitar gull hammer harbor harp hawk hazel heron hill hippo honey hood horn horse hotel igloo ink iris
iron island ivory ivy jacket jade jelly jewel judo juice jungle kayak kettle kiosk kite kiwi koala ladder lake lamp lark
laser lava lemon lilac lime linen lion lizard llama lotus lunar maple marble mask meadow melon metal mint mirror moon
moss motor mouse mule nectar needle nest north nylon oak oasis ocean olive onion opal orbit otter owl oyster paint palm
panda paper pearl pebble piano pilot pine pony potato puppet rabbit radio raven reef rice river robin rocket saddle
salmon silver spoon tiger yard yeast yoga zinc
"""
WORDS: Final = tuple(_TEXT.split())


def words_of(digest: bytes) -> str:
    """Return the words of a digest's first bytes."""
    return " ".join(WORDS[byte] for byte in digest[:COUNT])
