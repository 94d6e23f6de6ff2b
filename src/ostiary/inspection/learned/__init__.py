"""What was learned of injected instructions: the featuriser, the weights read and verified, the encoder.

The files lie in ``models/inspection/`` (``artifacts.models_dir() / "inspection"``); training writes them, this room
reads them. None is a pickle. ``manifest.json`` is ``{"version": 1, "files": {NAME: "sha256:…"}}`` over every file
beside it but the card; the digest of the manifest itself is in ``learned/pinned.py`` (``MANIFEST = "sha256:…"``), so
that a file can only be exchanged by who can change the program. The files:

- ``thresholds.json``, below;
- ``ngram-user.i16``, ``ngram-data.i16``: ``ngram.BUCKETS`` weights each, ``int16`` little-endian, nothing else;
- ``encoder.onnx`` (int8) and ``tokenizer.json`` (Hugging Face ``tokenizers``): optional together. Inputs ``input_ids``
  and ``attention_mask`` (and ``token_type_ids``, where the graph names it), ``int64`` ``[batch, length]``; the first
  output is ``float32`` ``[batch, columns]``, one log-odds a column; a second one, ``[batch, width]``, is the place of a
  text, the mean of its tokens after the layers that did not learn;
- ``likeness.f32``: optional, what places share (``likeness.py``).

``thresholds.json``, all numbers in log-odds, higher is worse::

    {"version": 1,
     "encoder": {"file": "encoder.onnx", "tokenizer": "tokenizer.json", "max_tokens": 256},     (optional)
     "channels": {
       "user": {
         "weights": "ngram-user.i16",
         "bias": -1.2, "scale": 0.0005,      m = bias + scale * sum(w[indices]) / sqrt(n)
         "alone": [1.0, 0.0],                z = alone[0] * m + alone[1]: what m means without the encoder
         "grey": [-4.0, 3.0],                where z lies between, the encoder is asked, if there is one
         "column": 0,                        which output of the encoder is this channel's
         "stacked": [0.5, 0.8, -0.1],        z = stacked[0] * m + stacked[1] * encoder + stacked[2]
         "many": 0.3,                        of k pieces the text's z is max(z) - many * ln(k)
         "lengths": [500, 1000, 2000, 4000, 8000],       edges of the buckets, in characters of the normalised text
         "offsets": {"en": [0, 0, 0, 0, 0, 0], "": [0.4, 0, 0, 0, 0, 0]},    by language, "" for any other; subtracted
         "threshold": 1.5,                   of z after all that: from here on it is an attack
         "flag": 0.2,                        from here on it is worth a mark
         "spread": 3.0},                     score = 1 / (1 + exp(-(z - threshold) / spread)): 0.5 is the threshold
       "data": {…,
         "likeness": {"file": "likeness.f32", "times": 4.0, "usual": 0.3}}}}      (optional, of sentences only)
              where the encoder was asked: z = stacked[0] * m + … - times * (likeness - usual)

Pieces are those of ``pieces.py``: windows of the user channel, sentences of the data channel, each of normalised text.
Languages are those of ``language.py``.
"""
