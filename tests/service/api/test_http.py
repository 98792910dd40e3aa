from __future__ import annotations

import csv
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from conftest import Trained
from hypothesis import given
from hypothesis import strategies as st
from in_process import problem, strict
from samples import machine_records

from models.detector import Detector
from service.__main__ import _parser
from service.api.schemas import MOST_VALUES
from service.app import create_app, load_settings
from service.operations import OPERATIONS, score_items
from service.registry import Registry
from service.settings import Settings, flag_of, spelt
from service.streaming.bodies import too_long
from service.web.content import too_slow
from service.web.problems import too_large, too_many_rows

RECORDS = machine_records(40, seed=7)
PARITY = 1e-5


def post(client: httpx.Client, content: Any, path: str = "/score", **query: Any) -> dict[str, Any]:
    answer = client.post(path, json=content, params=query)
    assert answer.status_code == 200, answer.text
    return strict(answer)


def scores(answer: dict[str, Any]) -> list[float]:
    return [result["anomaly_score"] for result in answer["results"]]


def test_a_service_with_a_detector_is_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_the_answer_has_the_names_that_other_programs_rely_on(client: httpx.Client) -> None:
    answer = post(client, RECORDS[0], explain=1)
    assert {"detector", "version", "threshold", "results"} <= answer.keys()
    [result] = answer["results"]
    assert {"anomaly_score", "p_value", "is_anomaly", "contributions", "reason"} <= result.keys()
    assert result["contributions"][0].keys() == {"feature", "contribution", "actual", "expected"}


def test_the_reason_is_the_same_however_many_columns_are_explained(client: httpx.Client, detector: Detector) -> None:
    verdicts = detector.score_records(RECORDS)
    reasons = [verdicts.reason(row) for row in range(len(verdicts))]
    for explain in (1, 3, 1000):
        assert [result["reason"] for result in post(client, RECORDS, explain=explain)["results"]] == reasons
        lines = client.post("/score", json=RECORDS, params={"explain": explain}, headers={"Accept": "text/csv"}).text
        assert [row["reason"] for row in csv.DictReader(lines.splitlines())] == reasons
    assert all("reason" not in result for result in post(client, RECORDS)["results"])


def test_the_three_shapes_of_a_request_get_the_scores_of_the_detector(client: httpx.Client, detector: Detector) -> None:
    expected = pytest.approx(detector.score_records(RECORDS).anomaly_score.tolist(), rel=PARITY)
    rows = {"columns": list(RECORDS[0]), "rows": [list(record.values()) for record in RECORDS]}
    assert scores(post(client, RECORDS)) == expected
    assert scores(post(client, rows)) == expected
    assert [scores(post(client, record))[0] for record in RECORDS] == expected


def test_fields_and_columns_may_come_in_any_order(client: httpx.Client) -> None:
    turned = [dict(reversed(record.items())) for record in RECORDS]
    rows = {"columns": list(turned[0]), "rows": [list(record.values()) for record in turned]}
    expected = pytest.approx(scores(post(client, RECORDS)), rel=PARITY)
    assert scores(post(client, turned)) == expected
    assert scores(post(client, rows)) == expected


def test_case_16_reordered_keys_score_the_same(base: Trained, cases: Path, start: Any) -> None:
    with start(base.bundle) as service:
        plain, turned = (
            [json.loads(line) for line in (cases / name).read_text().splitlines()]
            for name in ("base_score.jsonl", "16_reordered.jsonl")
        )
        expected = scores(post(service.client, plain))
        assert scores(post(service.client, turned)) == pytest.approx(expected, rel=PARITY)
        assert sorted(sorted(range(33), key=expected.__getitem__)[-3:]) == [7, 18, 29]


def test_the_contributions_of_all_columns_sum_to_the_score(client: httpx.Client, detector: Detector) -> None:
    for result in post(client, RECORDS, explain=1000)["results"]:
        parts = [item["contribution"] for item in result["contributions"]]
        assert len(parts) == len(detector.schema.columns)
        assert parts == sorted(parts, reverse=True)
        assert sum(parts) == pytest.approx(result["anomaly_score"], rel=1e-12)


def test_the_broken_column_is_named_with_a_better_value(client: httpx.Client) -> None:
    broken = RECORDS[0] | {"flow": 400.0}
    [result] = post(client, broken, explain=2)["results"]
    assert result["is_anomaly"]
    named = {item["feature"]: item for item in result["contributions"]}
    assert named["flow"]["actual"] == 400.0
    assert 60 < named["flow"]["expected"] < 140


def test_ids_are_echoed(client: httpx.Client) -> None:
    assert [r["ids"]["serial"] for r in post(client, RECORDS)["results"]] == [r["serial"] for r in RECORDS]
    without = {name: value for name, value in RECORDS[0].items() if name != "serial"}
    assert post(client, without)["results"][0]["ids"] == {}


