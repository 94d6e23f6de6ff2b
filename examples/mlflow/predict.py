"""MLflow loads a model of the registry, verified before any loader sees it: python predict.py fraud production 1 2 3.

OSTIARY_URL, OSTIARY_TENANT, OSTIARY_MODEL_TRUST and OSTIARY_TOKEN_FILE say from where, whose signers are believed, and
as whom. What does not verify is not loaded: there is nothing to fall back to.
"""

import sys

import mlflow.pyfunc
import numpy as np


def predict(name: str, stage: str, row: list[float]) -> float:
    """Return the model's answer for one row."""
    model = mlflow.pyfunc.load_model(f"ostiary:/{name}/{stage}")
    return float(model.predict(np.array([row]))[0])


if __name__ == "__main__":
    print(predict(sys.argv[1], sys.argv[2], [float(one) for one in sys.argv[3:]]))
