/** A coding agent's rollout that shows every kind of item and viewer. */
import { Recorder, type Rollout } from "./recorder.ts";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFUlEQVR4nGP8z8DwnwEbYMIqOmQlACHAAgy3c0tMAAAAAElFTkSuQmCC";

export function codingRollout(
  now: number,
  id: string,
  state: "ended" | "running" = "ended",
): Rollout {
  const r = new Recorder({
    trace_id: id,
    started_at: new Date(now - 42 * 60_000).toISOString(),
    name: state === "running" ? "repair flaky test (live)" : "repair flaky test in scheduler",
    phase: "train",
    project: "swe",
    run_id: "swe-grpo-7",
    step_number: 130,
    datapoint_id: "scheduler-118",
    sample_index: state === "running" ? 1 : 0,
    env_name: "swe-docker",
    model_name: "policy-7b",
    models: ["policy-7b", "judge-large"],
    grader_name: "hidden_tests",
    policy_version: "step-129",
  });
  r.event("env.ready", { image: "swe/scheduler:118", boot_ms: 5120 });
  r.message("system", {
    content: `You are a careful software engineer.\n\n${Array.from({ length: 24 }, (_, n) => `${n + 1}. Guideline number ${n + 1}: keep changes small and run the tests.`).join("\n")}`,
  });
  r.message("user", {
    content: [
      {
        type: "text",
        text: "The test `test_retry_backoff` fails about one time in ten. **Find out why and repair it.**\n\nThe dashboard shows this:",
      },
      { type: "image_url", image_url: { url: PIXEL } },
      { type: "image_url", image_url: { url: "https://example.com/chart.png" } },
    ],
  });
  r.message("assistant", {
    reasoning:
      "The failure is intermittent, so timing is the first suspect. I should look at the test and at how the scheduler takes the time.\n\nFirst read the test, then run it many times.",
    content: "I'll start by reading the test and the code under test.",
    tool_calls: [
      {
        id: "c1",
        type: "function",
        function: { name: "read_file", arguments: '{"path":"tests/test_retry.py"}' },
      },
      {
        id: "c2",
        type: "function",
        function: {
          name: "bash",
          arguments: '{"command":"pytest -x -q tests/test_retry.py --count 20"}',
        },
      },
    ],
    model: "policy-7b",
    provider: "vllm",
    input_tokens: 2412,
    cached_input_tokens: 1900,
    output_tokens: 188,
    reasoning_tokens: 96,
    cost_usd: 0.0031,
    duration_ms: 2310,
    finish_reason: "tool_calls",
  });
  r.tool("read_file", {
    call_id: "c1",
    arguments: { path: "tests/test_retry.py" },
    duration_ms: 12,
    requestor: "agent",
    result: `import time\n\nimport pytest\n\nfrom scheduler import Backoff, Job\n\n\n@pytest.fixture\ndef job():\n    return Job("demo", backoff=Backoff(base=0.1, factor=2))\n\n\ndef test_retry_backoff(job):\n    started = time.time()\n    for attempt in range(3):\n        job.fail()\n        assert job.next_run - started >= 0.1 * 2 ** attempt\n        started = time.time()\n`,
  });
  r.tool("bash", {
    call_id: "c2",
    arguments: '{"command":"pytest -x -q tests/test_retry.py --count 20"}',
    duration_ms: 8123,
    requestor: "agent",
    result:
      "\u001b[1m============ test session starts ============\u001b[0m\ncollected 20 items\n\ntests/test_retry.py \u001b[32m.\u001b[0m\u001b[32m.\u001b[0m\u001b[32m.\u001b[0m\u001b[31mF\u001b[0m\n\n\u001b[31m\u001b[1mFAILED\u001b[0m tests/test_retry.py::test_retry_backoff[4] - \u001b[1mAssertionError\u001b[0m: assert 0.0997 >= 0.1\n\u001b[33m!!!!!!!!! stopping after 1 failures !!!!!!!!!\u001b[0m\n\u001b[31m1 failed\u001b[0m, \u001b[32m3 passed\u001b[0m in 7.91s",
  });
  r.message("assistant", {
    content:
      "The clock is the culprit: `time.time()` is not monotonic.\n\n| Source | Monotonic | Resolution |\n|---|---|---|\n| `time.time()` | no | 1 µs |\n| `time.monotonic()` | yes | 1 ns |\n\n```python\nclass Job:\n    def fail(self) -> None:\n        self.attempts += 1\n        self.next_run = time.monotonic() + self.backoff.delay(self.attempts)\n```\n\nI'll change both, see [the docs](https://docs.python.org/3/library/time.html).",
    tool_calls: [
      {
        id: "c3",
        type: "function",
        function: {
          name: "str_replace",
          arguments: JSON.stringify({
            path: "scheduler/job.py",
            old_str:
              "        self.next_run = time.time() + self.backoff.delay(self.attempts)\n        self.log()\n",
            new_str:
              "        self.next_run = time.monotonic() + self.backoff.delay(self.attempts)\n        self.log()\n",
          }),
        },
      },
    ],
    model: "policy-7b",
    provider: "vllm",
    input_tokens: 3620,
    cached_input_tokens: 2400,
    output_tokens: 240,
    cost_usd: 0.0042,
    duration_ms: 3105,
  });
  r.tool("str_replace", {
    call_id: "c3",
    arguments: JSON.stringify({
      path: "scheduler/job.py",
      old_str:
        "        self.next_run = time.time() + self.backoff.delay(self.attempts)\n        self.log()\n",
      new_str:
        "        self.next_run = time.monotonic() + self.backoff.delay(self.attempts)\n        self.log()\n",
    }),
    duration_ms: 3,
    result:
      "--- a/scheduler/job.py\n+++ b/scheduler/job.py\n@@ -41,7 +41,7 @@ class Job:\n     def fail(self) -> None:\n         self.attempts += 1\n-        self.next_run = time.time() + self.backoff.delay(self.attempts)\n+        self.next_run = time.monotonic() + self.backoff.delay(self.attempts)\n         self.log()\n",
  });
  r.group("reviewer", { model: "policy-7b", role: "sub-agent" }, () => {
    r.message("user", {
      content: "Review this change: is every reader of `next_run` on the same clock?",
    });
    r.message("assistant", {
      content: null,
      tool_calls: [{ id: "c4", function: { name: "grep", arguments: '{"pattern":"next_run"}' } }],
      model: "policy-7b",
      input_tokens: 800,
      output_tokens: 22,
      duration_ms: 700,
    });
    r.tool("grep", {
      call_id: "c4",
      arguments: { pattern: "next_run" },
      duration_ms: 31,
      result: JSON.stringify([
        { file: "scheduler/job.py", line: 43, text: "self.next_run = …" },
        { file: "scheduler/queue.py", line: 12, text: "heap by job.next_run" },
        { file: "tests/test_retry.py", line: 16, text: "assert job.next_run" },
      ]),
    });
    r.message("assistant", {
      content: "`queue.py` compares with `time.time()`: change it as well.",
      model: "policy-7b",
      input_tokens: 1100,
      output_tokens: 30,
      duration_ms: 800,
    });
  });
  r.message("assistant", {
    content: null,
    tool_calls: [
      {
        id: "c5",
        function: { name: "bash", arguments: '{"command":"docker exec box pytest -q"}' },
      },
      { id: "c6", function: { name: "notify", arguments: '{"channel":"ci"}' } },
    ],
    model: "policy-7b",
    input_tokens: 4100,
    cached_input_tokens: 3600,
    output_tokens: 31,
    duration_ms: 900,
  });
  r.tool("bash", {
    call_id: "c5",
    arguments: { command: "docker exec box pytest -q" },
    duration_ms: 30_000,
    error: "TimeoutError: no output for 30 s",
    error_type: "TimeoutError",
    traceback:
      'Traceback (most recent call last):\n  File "/env/tools.py", line 88, in run\n    return await asyncio.wait_for(process.communicate(), 30)\n  File "/usr/lib/python3.12/asyncio/tasks.py", line 520, in wait_for\n    raise TimeoutError from exc\nTimeoutError: no output for 30 s',
  });
  callsOfAForeignAgent(r);
  if (state === "running")
    return r.finish({
      state,
      status: "PENDING",
      started_at: new Date(Date.now() - 90_000).toISOString(),
      last_seen_at: new Date().toISOString(),
    });
  r.message("assistant", {
    content:
      "Done: the scheduler, its queue and the test now use the monotonic clock. 200 of 200 runs pass.",
    model: "policy-7b",
    input_tokens: 5200,
    cached_input_tokens: 4100,
    output_tokens: 64,
    cost_usd: 0.0055,
    duration_ms: 1200,
    finish_reason: "stop",
  });
  r.message("user", {
    grader_name: "rubric",
    content: "Judge the patch by the rubric. Answer as JSON.",
    model: "judge-large",
  });
  r.message("assistant", {
    grader_name: "rubric",
    content: '{"clean": true, "minimal": true, "explained": false}',
    model: "judge-large",
    input_tokens: 1800,
    output_tokens: 44,
    cost_usd: 0.012,
    duration_ms: 1900,
  });
  r.grade(0.67, {
    grader_type: "rubric",
    grader_version: "3",
    reasoning: "Clean and minimal, but the commit does not explain **why** the clock matters.",
    criteria: [
      { type: "clean", passed: true, score: 1, weight: 1, reason: "no dead code" },
      { type: "minimal", passed: true, score: 1, weight: 1, reason: "4 lines in 3 files" },
      {
        type: "explained",
        passed: false,
        score: 0,
        weight: 1,
        reason: "the message says what, not why",
      },
    ],
    passed_count: 2,
    total_count: 3,
  });
  r.grade(1, {
    grader_type: "hidden_tests",
    reasoning: "41 of 41 hidden tests pass.",
    criteria: [{ type: "hidden_tests", passed: true, score: 1 }],
    passed_count: 41,
    total_count: 41,
    artifacts: { junit: "41 passed", seconds: 12.4 },
  });
  return r.finish({
    status: "TOOL_ERROR",
    error_message: "TimeoutError: no output for 30 s",
    error_type: "TimeoutError",
    score: 1,
    tags: ["ablation_v2", "clock", "kept"],
    metadata: { lines_changed: 4, tool_call_count: 5, sampler: { temperature: 0.8, top_p: 0.95 } },
    session_id: "sess-11",
    user_id: "u-7",
  });
}

