import { describe, expect, test } from "vitest";
import {
  contentLine,
  contentParts,
  isShownImage,
  knownPrefix,
  plainMessages,
  toolCalls,
} from "./messages";

describe("content", () => {
  test("text is one part and nothing is none", () => {
    expect(contentParts("hello")).toEqual([{ type: "text", text: "hello" }]);
    expect(contentParts(null)).toEqual([]);
  });

  test("images of all conventions have an address", () => {
    const parts = contentParts([
      { type: "image_url", image_url: { url: "data:image/png;base64,AA" } },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } },
      { type: "blob", mime_type: "image/png", content: "AA" },
    ]);
    expect(parts).toEqual(Array(3).fill({ type: "image", url: "data:image/png;base64,AA" }));
  });

  test("stored files of all conventions have an address and, where one was given, a name", () => {
    const url = `caribou-image://${"0a".repeat(32)}?type=application%2Fpdf`;
    const named = { filename: "a.pdf", file_data: url };
    expect(
      contentParts([
        { type: "document", source: { type: "url", url } },
        { type: "document", source: { type: "url", url }, title: "a.pdf" },
        { type: "file", file: named },
        { type: "input_file", ...named },
        { type: "input_audio", input_audio: { data: url, format: "wav" } },
      ]),
    ).toEqual([
      { type: "image", url },
      { type: "image", url, name: "a.pdf" },
      { type: "image", url, name: "a.pdf" },
      { type: "image", url, name: "a.pdf" },
      { type: "image", url },
    ]);
    const elsewhere = { type: "document", source: { type: "url", url: "https://example.com/a" } };
    expect(contentParts([elsewhere])).toEqual([{ type: "value", value: elsewhere }]);
  });

  test("on one line it is its words, and images where they stand", () => {
    const url = `caribou-image://${"0a".repeat(32)}?type=image%2Fpng`;
    const parts = [
      { type: "image_url", image_url: { url } },
      { type: "text", text: "the interface" },
    ];
    expect(contentLine(parts)).toBe("[image] the interface");
    expect(contentLine(JSON.stringify(parts))).toBe("[image] the interface");
    expect(contentLine({ answer: 42 })).toBe("answer: 42");
    expect(contentLine("plain")).toBe("plain");
  });

  test("what is not understood is kept as a value", () => {
    const odd = { type: "hologram", depth: 3 };
    expect(contentParts([odd])).toEqual([{ type: "value", value: odd }]);
    expect(contentParts({ answer: 42 })).toEqual([{ type: "value", value: { answer: 42 } }]);
  });

  test("only images in the data or of this server are shown", () => {
    expect(isShownImage("data:image/png;base64,AA")).toBe(true);
    expect(isShownImage("data:image/svg+xml;base64,AA")).toBe(false);
    expect(isShownImage("https://example.com/a.png")).toBe(false);
  });
});

describe("tool calls", () => {
  test("are read from objects and from JSON text", () => {
    const call = { id: "c1", function: { name: "search", arguments: "{}" } };
    const expected = [{ id: "c1", name: "search", arguments: "{}" }];
    expect(toolCalls([call])).toEqual(expected);
    expect(toolCalls(JSON.stringify([call]))).toEqual(expected);
    expect(toolCalls("nonsense")).toEqual([]);
  });
});

describe("messages of a model call", () => {
  const user = { role: "user", parts: [{ type: "text", content: "hi" }] };
  const calling = {
    role: "assistant",
    parts: [{ type: "tool_call", id: "c", name: "f", arguments: { a: 1 } }],
  };
  const result = {
    role: "tool",
    parts: [{ type: "tool_call_response", id: "c", response: "done" }],
  };

  test("what the call before had read and written is known", () => {
    const before = [...plainMessages([user], "user"), ...plainMessages([calling], "assistant")];
    expect(knownPrefix(plainMessages([user, calling, result], "user"), before)).toBe(2);
  });

  test("another conversation shares nothing", () => {
    const other = plainMessages([{ role: "user", content: "bye" }], "user");
    expect(knownPrefix(plainMessages([user], "user"), other)).toBe(0);
  });

  test("text without any form is one message", () => {
    expect(plainMessages("just text", "user")).toEqual([
      { role: "user", parts: [{ type: "text", text: "just text" }] },
    ]);
  });
});
