"""Scores with the Python client: python score.py [ADDRESS]."""

import sys

import pandas as pd

from service.client import DetectorClient, ServiceError

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"

with DetectorClient(address) as client:
    detector = client.detector()
    record = detector.card["example"]  # one that the detector knows

    result = client.score([record, record], explain=2)
    for scored in result.records:
        columns = ", ".join(item.feature for item in scored.contributions)
        print(f"{scored.anomaly_score:.3f} {'anomaly' if scored.is_anomaly else 'usual'}, mostly by {columns}")

    frame = pd.DataFrame([record] * 3)
    print(client.score_frame(frame)[["anomaly_score", "p_value", "is_anomaly"]].to_string())

    try:
        client.score({})
    except ServiceError as error:
        print(f"refused with {error.status}: {len(error.places)} fields, the first is {error.places[0].field!r}")
