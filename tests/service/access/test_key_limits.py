"""The limits of a key: requests a second and at the same time; one greedy caller takes nothing from the others."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from in_process import in_process, problem
from made_keys import NOW, bearer, made_keys
from samples import machine_records, sample_detector, sample_record
from serving import Start
from wire import answer_from, request, wired

from service.access.callers import KeyRing
from service.access.keys import new_key, write_keys
from service.access.limits import Limits, Meter
from service.access.roles import Role

BODY = json.dumps(sample_record())
BODIES = {"small": BODY, "large": json.dumps([sample_record()] * 500), "refused": "{"}


def metered(**limits: float) -> tuple[Meter, list[float]]:
    now = [100.0]
    return Meter(Limits(**limits), lambda: now[0]), now  # type: ignore[arg-type]


def test_a_bucket_holds_a_second_of_requests_and_fills_with_time() -> None:
    meter, now = metered(rate=4)
    assert [meter.begin() is None for _ in range(6)] == [True] * 4 + [False] * 2
    now[0] += 0.25
    assert [meter.begin() is None for _ in range(2)] == [True, False]
    now[0] += 1_000
    assert sum(meter.begin() is None for _ in range(10)) == 4


def test_a_rate_below_one_takes_one_and_says_when_the_next_may_come() -> None:
    meter, now = metered(rate=0.1)
    assert meter.begin() is None
    assert meter.begin() == "This key may send 0.1 requests a second"
    assert meter.seconds_until_next() == 10
    now[0] += 9.5
    assert meter.begin() is not None
    assert meter.seconds_until_next() == 1
    now[0] += 0.5
    assert meter.begin() is None


def test_requests_at_the_same_time_are_counted_until_they_end() -> None:
    meter, _ = metered(concurrent=2)
    assert [meter.begin() is None for _ in range(3)] == [True, True, False]
    meter.end()
    assert [meter.begin() is None for _ in range(2)] == [True, False]


def test_what_was_counted_goes_on_when_the_keys_change() -> None:
    text, key = new_key("a", Role.SCORE, now=NOW, concurrent=1)
    _, other = new_key("b", Role.SCORE, now=NOW)
    before = KeyRing([key], Limits(concurrent=9))
    first = before.owner_of(text.encode())
    assert first is not None
    assert first.meter is not None
    assert first.meter.begin() is None
    after = before.changed_to([other, key]).owner_of(text.encode())
    assert after is not None
    assert after.meter is first.meter
    assert after.meter.begin() is not None


def test_the_settings_limit_keys_without_limits_of_their_own() -> None:
    made = [new_key("a", Role.SCORE, now=NOW), new_key("b", Role.SCORE, now=NOW, rate=5)]
    ring = KeyRing([key for _, key in made], Limits(rate=1, concurrent=2))
    owners = [ring.owner_of(text.encode()) for text, _ in made]
    meters = [owner.meter for owner in owners if owner is not None]
    assert [meter.limits for meter in meters if meter is not None] == [Limits(1, 2), Limits(5, 2)]


@pytest.fixture(params=[True, False], ids=["fast path on", "fast path off"])
def fast(request: pytest.FixtureRequest) -> Iterator[bool]:
    yield request.param


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_more_requests_a_second_are_answered_429(fast: bool, body: str, tmp_path: Path) -> None:
    keys = made_keys(tmp_path / "keys.json", rate=0.01)
    with in_process(sample_detector(), fast_path=fast, keys=tmp_path / "keys.json") as service:
        first = service.post(body, **bearer(keys[Role.SCORE]))
        assert first.status_code in (200, 400)
        second = service.post(body, **bearer(keys[Role.SCORE]))
        assert "This key may send 0.01 requests a second. Send it again after" in problem(second, 429)["detail"]
        assert 90 < int(second.headers["retry-after"]) <= 100
        assert service.post(body, **bearer(keys[Role.OPERATE])).status_code == first.status_code
        assert service.request("GET", "/healthz").status_code == 200


def test_requests_one_after_the_other_are_never_too_many_at_once(fast: bool, tmp_path: Path) -> None:
    """Whatever becomes of a request, it ends."""
    keys = made_keys(tmp_path / "keys.json", concurrent=1)
    key = bearer(keys[Role.SCORE])
    with in_process(sample_detector(), fast_path=fast, keys=tmp_path / "keys.json", max_rows=600) as service:
        bodies = [*BODIES.values(), json.dumps([sample_record()] * 601), "[" * 5_000, '{"a": 1}']
        for body in bodies * 3:
            assert service.post(body, **key).status_code != 429
            assert service.post(body, **key, accept="text/csv").status_code != 429
            assert service.post(body, path="/score/stream", **key).status_code != 429
        assert service.request("GET", "/detector", headers=key).status_code == 200


def test_more_requests_at_the_same_time_are_answered_429(fast: bool, tmp_path: Path) -> None:
    keys = made_keys(tmp_path / "keys.json", concurrent=2)
    one = request(BODY.encode(), headers=[f"Authorization: Bearer {keys[Role.SCORE]}"])
    late = one[:-1]  # with its last byte, a request is whole
    with wired(sample_detector(), keys=tmp_path / "keys.json", fast_path=fast) as wire:
        assert Counter(status for status, _, _ in wire.together([one] * 5)) == {200: 2, 429: 3}
        with wire.connect() as first, wire.connect() as second, wire.connect() as third:
            for connection in (first, second):
                connection.sendall(late)
            time.sleep(0.3)  # longer than the protocol waits for the rest: the routes have them
            third.sendall(one)
            assert answer_from(third)[0] == 429
            first.sendall(one[-1:])
            assert answer_from(first)[0] == 200
            third.sendall(one)
            assert answer_from(third)[0] == 200
            second.close()
            time.sleep(0.2)
            assert [status for status, _, _ in wire.together([one])] == [200]


def test_one_greedy_key_does_not_starve_the_others(bundle_path: Path, start: Start, tmp_path: Path) -> None:
    """Sixteen connections send all they can by one key; who asks one by one by another key is always answered."""
    greedy, greedy_key = new_key("greedy", Role.SCORE, now=NOW, rate=50, concurrent=4)
    modest, modest_key = new_key("modest", Role.SCORE, now=NOW)
    write_keys(tmp_path / "keys.json", [greedy_key, modest_key])
    small = json.dumps(machine_records(1, seed=1)[0])
    large = json.dumps(machine_records(2_000, seed=1))
    done, counts = threading.Event(), Counter[int]()

    def hammer(url: httpx.URL, body: str) -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while not done.is_set():
                answer = client.post("/score", content=body, headers=bearer(greedy))
                counts[answer.status_code] += 1

    with start(bundle_path, "--keys", str(tmp_path / "keys.json")) as service:
        url = service.client.base_url
        threads = [threading.Thread(target=hammer, args=(url, small if i % 4 else large)) for i in range(16)]
        for thread in threads:
            thread.start()
        statuses = [
            service.client.post("/score", content=small, headers=bearer(modest)).status_code for _ in range(100)
        ]
        done.set()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 100
    assert counts[429] > 0
    assert set(counts) <= {200, 429}
