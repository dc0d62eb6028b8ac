/** Rollouts of an airline service agent: real ones where `CARIBOU_REAL_DATA` leads to them, else made up in the same shape. */
import { readFile } from "node:fs/promises";
import { Recorder, type Rollout } from "./recorder.ts";

interface Call {
  id: string;
  function: { name: string; arguments: string };
}

interface PastMessage {
  role: string;
  content: string | null;
  name?: string;
  tool_calls?: Call[];
  tool_call_id?: string;
}

interface Past {
  task_id: number;
  trial: number;
  reward: number;
  traj: PastMessage[];
}

export async function airlineRollouts(now: number): Promise<Rollout[]> {
  const past = (await realPast()) ?? madeUpPast();
  return past.map((entry, place) => convert(entry, now - (past.length - place) * 7 * 60_000));
}

async function realPast(): Promise<Past[] | null> {
  const folder = process.env["CARIBOU_REAL_DATA"];
  if (!folder) return null;
  const text = await readFile(`${folder}/tau-airline.json`, "utf8");
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- a file of known shape
  return JSON.parse(text) as Past[];
}

function convert(past: Past, start: number): Rollout {
  const id = (past.task_id * 4 + past.trial + 1).toString(16).padStart(8, "a");
  const recorder = new Recorder({
    trace_id: id.padEnd(32, "0f3c5b"),
    started_at: new Date(start).toISOString(),
    name: null,
    project: "airline",
    run_id: "gpt-4o-airline",
    step_number: 12,
    datapoint_id: `task-${past.task_id}`,
    sample_index: past.trial,
    env_name: "tau-airline",
    model_name: "gpt-4o",
    models: ["gpt-4o"],
    grader_name: "tau_reward",
  });
  let context = 0;
  const calls = new Map<string, Call>();
  for (const message of past.traj) {
    const size = Math.ceil((message.content?.length ?? 60) / 4);
    for (const call of message.tool_calls ?? []) calls.set(call.id, call);
    if (message.role === "assistant") {
      recorder.message("assistant", {
        content: message.content,
        ...(message.tool_calls ? { tool_calls: message.tool_calls } : {}),
        model: "gpt-4o",
        provider: "openai",
        input_tokens: context,
        cached_input_tokens: Math.floor(context * 0.8),
        output_tokens: size,
        cost_usd: context * 0.0000025 + size * 0.00001,
        duration_ms: 600 + size * 14,
        finish_reason: message.tool_calls ? "tool_calls" : "stop",
      });
    } else if (message.role === "tool") {
      const failed = message.content?.startsWith("Error") === true;
      recorder.tool(message.name ?? "tool", {
        ...(message.tool_call_id ? { call_id: message.tool_call_id } : {}),
        arguments: calls.get(message.tool_call_id ?? "")?.function.arguments ?? "{}",
        result: message.content,
        ...(failed && message.content ? { error: message.content } : {}),
        requestor: "agent",
        duration_ms: 4 + (size % 40),
      });
    } else {
      recorder.pass(1500).message(message.role, { content: message.content });
    }
    context += size;
  }
  recorder.pass(300).grade(past.reward, {
    grader_type: "tau_reward",
    reasoning:
      past.reward === 1
        ? "The final database state equals the expected one."
        : "The final database state differs from the expected one.",
    criteria: [
      {
        type: "database_state",
        passed: past.reward === 1,
        score: past.reward,
        weight: 1,
        reason: "hash of the final state against the expected",
      },
      {
        type: "outputs",
        passed: true,
        score: 1,
        weight: 0.5,
        reason: "every required output was said",
      },
    ],
    passed_count: past.reward === 1 ? 2 : 1,
    total_count: 2,
  });
  return recorder.finish({
    status: past.task_id % 17 === 5 ? "TRUNCATED" : "COMPLETED",
    tags: past.trial === 0 ? ["baseline"] : ["baseline", `trial-${past.trial}`],
    metadata: {
      task_id: past.task_id,
      trial: past.trial,
      user_cost: 0.0035,
      tools: ["get_user_details", "search_direct_flight"],
    },
  });
}

function madeUpPast(): Past[] {
  const past: Past[] = [];
  for (let task = 0; task < 50; task += 1) {
    for (let trial = 0; trial < 4; trial += 1) {
      past.push({
        task_id: task,
        trial,
        reward: (task * 7 + trial * 3) % 5 < 2 ? 1 : 0,
        traj: madeUpTrajectory(task, trial),
      });
    }
  }
  return past;
}

function madeUpTrajectory(task: number, trial: number): PastMessage[] {
  const policy = Array.from(
    { length: 30 },
    (_, line) =>
      `- Rule ${line + 1}: ask for explicit confirmation before changing booking ${task}.`,
  );
  const messages: PastMessage[] = [
    { role: "system", content: `# Airline Agent Policy\n\n${policy.join("\n")}` },
    {
      role: "user",
      content: `Hi, I want to move my flight of May ${10 + (task % 15)} to a later one.`,
    },
  ];
  for (let turn = 0; turn < 4 + ((task + trial) % 6); turn += 1) {
    const id = `call_${task}_${trial}_${turn}`;
    messages.push(
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id,
            function: {
              name: "get_reservation_details",
              arguments: `{"reservation_id":"R${task}${turn}"}`,
            },
          },
        ],
      },
      {
        role: "tool",
        name: "get_reservation_details",
        tool_call_id: id,
        content: JSON.stringify({
          reservation_id: `R${task}${turn}`,
          cabin: "economy",
          flights: [{ flight_number: "HAT136", date: "2024-05-20" }],
          total_baggages: 2,
        }),
      },
      {
        role: "assistant",
        content: `I found reservation **R${task}${turn}**. Shall I change it?\n\n1. HAT136, 11:00\n2. HAT039, 15:00`,
      },
      { role: "user", content: "Yes, please take the second one." },
    );
  }
  return messages;
}