def test_unknown_fields_do_not_change_the_score(client: httpx.Client) -> None:
    assert scores(post(client, RECORDS[0] | {"colour": "red"})) == scores(post(client, RECORDS[0]))


def test_numbers_in_text_are_read(client: httpx.Client) -> None:
    as_text = RECORDS[0] | {"pressure": str(RECORDS[0]["pressure"])}
    assert scores(post(client, as_text)) == scores(post(client, RECORDS[0]))


def test_missing_unseen_and_absent_values_have_three_outcomes(client: httpx.Client) -> None:
    known = scores(post(client, RECORDS[0]))[0]
    [missing] = post(client, RECORDS[0] | {"mode": None}, explain=1000)["results"]
    assert next(i for i in missing["contributions"] if i["feature"] == "mode")["actual"] is None
    unseen = scores(post(client, RECORDS[0] | {"mode": "never seen"}))[0]
    assert unseen > known
    absent = {name: value for name, value in RECORDS[1].items() if name != "mode"}
    document = problem(client.post("/score", json=[RECORDS[0], absent]), 422)
    assert document["errors"] == [
        {"record": 1, "field": "mode", "problem": "is absent.", "remedy": "Send it, or null where it has no value."}
    ]


def test_case_17_a_missing_number_gives_a_finite_score(base: Trained, cases: Path, start: Any) -> None:
    records = [json.loads(line) for line in (cases / "17_missing_number.jsonl").read_text().splitlines()]
    with start(base.bundle) as service:
        answer = post(service.client, records, explain=5)
    assert all(isinstance(score, float) for score in scores(answer))
    temp = next(item for item in answer["results"][2]["contributions"] if item["feature"] == "temp")
    assert temp["actual"] is None


@pytest.mark.parametrize(
    ("content", "record", "field"),
    [
        ({"pressure": "high"}, 0, "pressure"),
        ({"pressure": True}, 0, "pressure"),
        ({"pressure": [1]}, 0, "pressure"),
        ({"pressure": int("9" * 400)}, 0, "pressure"),
        ({"valve_open": "perhaps"}, 0, "valve_open"),
        ({"mode": {"a": 1}}, 0, "mode"),
        ({"at": "yesterday"}, 0, "at"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(
    client: httpx.Client, content: dict[str, Any], record: int, field: str
) -> None:
    [error] = problem(client.post("/score", json=RECORDS[0] | content), 422)["errors"]
    assert (error["record"], error["field"]) == (record, field)
    assert error["remedy"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"pressure": NaN}', 400),
        (b'{"pressure": Infinity}', 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"3", 422),
        (b"null", 422),
        (b"[1, 2]", 422),
        (b'{"columns": ["pressure"], "rows": []}', 422),
        (b'{"columns": ["pressure"], "rows": [[1]]}', 422),
        (b'{"columns": ["pressure", "pressure"], "rows": [[1, 2]]}', 422),
        (b'{"columns": ["pressure"], "rows": [[1, 2]]}', 422),
        (b'{"columns": "pressure", "rows": [[1]]}', 422),
        (b'{"columns": ["pressure"], "rows": [1]}', 422),
        (b'{"columns": ["pressure"], "rows": 1}', 422),
    ],
)
def test_a_body_that_holds_no_records_is_a_problem_document(client: httpx.Client, body: bytes, status: int) -> None:
    answer = client.post("/score", content=body, headers={"content-type": "application/json"})
    assert problem(answer, status)["detail"]


def test_other_addresses_methods_types_and_queries_are_problem_documents(client: httpx.Client) -> None:
    problem(client.get("/nowhere"), 404)
    assert "POST" in client.get("/score").headers["allow"]
    problem(client.get("/score"), 405)
    problem(client.post("/score", content=b"a,b", headers={"content-type": "text/plain"}), 415)
    problem(client.post("/score", json=RECORDS, params={"explain": -1}), 422)


def test_bodies_and_rows_are_limited(bundle_path: Path, start: Any) -> None:
    with start(bundle_path, "--max-body-bytes", "2000", DETECTOR_MAX_ROWS="3") as service:
        post(service.client, RECORDS[:3])
        problem(service.client.post("/score", json=RECORDS[:4]), 413)
        problem(service.client.post("/score", json=RECORDS), 413)
        chunks = (b" " * 500 for _ in range(10))  # no length is declared
        answer = service.client.post("/score", content=chunks, headers={"content-type": "application/json"})
        problem(answer, 413)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(RECORDS[0])), inner, max_size=4),
    max_leaves=8,
)


