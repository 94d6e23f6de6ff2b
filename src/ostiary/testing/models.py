"""The smallest model files that the format allow-list lets by, for tests that need some file and no model.

>>> from ostiary.artifacts import check_format
>>> check_format("model.txt", lightgbm_text("evil").encode())
>>> check_format("model.safetensors", safetensors_bytes(1.5))
"""

import json
import struct

_TREE = """Tree=0
num_leaves=1
num_cat=0
split_feature=
split_gain=
threshold=
decision_type=
left_child=
right_child=
leaf_value=0.5
leaf_weight=
leaf_count=
internal_value=
internal_weight=
internal_count=
is_linear=0
shrinkage=1


"""


def lightgbm_text(word: str = "good") -> str:
    """Return a LightGBM model of one leaf; ``word`` (letters) makes it differ from others."""
    return (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\n"
        f"objective=regression\nfeature_names={word}\nfeature_infos=none\ntree_sizes={len(_TREE)}\n\n"
        f"{_TREE}end of trees\n\nfeature_importances:\n\nparameters:\n[boosting: gbdt]\n\nend of parameters\n"
    )


def safetensors_bytes(*numbers: float, name: str = "w") -> bytes:
    """Return a safetensors file of one tensor of 32-bit floats."""
    span = {"dtype": "F32", "shape": [len(numbers)], "data_offsets": [0, 4 * len(numbers)]}
    header = json.dumps({name: span}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + struct.pack(f"<{len(numbers)}f", *numbers)
