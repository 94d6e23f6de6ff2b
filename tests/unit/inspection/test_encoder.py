"""The encoder is asked in the grey zone only, of verified bytes, and its silence is told."""

import base64
from typing import Any

import msgspec
import numpy as np
import pytest

from ostiary.inspection.learned.encoder import Encoder
from ostiary.inspection.prompt import open_prompt_inspector
from ostiary.inspection.prompt.cascade import MAX_ASKED
from ostiary.testing.inspection import made_weights, pin
from ostiary.vocabulary.inspecting import Verdict
from ostiary.vocabulary.labels import Channel

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
tokenizers = pytest.importorskip("tokenizers")

WORDS = {"[UNK]": 0, "wicked": 9, "fine": 1}
NEUTRAL = "some words of which nobody knows anything"


def model(factor=1.0):
    """Return a graph that sums its tokens' numbers, and says it in two columns, the second negated."""
    make = onnx.helper
    tensor = onnx.TensorProto
    nodes = [
        make.make_node("Mul", ["input_ids", "attention_mask"], ["kept"]),
        make.make_node("Cast", ["kept"], ["numbers"], to=tensor.FLOAT),
        make.make_node("ReduceSum", ["numbers", "axes"], ["sum"], keepdims=1),
        make.make_node("MatMul", ["sum", "columns"], ["logits"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([1], np.int64), "axes"),
        onnx.numpy_helper.from_array(np.array([[factor, -factor]], np.float32), "columns"),
    ]
    inputs = [make.make_tensor_value_info(name, tensor.INT64, ["n", "t"]) for name in ("input_ids", "attention_mask")]
    outputs = [make.make_tensor_value_info("logits", tensor.FLOAT, ["n", 2])]
    graph = make.make_graph(nodes, "sum", inputs, outputs, constants)
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9).SerializeToString()


def tokenizer():
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return made.to_str()


def opened(folder, grey=(-5.0, 1.5), **changes):
    made_weights(folder, grey=grey, stacked=(1.0, 1.0, 0.0), **changes)
    told = msgspec.json.decode((folder / "thresholds.json").read_bytes())
    told["encoder"] = {"file": "encoder.onnx", "tokenizer": "tokenizer.json", "max_tokens": 64}
    told["channels"]["data"]["column"] = 1
    (folder / "thresholds.json").write_bytes(msgspec.json.encode(told))
    return open_prompt_inspector(folder, pin(folder))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "encoder.onnx").write_bytes(model())
    (tmp_path / "tokenizer.json").write_text(tokenizer())
    return tmp_path


def test_the_encoder_decides_where_the_linear_model_does_not_know(folder):
    inspector = opened(folder)
    assert inspector.inspect(NEUTRAL, Channel.USER).verdict is Verdict.PASS
    found = inspector.inspect(f"{NEUTRAL} wicked", Channel.USER)
    assert found.verdict is Verdict.BLOCK
    assert found.available
    assert found.findings[0].model.startswith("sha256:")


def test_each_channel_has_its_own_column(folder):
    inspector = opened(folder)
    assert inspector.inspect(f"{NEUTRAL} wicked", Channel.DATA).verdict is Verdict.PASS


def test_outside_the_grey_zone_it_is_not_asked(folder):
    inspector = opened(folder, grey=(5.0, 6.0))
    assert inspector.inspect(f"{NEUTRAL} wicked", Channel.USER).verdict is Verdict.PASS


def test_a_batch_says_what_each_text_alone_says(folder):
    inspector = opened(folder)
    alone = [inspector.inspect(text, Channel.USER).score for text in (NEUTRAL, f"{NEUTRAL} wicked")]
    long = f"{NEUTRAL} wicked. " + "other words which say nothing at all. " * 60
    assert inspector.inspect(long, Channel.USER).verdict is Verdict.BLOCK
    assert alone == [inspector.inspect(text, Channel.USER).score for text in (NEUTRAL, f"{NEUTRAL} wicked")]


def test_an_exchanged_encoder_is_not_asked_and_that_is_told(folder):
    inspector = opened(folder)
    (folder / "encoder.onnx").write_bytes(model(factor=-1.0))
    found = inspector.inspect(f"{NEUTRAL} wicked", Channel.USER)
    assert not found.available
    assert "its digest differs" in inspector.missing


@pytest.mark.parametrize("bad", [b"no model", b""])
def test_what_is_no_model_is_told(folder, bad):
    (folder / "encoder.onnx").write_bytes(bad)
    inspector = opened(folder)
    assert not inspector.inspect(NEUTRAL, Channel.USER).available


def test_an_encoder_that_answers_with_no_number_is_not_believed(folder):
    (folder / "encoder.onnx").write_bytes(model(factor=float("nan")))
    inspector = opened(folder)
    assert not inspector.inspect(NEUTRAL, Channel.USER).available


def test_no_text_buys_more_than_its_share_of_the_encoder(folder, monkeypatch):
    asked = []
    scores = Encoder.scores

    def counted(self, texts, column):
        asked.extend(texts)
        return scores(self, texts, column)

    monkeypatch.setattr(Encoder, "scores", counted)
    plain = ". ".join(f"nobody knows {number} of these words" for number in range(400))
    encoded = " ".join(base64.b64encode(f"{part} {plain[:600]}".encode()).decode() for part in "abcdef")
    opened(folder).inspect(f"{plain} {encoded}", Channel.DATA)
    assert 0 < len(asked) <= MAX_ASKED


def test_texts_of_one_length_are_asked_in_their_own_order(monkeypatch):
    asked = []

    def ask(_self, texts):
        asked.append(texts)
        return np.zeros((len(texts), 2))

    monkeypatch.setattr(Encoder, "_ask", ask)
    no_files: Any = None
    encoder = Encoder(no_files, no_files, 1, 0)
    encoder.scores(["bb", "ccc", "ab", "ba", "aa"], 0)
    encoder.scores(["ba", "ab", "aa", "ccc", "bb"], 0)
    half = len(asked) // 2
    assert [text for batch in asked[:half] for text in batch] == ["aa", "ab", "ba", "bb", "ccc"]
    assert asked[:half] == asked[half:]
