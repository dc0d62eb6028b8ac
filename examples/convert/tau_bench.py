"""Turns a trajectory file of tau-bench into rollouts: a converter of past rollouts, in forty lines.

The file is a list of `{task_id, trial, reward, traj}` where `traj` holds OpenAI-style messages. A task becomes a
datapoint, its trials become samples of it, the reward becomes the grade, and a tool message becomes the execution of
the tool call that it answers:

    python examples/convert/tau_bench.py gpt-4o-airline.json --run-id tau-airline-gpt-4o
"""

from __future__ import annotations

import argparse
import json
import uuid
from pathlib import Path
from typing import Any

import caribou
from caribou import Grade, Message, ToolExecution

MODEL = "gpt-4o"


def record(rollouts: list[dict[str, Any]], run_id: str, project: str = "tau-bench") -> list[str]:
    """Records every rollout; returns their trace ids in the same order."""
    caribou.configure(run_id=run_id, phase="eval", project=project, env_name="airline", model_name=MODEL)
    return [record_rollout(rollout) for rollout in rollouts]


def record_rollout(rollout: dict[str, Any]) -> str:
    """Records one trajectory with its reward; returns the trace id."""
    keys = {"datapoint_id": f"task-{rollout['task_id']}", "phase": "eval", "sample_index": rollout["trial"]}
    with caribou.trace_run(keys) as trace_id:
        calls: dict[str, dict[str, Any]] = {}
        for index, message in enumerate(rollout["traj"]):
            for call in message.get("tool_calls") or []:
                calls[call["id"]] = call
            if message["role"] == "tool":
                caribou.log(tool_execution(message, calls))
            else:
                caribou.log(conversation_message(message, index))
        caribou.log(Grade(score=rollout["reward"], grader_type="TauReward", reasoning="reward of the environment"))
        caribou.set_status(caribou.RolloutStatus.COMPLETED)
    return trace_id


def conversation_message(message: dict[str, Any], index: int) -> Message:
    """A message as it stands; its place in the trajectory goes into `input_tokens`, as the file has no usage."""
    is_reply = message["role"] == "assistant"
    return Message(
        role=message["role"],
        content=message["content"],
        tool_calls=message.get("tool_calls"),
        model=MODEL if is_reply else None,
        provider="openai" if is_reply else None,
        input_tokens=index,
    )


def tool_execution(message: dict[str, Any], calls: dict[str, dict[str, Any]]) -> ToolExecution:
    """A tool message joined with the call that it answers."""
    call = calls.get(message["tool_call_id"])
    failed = message["content"].startswith("Error")
    return ToolExecution(
        name=message["name"],
        call_id=message["tool_call_id"],
        arguments=call["function"]["arguments"] if call else None,
        result=message["content"],
        error=message["content"] if failed else None,
        requestor="agent",
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--run-id", default=f"tau-{uuid.uuid4().hex[:8]}")
    arguments = parser.parse_args()
    trace_ids = record(json.loads(arguments.file.read_text()), arguments.run_id)
    delivered = caribou.flush(timeout=60)
    caribou.shutdown()
    print(f"{len(trace_ids)} rollouts recorded" if delivered else "not everything was delivered: is Kestrel running?")


if __name__ == "__main__":
    main()
