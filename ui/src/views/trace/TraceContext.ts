import { createContext, useContext } from "react";
import type { TraceDetail } from "../../api/types";
import type { Transcript } from "../../lib/transcript";

export interface OpenTrace {
  detail: TraceDetail;
  transcript: Transcript;
  selected: string | null;
  /** Marks a span and puts it into the address. */
  select: (spanId: string) => void;
  /** Marks a span and shows its raw JSON beside the transcript. */
  inspect: (spanId: string) => void;
}

const TraceContext = createContext<OpenTrace | null>(null);

export const TraceProvider = TraceContext.Provider;

/** The rollout that is on screen. */
export function useOpenTrace(): OpenTrace {
  const trace = useContext(TraceContext);
  if (!trace) throw new Error("useOpenTrace needs a TraceProvider above it");
  return trace;
}