function callsOfAForeignAgent(r: Recorder): void {
  const question = {
    role: "user",
    parts: [{ type: "text", content: "Which commit introduced `time.time()`?" }],
  };
  const call = {
    role: "assistant",
    parts: [
      {
        type: "tool_call",
        id: "f1",
        name: "git_blame",
        arguments: { file: "scheduler/job.py", line: 43 },
      },
    ],
  };
  const answer = {
    role: "tool",
    parts: [
      { type: "tool_call_response", id: "f1", response: "9f3c2a1 (2019-03-02) first version" },
    ],
  };
  r.group(
    "invoke_agent historian",
    { "gen_ai.agent.name": "historian", "gen_ai.operation.name": "invoke_agent" },
    () => {
      r.add("model_call", {
        span_kind: "otel",
        span_name: "chat gpt-4o-mini",
        model: "gpt-4o-mini",
        provider: "openai",
        input: [question],
        output: [{ ...call, finish_reason: "tool_calls" }],
        input_tokens: 120,
        output_tokens: 18,
        duration_ms: 640,
        scope_name: "opentelemetry.instrumentation.openai_v2",
      });
      r.add("tool", {
        span_kind: "tool",
        span_name: "execute_tool git_blame",
        name: "git_blame",
        call_id: "f1",
        arguments: { file: "scheduler/job.py", line: 43 },
        result: "9f3c2a1 (2019-03-02) first version",
        duration_ms: 22,
      });
      r.add("model_call", {
        span_kind: "otel",
        span_name: "chat gpt-4o-mini",
        model: "gpt-4o-mini",
        provider: "openai",
        input: [question, call, answer],
        output: [
          {
            role: "assistant",
            parts: [{ type: "text", content: "It came with the very first version, `9f3c2a1`." }],
          },
        ],
        input_tokens: 170,
        output_tokens: 21,
        duration_ms: 580,
      });
      r.add("otel", {
        span_kind: "otel",
        span_name: "HTTP GET /commits",
        attributes: {
          "http.request.method": "GET",
          "http.response.status_code": 200,
          "url.path": "/commits",
        },
        duration_ms: 45,
        scope_name: "requests",
      });
    },
    "agent",
  );
}
