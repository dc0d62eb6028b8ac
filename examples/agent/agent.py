"""A tool-using agent whose every step is recorded with caribou.

It is asked why a checkout service became slow and looks for the answer in the files of `workspace/`. Without a key it
talks to a small local server that speaks OpenAI's wire format and plays a fixed part; with `OPENAI_API_KEY` (and, for
other endpoints, `OPENAI_BASE_URL`) the same program runs against a real model:

    python examples/agent/agent.py
    OPENAI_API_KEY=sk-... python examples/agent/agent.py --model gpt-4o
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

from openai import OpenAI
from scripted_model import serve_scripted_model
from tools import TOOL_DEFINITIONS, ToolError, run_tool

import caribou
from caribou import Event, Grade, Message, ToolExecution

PROJECT_NAME = "checkout-agent"
MAX_TURNS = 12
SYSTEM_PROMPT = (
    "You are an on-call engineer. Find out what the user asks by reading the files of the service with your tools. "
    "Look before you conclude, quote the evidence, and end with the smallest change that fixes the problem."
)
QUESTION = "Checkout became slow yesterday afternoon. What happened, and what should we change?"
USD_PER_INPUT_TOKEN = 2.5e-6
USD_PER_OUTPUT_TOKEN = 1e-5


def main() -> None:
    """Records one rollout and prints the page that shows it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="gpt-4o", help="model to ask (default: %(default)s)")
    parser.add_argument("--question", default=QUESTION)
    arguments = parser.parse_args()

    caribou.configure(run_id=PROJECT_NAME, phase="prod")
    kestrel = caribou.get_kestrel_client()
    if kestrel.enabled:
        kestrel.get_or_create_project(name=PROJECT_NAME)

    with model_endpoint() as client:
        url = answer(client, arguments.model, arguments.question)
    delivered = caribou.flush()
    caribou.shutdown()
    print(f"\nThe rollout: {url}" if delivered else "\nThe rollout was not delivered: is Kestrel running?")


@contextlib.contextmanager
def model_endpoint() -> Iterator[OpenAI]:
    """A client of the real endpoint if there is a key, else of the scripted one."""
    if os.environ.get("OPENAI_API_KEY"):
        yield OpenAI()
        return
    with serve_scripted_model() as base_url:
        yield OpenAI(base_url=base_url, api_key="not-needed")


def answer(client: OpenAI, model: str, question: str) -> str | None:
    """Runs the agent loop within one rollout; returns the address of its page."""
    request_id = f"req_{uuid.uuid4().hex[:12]}"
    with caribou.trace_run({"datapoint_id": request_id, "phase": "prod", "model_name": model}):
        caribou.add_tags("example", "on-call")
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": question},
        ]
        for message in messages:
            caribou.log(Message(role=message["role"], content=message["content"]))

        caribou.log(Event(name="agent_start", details={"max_turns": MAX_TURNS, "tools": len(TOOL_DEFINITIONS)}))
        tool_call_count = 0
        for _ in range(MAX_TURNS):
            reply = ask(client, model, messages)
            messages.append(reply)
            for call in reply.get("tool_calls") or []:
                messages.append(execute(call))
                tool_call_count += 1
            if not reply.get("tool_calls"):
                caribou.log(grade(reply.get("content") or ""))
                caribou.set_status(caribou.RolloutStatus.COMPLETED)
                break
        else:
            caribou.set_status(caribou.RolloutStatus.TRUNCATED, f"no answer after {MAX_TURNS} turns")

        caribou.add_meta({"request_id": request_id, "tool_call_count": tool_call_count})
        return caribou.trace_url()


def ask(client: OpenAI, model: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """One model call, logged with what it used; returns the assistant's message."""
    started = time.monotonic()
    completion = client.chat.completions.create(model=model, messages=messages, tools=TOOL_DEFINITIONS)  # type: ignore[call-overload]
    duration_ms = round((time.monotonic() - started) * 1000)
    choice, usage = completion.choices[0], completion.usage
    reply = choice.message.model_dump(exclude_none=True)
    reasoning = reply.pop("reasoning_content", None)
    caribou.log(
        Message(
            role="assistant",
            content=reply.get("content"),
            tool_calls=reply.get("tool_calls"),
            model=completion.model,
            provider="openai",
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cached_input_tokens=usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None,
            cost_usd=usage.prompt_tokens * USD_PER_INPUT_TOKEN + usage.completion_tokens * USD_PER_OUTPUT_TOKEN,
            duration_ms=duration_ms,
            reasoning=reasoning,
            finish_reason=choice.finish_reason,
        )
    )
    return reply


def execute(call: dict[str, Any]) -> dict[str, Any]:
    """Runs one tool call and logs it; returns the message that answers it."""
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    started = time.monotonic()
    result, error = "", None
    try:
        result = run_tool(name, json.loads(arguments))
    except (ToolError, json.JSONDecodeError) as problem:
        error = str(problem)
    caribou.log(
        ToolExecution(
            name=name,
            call_id=call["id"],
            arguments=arguments,
            result=result or None,
            error=error,
            requestor="agent",
            duration_ms=max(1, round((time.monotonic() - started) * 1000)),
        )
    )
    return {"role": "tool", "tool_call_id": call["id"], "content": error or result}


def grade(answer_text: str) -> Grade:
    """Checks the answer against what is known of the incident."""
    text = answer_text.lower()
    criteria = [
        {"type": "names_the_deploy", "passed": "2291" in text, "weight": 2, "reason": "deploy 2291 changed the pool"},
        {"type": "names_the_cause", "passed": "pool" in text, "weight": 2, "reason": "the connection pool ran dry"},
        {
            "type": "quotes_evidence",
            "passed": "p95" in text,
            "weight": 1,
            "reason": "latency.csv shows the jump in p95",
        },
        {
            "type": "warns_of_risk",
            "passed": "risk" in text,
            "weight": 1,
            "reason": "the database has a limit of its own",
        },
    ]
    for criterion in criteria:
        criterion["score"] = 1.0 if criterion["passed"] else 0.0
    total = sum(int(criterion["weight"]) for criterion in criteria)  # type: ignore[call-overload]
    reached = sum(int(criterion["weight"]) for criterion in criteria if criterion["passed"])  # type: ignore[call-overload]
    passed_count = sum(1 for criterion in criteria if criterion["passed"])
    return Grade(
        score=reached / total,
        grader_type="IncidentReview",
        reasoning=f"{passed_count} of {len(criteria)} criteria hold for the final answer.",
        criteria=criteria,
        passed_count=passed_count,
        total_count=len(criteria),
    )


if __name__ == "__main__":
    main()
