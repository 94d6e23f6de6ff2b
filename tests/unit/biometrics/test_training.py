"""Which code trains what."""

import pytest

from ostiary.biometrics.training import PHRASE_TRAINER, Row, Trained, TrainSettings, is_phrase, train, trainer_of
from ostiary.biometrics.window import Modality, window_of
from ostiary.errors import FaultyInputError

PHRASE = [window_of(Modality.KEYSTROKE, [[0, 90, 8], [120 + i, 200 + i, 1]]) for i in range(60)]
SENTENCES = [window_of(Modality.KEYSTROKE, [[100 * k, 100 * k + 80, 0] for k in range(20 + i)]) for i in range(5)]


def test_the_same_short_phrase_trains_a_phrase_model():
    assert trainer_of(Modality.KEYSTROKE, PHRASE) == PHRASE_TRAINER
    assert trainer_of(Modality.KEYSTROKE, SENTENCES).endswith("keystroke.training")
    assert is_phrase([*PHRASE, SENTENCES[0]])
    assert not is_phrase([*PHRASE, *SENTENCES])
    assert not is_phrase(())


def test_long_windows_are_no_phrase_however_alike():
    text = [window_of(Modality.KEYSTROKE, [[100 * k, 100 * k + 80, 0] for k in range(70)])] * 9
    assert not is_phrase(text)


def test_one_person_has_nobody_to_be_told_from():
    with pytest.raises(FaultyInputError) as fault:
        train(Modality.KEYSTROKE, [Row("u1", "s1", PHRASE[0])], TrainSettings(), lambda what, share: None)
    assert fault.value.code == "training_people"


def test_a_folder_has_its_card():
    assert Trained({"model.json": b"{}"}, "# Card").folder == {"model.json": b"{}", "card.md": b"# Card"}