@given(content=json_values | st.fixed_dictionaries(dict.fromkeys(RECORDS[0], json_values)))
def test_any_json_gets_scores_or_a_problem_document(service: Any, content: Any) -> None:
    headers = {"content-type": "application/json"}
    answer = service.client.post("/score?explain=3", content=json.dumps(content), headers=headers)
    assert answer.status_code in (200, 422)
    strict(answer)


def test_embeddings_are_as_wide_as_the_bottleneck(client: httpx.Client, trained: Trained) -> None:
    embeddings = post(client, RECORDS, "/embed")["embeddings"]
    assert len(embeddings) == len(RECORDS)
    assert {len(row) for row in embeddings} == {trained.result.learned.config.latent_units}


def test_reconstructions_are_in_the_users_units(client: httpx.Client) -> None:
    [expected] = post(client, RECORDS[0], "/reconstruct")["reconstructions"]
    assert 30 < expected["pressure"] < 70
    assert isinstance(expected["valve_open"], bool)
    assert isinstance(expected["mode"], str)
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d:\d\d", expected["at"])


def test_the_detector_is_described_with_an_example_that_can_be_scored(client: httpx.Client, detector: Detector) -> None:
    card = strict(client.get("/detector"))
    assert [column["name"] for column in card["columns"]] == list(detector.schema.names)
    assert card["threshold"]["value"] == detector.calibration.threshold
    assert card["training"]["metrics"]["roc_auc"] > 0.5
    assert {"keras", "tensorflow", "numpy", "python"} <= card["versions"].keys()
    assert not post(client, card["example"])["results"][0]["is_anomaly"]


def test_the_openapi_page_has_the_detectors_columns_and_examples_that_work(
    client: httpx.Client, detector: Detector
) -> None:
    document = strict(client.get("/openapi.json"))
    for path in (operation.path for operation in OPERATIONS.values()):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert list(body["schema"]["anyOf"][0]["properties"]) == list(detector.schema.names)
        for example in body["examples"].values():
            post(client, example["value"], path)


def test_case_18_every_leaf_of_an_answer_is_a_plain_python_value(detector: Detector) -> None:
    def leaves(value: Any) -> Any:
        if isinstance(value, dict):
            return [leaf for part in value.values() for leaf in leaves(part)]
        return [leaf for part in value for leaf in leaves(part)] if isinstance(value, list) else [value]

    answer = msgspec.to_builtins(list(score_items(detector.score_records(RECORDS), top=1000)))
    assert {type(leaf) for leaf in leaves(answer)} <= {str, int, float, bool, type(None)}


def test_case_3_sixteen_clients_at_once_get_the_scores_of_one(service: Any) -> None:
    serial = scores(post(service.client, RECORDS))
    address = str(service.client.base_url)

    def one_client(seed: int) -> None:
        order = list(range(len(RECORDS)))
        random.Random(seed).shuffle(order)
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            for number in order:
                assert scores(post(client, RECORDS[number])) == pytest.approx([serial[number]], rel=PARITY)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one_client, range(16)))


def test_case_20_the_service_is_alive_while_it_scores_many_records(service: Any) -> None:
    many = {"columns": list(RECORDS[0]), "rows": [list(r.values()) for r in RECORDS] * 500}
    polls: list[float] = []
    done = threading.Event()

    def poll() -> None:
        with httpx.Client(base_url=str(service.client.base_url), trust_env=False) as client:
            while not done.is_set():
                started = time.perf_counter()
                assert client.get("/healthz", timeout=1).status_code == 200  # a second is what is promised
                polls.append(time.perf_counter() - started)
                time.sleep(0.1)

    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(poll)
        try:
            while len(polls) < 10:
                assert len(post(service.client, many)["results"]) == 20_000
        finally:
            done.set()
        polling.result()


def test_case_21_a_request_in_flight_is_answered_after_sigterm(bundle_path: Path, start: Any) -> None:
    many = {"columns": list(RECORDS[0]), "rows": [list(r.values()) for r in RECORDS] * 2000}
    with start(bundle_path) as service, ThreadPoolExecutor(1) as pool:
        answering = pool.submit(post, service.client, many, explain=1)
        time.sleep(1)
        assert not answering.done(), "the request is to be in flight when the signal comes"
        service.process.send_signal(signal.SIGTERM)
        assert len(answering.result()["results"]) == 80_000
        assert service.process.wait(30) in (0, -signal.SIGTERM)


