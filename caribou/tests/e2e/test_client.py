"""The client of Kestrel's API, as far as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from otlp_sink import Answer, OtlpSink

import caribou


def test_a_project_is_registered(recorded: OtlpSink) -> None:
    kestrel = caribou.get_kestrel_client()
    assert kestrel.enabled
    project = kestrel.get_or_create_project(name="my-project")
    assert project == caribou.Project("my-project", "my-project", f"{recorded.url}/projects/my-project")
    assert kestrel.get_or_create_project("my-project") == project
    assert recorded.requests[0]["path"] == "/api/v1/projects"
    assert recorded.requests[0]["content-type"] == "application/json"


def test_a_project_without_a_name_is_an_error(recorded: OtlpSink) -> None:
    with pytest.raises(ValueError, match="name"):
        caribou.get_kestrel_client().get_or_create_project(name=None)  # type: ignore[arg-type]
    assert recorded.requests == []


def test_a_busy_server_is_asked_again(recorded: OtlpSink) -> None:
    recorded.answers += [Answer(503), Answer(429, {"Retry-After": "0"})]
    assert caribou.get_kestrel_client().get_or_create_project(name="p") is not None


def test_a_refusal_is_an_error_with_status_and_message(recorded: OtlpSink) -> None:
    recorded.answers.append(Answer(400, body=b'{"error": {"message": "no", "type": "invalid_request", "code": "x"}}'))
    with pytest.raises(caribou.KestrelError, match=r"get_or_create_project.*HTTP 400: no") as error:
        caribou.get_kestrel_client().get_or_create_project(name="")
    assert error.value.status == 400
    assert isinstance(error.value, caribou.CaribouError)


def test_without_kestrel_it_is_off_within_moments_and_says_so_once(program: Callable[..., Any]) -> None:
    done = program(
        """
        import caribou
        kestrel = caribou.get_kestrel_client()
        if not kestrel.enabled:
            assert kestrel.get_or_create_project(name="a") is None
            assert kestrel.get_or_create_project(name="b") is None
            print("off")
        """,
        KESTREL_API_URL="",
    )
    # A Kestrel that really runs on this machine makes the client rightly enabled.
    if "off" in done.stdout:
        assert done.stderr.count("nothing is registered") == 1


def test_a_named_kestrel_that_is_away_is_an_error(recorded: OtlpSink) -> None:
    caribou.configure(kestrel_api_url="http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(caribou.KestrelError) as error:
        caribou.get_kestrel_client().get_or_create_project(name="p")
    caribou.configure(kestrel_api_url=recorded.url)
    assert error.value.status is None
    assert time.monotonic() - started < 60


def test_what_is_not_there_yet_does_not_exist() -> None:
    client = caribou.get_kestrel_client()
    assert not hasattr(client, "create_run")
