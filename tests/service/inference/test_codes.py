"""What each class of errors means over HTTP and gRPC stands in one table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import service.client.client
import service.files.score_files  # noqa: F401  # all that may define an error
from models.errors import BusyError, DetectorError, TooLargeError
from service.web.codes import CODES, GRPC_CODES
from service.web.problems import RequestError, request_error_of


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_every_class_of_errors_is_a_row():
    ours = {kind for kind in subclasses(DetectorError) if kind.__module__.partition(".")[0] in ("models", "service")}
    assert set(CODES) == ours
    assert set(subclasses(RequestError)) == {RequestError}  # has a status of its own


@pytest.mark.parametrize("kind", CODES)
def test_http_and_grpc_say_the_same(kind):
    status, code = CODES[kind]
    assert GRPC_CODES.get(status, "INTERNAL") == code


def test_an_error_keeps_its_words_and_gets_the_status_of_its_class():
    error = request_error_of(TooLargeError("There are too many."))
    assert (error.status, error.detail) == (413, "There are too many.")
    assert "Retry-After" in request_error_of(BusyError("Many are loaded.")).headers