def test_serving_holds_neither_tensorflow_nor_much_memory(bundle_path: Path, start: Any) -> None:
    with start(bundle_path) as service:
        for _ in range(100):
            post(service.client, RECORDS)
        mapped = Path(f"/proc/{service.process.pid}/maps").read_text()
        assert service.memory_mb() < 150  # a promise of the design
    assert "onnxruntime" in mapped
    for library in ("tensorflow", "sklearn", "pandas", "pyarrow"):
        assert library not in mapped


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, "No detector is named"),
        (lambda folder: folder / "nothing", "there is no such folder"),
        (lambda folder: folder, "holds no bundle"),
    ],
)
@pytest.mark.parametrize("command", [["-m", "service"], ["-m", "uvicorn", "service.app:app", "--port", "0"]])
def test_a_detector_path_that_is_unset_or_broken_is_one_line_and_exit_code_2(
    tmp_path: Path, run_python: Any, command: list[str], prepare: Any, message: str
) -> None:
    path = prepare(tmp_path)
    done = run_python(*command, **({} if path is None else {"DETECTOR_PATH": str(path)}))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert message in line


def test_settings_outside_their_limits_are_named_by_variable(run_python: Any, bundle_path: Path) -> None:
    done = run_python("-m", "service", "--detector", bundle_path, DETECTOR_PORT="many", DETECTOR_MAX_ROWS="0")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "--port (DETECTOR_PORT): " in line
    assert "--max-rows (DETECTOR_MAX_ROWS): " in line


def test_variables_that_are_no_settings_are_named_in_one_line_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DETECTOR_MAX_ROW", "3")
    monkeypatch.setenv("DETECTOR_ZZZ", "3")
    monkeypatch.setenv("DETECTOR_MAX_ROWS", "7")
    assert load_settings().max_rows == 7
    [line] = caplog.messages
    assert line.startswith("ignored: DETECTOR_MAX_ROW (Did you mean DETECTOR_MAX_ROWS?), DETECTOR_ZZZ; no setting")


def test_a_limit_that_is_met_is_named_by_its_flag_and_its_variable() -> None:
    errors = [too_many_rows(3, 2), too_large(10), too_slow("x"), too_long("A line", 10, "Send shorter ones")]
    flags = ["--max-rows (DETECTOR_MAX_ROWS)", "--max-body-bytes (DETECTOR_MAX_BODY_BYTES)"]
    flags += ["--body-seconds (DETECTOR_BODY_SECONDS)", "--max-body-bytes (DETECTOR_MAX_BODY_BYTES)"]
    for error, flag in zip(errors, flags, strict=True):
        assert error.detail.endswith(f"raise {flag}.")


def test_every_flag_of_the_service_is_that_of_a_setting() -> None:
    flags = {flag for action in _parser()._actions for flag in action.option_strings}
    assert {flag_of(name) for name in Settings.model_fields} < flags
    with pytest.raises(KeyError):
        spelt("max_row")


def test_uvicorn_finds_the_app_by_its_variable(bundle_path: Path) -> None:
    command = [sys.executable, "-m", "uvicorn", "service.app:app", "--port", "0"]
    env = {"DETECTOR_PATH": str(bundle_path), "PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "running on" in line)
            address = line.split("running on ")[1].split(" ")[0]
            assert httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
        finally:
            process.kill()


def test_two_apps_with_other_settings_live_in_one_process(bundle_path: Path) -> None:
    registry = Registry.open(bundle_path)
    apps = [create_app(registry, load_settings(max_rows=rows)) for rows in (1, 2)]
    assert [app.state.settings.max_rows for app in apps] == [1, 2]


def test_an_answer_that_would_be_too_large_is_refused_before_it_is_made(client: httpx.Client) -> None:
    rows = {"columns": list(RECORDS[0]), "rows": [list(r.values()) for r in RECORDS] * 2400}
    assert len(rows["rows"]) * 6 > MOST_VALUES
    problem(client.post("/score", json=rows, params={"explain": 1000}), 413)
    problem(client.post("/reconstruct", json=rows), 413)


def test_columns_and_rows_can_be_the_names_of_features(client: httpx.Client) -> None:
    document = problem(client.post("/score", json={"columns": 1.0, "rows": 2.0}), 422)
    assert document["errors"][0]["field"] == "pressure"


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(service: Any, bundle_path: Path, run_python: Any) -> None:
    port = str(service.client.base_url.port)
    done = run_python("-m", "service", "--detector", bundle_path, "--port", port)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"127.0.0.1:{port} cannot be listened on" in line


def test_the_openapi_page_shows_problems_as_they_are_sent(client: httpx.Client) -> None:
    responses = strict(client.get("/openapi.json"))["paths"]["/score"]["post"]["responses"]
    assert {status for status in responses if status >= "400"} >= {"400", "413", "415", "422"}
    for status, answer in responses.items():
        assert next(iter(answer["content"])) == ("application/json" if status == "200" else "application/problem+json")


def test_the_docs_page_needs_nothing_from_the_internet(client: httpx.Client) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith("/docs/static/")
        assert client.get(address).status_code == 200
    assert "SwaggerUIBundle" in page
    assert "https://" not in page
