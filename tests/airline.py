"""The airline rollouts: real ones where `CARIBOU_REAL_DATA` names their folder, else made ones of the same shape."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

TEXT = "I need to change my flight reservation please confirm the payment economy business Zürich 東京 — 🛫"


def airline_rollouts() -> list[dict[str, Any]]:
    """A list of `{task_id, trial, reward, traj}`, 200 long."""
    folder = os.environ.get("CARIBOU_REAL_DATA")
    if folder:
        rollouts: list[dict[str, Any]] = json.loads((Path(folder) / "tau-airline.json").read_text())
        return rollouts
    chance = random.Random(42)
    return [made_rollout(chance, task_id, trial) for trial in range(4) for task_id in range(50)]


def made_rollout(chance: random.Random, task_id: int, trial: int) -> dict[str, Any]:
    """One rollout of the shape of the real ones."""

    def text(words: int) -> str:
        return " ".join(chance.choice(TEXT.split()) for _ in range(words))

    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "# Policy\n\n" + text(400)},
        {"role": "user", "content": text(20)},
    ]
    for turn in range(chance.randint(3, 14)):
        call_id = f"call_{task_id}_{trial}_{turn}"
        function = {"name": "get_reservation", "arguments": json.dumps({"id": text(1)})}
        messages += [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": call_id, "type": "function", "function": function}],
            },
            {
                "role": "tool",
                "tool_call_id": call_id,
                "name": "get_reservation",
                "content": json.dumps({"answer": text(60)}),
            },
            {"role": "assistant", "content": text(50)},
            {"role": "user", "content": text(12)},
        ]
    return {"task_id": task_id, "trial": trial, "reward": float((task_id + trial) % 3 == 0), "traj": messages}
