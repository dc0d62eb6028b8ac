/** One form for messages, content parts and tool calls of all conventions (OpenAI, Anthropic, OTel parts). */
import { asText, isObject, parseStructure, toLine } from "./json";
import { fileKind, parseImageUrl } from "./storedImage";

export type Part =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "image"; url: string; name?: string }
  | { type: "tool_call"; call: ToolCall }
  | { type: "tool_result"; callId: string | null; result: unknown }
  | { type: "value"; value: unknown };

export interface ToolCall {
  id: string | null;
  name: string;
  arguments: unknown;
}

export interface PlainMessage {
  role: string;
  parts: Part[];
}

/** Content as parts; text is one part, null is none. */
export function contentParts(content: unknown): Part[] {
  if (content === null || content === undefined || content === "") return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [{ type: "value", value: content }];
  if (!content.every(isPart)) return [{ type: "value", value: content }];
  return content.map(toPart);
}

function isPart(part: unknown): boolean {
  return typeof part === "string" || (isObject(part) && typeof part["type"] === "string");
}

function toPart(part: unknown): Part {
  if (typeof part === "string") return { type: "text", text: part };
  if (!isObject(part)) return { type: "value", value: part };
  const text = asText(part["text"]) ?? asText(part["content"]);
  switch (part["type"]) {
    case "text":
    case "input_text":
    case "output_text":
      return text === null ? { type: "value", value: part } : { type: "text", text };
    case "reasoning":
    case "thinking":
      return { type: "reasoning", text: asText(part["thinking"]) ?? text ?? "" };
    case "image_url":
    case "input_image":
    case "image":
    case "blob":
    case "uri": {
      const url = imageUrl(part);
      return url === null ? { type: "value", value: part } : { type: "image", url };
    }
    case "tool_call":
    case "tool_use":
    case "function_call":
      return { type: "tool_call", call: toToolCall(part) };
    case "tool_call_response":
    case "tool_result":
      return {
        type: "tool_result",
        callId: asText(part["id"]) ?? asText(part["tool_use_id"]),
        result: part["response"] ?? part["result"] ?? part["content"],
      };
    case "document":
    case "file":
    case "input_file":
    case "input_audio":
    case "audio":
    case "video":
      return storedFile(part) ?? { type: "value", value: part };
    default:
      return { type: "value", value: part };
  }
}

/** A part that is a stored binary and its name, at the places where OpenAI, Anthropic and LiteLLM have them. */
function storedFile(part: Record<string, unknown>): Part | null {
  const inner = [part["file"], part["source"], part["input_audio"], part["audio"], part].find(
    isObject,
  );
  const urls = [inner?.["file_data"], inner?.["url"], inner?.["data"], inner?.["content"]];
  const url = urls.find((text) => typeof text === "string" && parseImageUrl(text) !== null);
  if (typeof url !== "string") return null;
  const name = asText(inner?.["filename"]) ?? asText(part["filename"]) ?? asText(part["title"]);
  return name === null ? { type: "image", url } : { type: "image", url, name };
}

/** Content on one line: the words of its parts, and in place of images that there is one. */
export function contentLine(content: unknown, limit?: number): string {
  const parsed = typeof content === "string" ? parseStructure(content) : content;
  const parts = Array.isArray(parsed) ? contentParts(parsed) : [];
  const plain = parts.filter((part) => part.type === "text" || part.type === "image");
  if (parts.length === 0 || plain.length < parts.length) return toLine(content, limit);
  const words = plain.map((part) => {
    if (part.type === "text") return part.text;
    const stored = parseImageUrl(part.url);
    return `[${stored ? fileKind(stored.type) : "image"}]`;
  });
  return toLine(words.join(" "), limit);
}

function imageUrl(part: Record<string, unknown>): string | null {
  const direct = part["image_url"] ?? part["url"] ?? part["uri"];
  if (typeof direct === "string") return direct;
  if (isObject(direct)) return asText(direct["url"]);
  const source = isObject(part["source"]) ? part["source"] : part;
  const data = asText(source["data"]) ?? asText(source["content"]);
  const mime = asText(source["media_type"]) ?? asText(source["mime_type"]);
  if (data !== null && mime?.startsWith("image/")) return `data:${mime};base64,${data}`;
  return asText(source["url"]);
}

// Shortened base64, as examples have it, is no image.
const SHOWN_IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/i;

/** Images in the data itself, of the kinds a browser may decode, are shown; all others are links. */
export function isShownImage(url: string): boolean {
  return SHOWN_IMAGE.test(url) || url.startsWith("/api/v1/images/");
}

/** Tool calls of a message, OpenAI-style or flat. */
export function toolCalls(value: unknown): ToolCall[] {
  const list = typeof value === "string" ? parseStructure(value) : value;
  return Array.isArray(list) ? list.filter(isObject).map(toToolCall) : [];
}

function toToolCall(call: Record<string, unknown>): ToolCall {
  const inner = isObject(call["function"]) ? call["function"] : call;
  return {
    id: asText(call["id"]) ?? asText(call["call_id"]),
    name: asText(inner["name"]) ?? "tool",
    arguments: inner["arguments"] ?? inner["input"] ?? null,
  };
}

/** Messages of a model call, as the many conventions write them. */
export function plainMessages(value: unknown, role: string): PlainMessage[] {
  const parsed = typeof value === "string" ? (parseStructure(value) ?? value) : value;
  if (parsed === null || parsed === undefined || parsed === "") return [];
  if (Array.isArray(parsed) && parsed.some(isMessage)) {
    return parsed.map((message) => plainMessage(message, role));
  }
  if (isObject(parsed) && Array.isArray(parsed["messages"])) {
    return plainMessages(parsed["messages"], role);
  }
  if (isMessage(parsed)) return [plainMessage(parsed, role)];
  return [{ role, parts: contentParts(parsed) }];
}

function isMessage(value: unknown): boolean {
  return isObject(value) && (typeof value["role"] === "string" || "parts" in value);
}

function plainMessage(message: unknown, role: string): PlainMessage {
  if (!isObject(message)) return { role, parts: contentParts(message) };
  const speaker = asText(message["role"]) ?? role;
  const parts = contentParts(message["parts"] ?? message["content"]);
  const reasoning = asText(message["reasoning"]) ?? asText(message["reasoning_content"]);
  if (reasoning) parts.unshift({ type: "reasoning", text: reasoning });
  for (const call of toolCalls(message["tool_calls"])) parts.push({ type: "tool_call", call });
  if (speaker === "tool" && typeof message["tool_call_id"] === "string") {
    const result = message["parts"] ?? message["content"];
    return {
      role: speaker,
      parts: [{ type: "tool_result", callId: message["tool_call_id"], result }],
    };
  }
  return { role: speaker, parts };
}

/** How many messages at the start of `messages` the call before had already read or written. */
export function knownPrefix(messages: PlainMessage[], before: PlainMessage[]): number {
  let known = 0;
  for (const [place, message] of messages.entries()) {
    const earlier = before[place];
    if (!earlier || JSON.stringify(earlier) !== JSON.stringify(message)) break;
    known = place + 1;
  }
  return known;
}
