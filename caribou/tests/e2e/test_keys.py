"""Which mistakes raise, and which are told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from otlp_sink import OtlpSink

import caribou
from caribou import CaribouError, Event, Message


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("datapointid", "datapoint_id"), ("model", "model_name"), ("step", "step_number"), ("traceid", "trace_id")],
)
def test_an_unknown_key_names_the_nearest_known_one(lenient: OtlpSink, key: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f'{key}.*did you mean "{nearest}"'):
        caribou.trace_run({"datapoint_id": "d", key: "x"}).__enter__()


def test_an_absent_datapoint_is_an_error(lenient: OtlpSink) -> None:
    with pytest.raises(ValueError, match="datapoint_id"), caribou.trace_run({"phase": "eval"}):
        pass


def test_an_absent_phase_is_an_error_unless_configured(program: Callable[..., Any]) -> None:
    program(
        """
        import caribou
        try:
            with caribou.trace_run(datapoint_id="d"):
                raise SystemExit("no error")
        except ValueError as error:
            assert "train" in str(error) and "configure" in str(error), error
        caribou.configure(phase="eval")
        with caribou.trace_run(datapoint_id="d"):
            pass
        """
    )


@pytest.mark.parametrize("phase", ["production", "TRAIN", 5])
def test_an_unknown_phase_is_an_error(lenient: OtlpSink, phase: Any) -> None:
    with pytest.raises(ValueError, match="train"), caribou.trace_run(datapoint_id="d", phase=phase):
        pass
    with pytest.raises(ValueError, match="train"):
        caribou.configure(phase=phase)


@pytest.mark.parametrize("url", ["kestrel", "ftp://kestrel", ""])
def test_a_url_that_is_none_is_an_error_and_changes_nothing(lenient: OtlpSink, url: str) -> None:
    if url:
        with pytest.raises(ValueError, match="http"):
            caribou.configure(kestrel_api_url=url, run_id="never")
    with caribou.trace_run(datapoint_id="d"):
        pass
    assert caribou.flush()
    assert lenient.root().run_id == "test-run"


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_key_without_a_value_is_a_warning(
    lenient: OtlpSink, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    before = caribou.stats()["warnings"]
    with caribou.trace_run(datapoint_id=value, phase=value) as trace_id:
        caribou.log(Event("e"))
    assert caribou.flush()
    assert lenient.root().trace_id == trace_id
    assert caribou.stats()["warnings"] == before + 2


def test_logging_outside_of_a_rollout_is_told_once_and_counted(program: Callable[..., Any]) -> None:
    done = program(
        """
        import caribou
        from caribou import Message
        caribou.configure(run_id="r", phase="eval")
        for _ in range(3):
            caribou.log(Message("user", "x"))
        caribou.add_meta({"a": 1}); caribou.add_tags("t"); caribou.set_status("COMPLETED"); caribou.set_error("e")
        caribou.increment_turn(); caribou.increment_intra(); caribou.set_turn_index(1); caribou.set_intra_index(1)
        caribou.inject({})
        with caribou.span("s"):
            pass
        stats = caribou.stats()
        assert stats["unrecorded"] == 13, stats
        assert stats["logged"] == 0
        """
    )
    assert done.stderr.count("outside of a trace_run") == 1
    assert "bind" in done.stderr


def test_in_strict_mode_mistakes_raise(recorded: OtlpSink) -> None:
    with pytest.raises(CaribouError, match="bind"):
        caribou.log(Message("user", "x"))
    with pytest.raises(CaribouError, match="input_tokens"), caribou.trace_run(datapoint_id="d"):
        caribou.log(Message("user", "x", input_tokens="many"))  # type: ignore[arg-type]
    with pytest.raises(CaribouError, match="datapoint_id"), caribou.trace_run(datapoint_id=None):
        pass
    with pytest.raises(CaribouError, match="half"), caribou.trace_run(datapoint_id="d"):
        caribou.set_status("half")


def test_production_without_a_run_uses_the_project_and_warns_once(program: Callable[..., Any], sink: OtlpSink) -> None:
    done = program(
        """
        import caribou
        for _ in range(2):
            with caribou.trace_run(datapoint_id="d", phase="prod", step_number=3):
                pass
        """,
        CARIBOU_PROJECT="my-project",
    )
    assert done.stderr.count("without a run_id") == 1
    assert done.stderr.count("step_number") == 1
    roots = sink.spans(item_type="rollout")
    assert [(span.project, span.run_id, span.step_number) for span in roots] == [("my-project", "my-project", 3)] * 2


def test_a_step_is_any_whole_number(program: Callable[..., Any], sink: OtlpSink) -> None:
    done = program(
        """
        import caribou
        for step in (-1, "12", 2**70, "late"):
            with caribou.trace_run(datapoint_id="d", step_number=step):
                pass
        """,
        CARIBOU_PHASE="train",
    )
    assert done.stderr.count("step_number must be a whole number of 64 bits;") == 2
    assert [span.step_number for span in sink.spans(item_type="rollout")] == [-1, 12, None, None]


def test_production_without_anything_is_recorded_under_default(program: Callable[..., Any], sink: OtlpSink) -> None:
    program("import caribou\nwith caribou.trace_run(datapoint_id='d', phase='prod'): pass\n")
    assert sink.root().project == "default"


def test_a_function_as_meta_is_only_for_decorators(recorded: OtlpSink) -> None:
    with pytest.raises(ValueError, match="decorates"), caribou.trace_run(lambda: {"datapoint_id": "d"}):
        pass


class Unprintable:
    """What has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_what_has_no_text_breaks_no_program(lenient: OtlpSink) -> None:
    value: Any = Unprintable()
    before = caribou.stats()["warnings"]
    with caribou.trace_run(datapoint_id="d"):
        caribou.add_tags(value)
        caribou.set_error(value)
        caribou.set_status("ERROR", value)
        with caribou.span(value), caribou.extract(value):
            pass
        caribou.inject(value)
        caribou.log(Event("after"))
    assert caribou.trace_url(value) is not None
    assert caribou.flush()
    assert caribou.stats()["warnings"] > before
    root = next(span for span in lenient.spans(item_type="rollout") if not span.parent_span_id)
    assert root.rollout_status == "ERROR"
    assert lenient.one(name="<unconvertible>").item_type == "group"
    assert lenient.one(name="after")


def test_what_has_no_text_raises_in_strict_mode(recorded: OtlpSink) -> None:
    with pytest.raises(CaribouError, match=r"set_error.*Unprintable"), caribou.trace_run(datapoint_id="d"):
        caribou.set_error(Unprintable())  # type: ignore[arg-type]


def test_a_timeout_that_is_none_is_the_usual_one(lenient: OtlpSink) -> None:
    assert caribou.flush(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"tags": 5}, {"spool_dir": 5}])
def test_an_argument_of_another_kind_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        caribou.configure(**given)


def test_decorating_without_keys_is_an_error_that_shows_how(recorded: OtlpSink) -> None:
    @caribou.trace_run
    def work(question: str) -> str:
        return question

    with pytest.raises(ValueError, match="@trace_run"):
        work("6 times 7")  # type: ignore[arg-type]
