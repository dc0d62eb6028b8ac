import { createContext, createElement, useContext, type ReactNode } from "react";
import type { TraceDetail } from "../../api/types";
import { ImageProject } from "../../components/viewers/ImageProject";
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

interface TraceProviderProps {
  value: OpenTrace;
  children: ReactNode;
}

/** Gives what is below it the rollout that is on screen; its images are those of its project. */
export function TraceProvider({ value, children }: TraceProviderProps) {
  const project = value.detail.project;
  return createElement(
    TraceContext,
    { value },
    createElement(ImageProject, { value: project }, children),
  );
}

/** The rollout that is on screen. */
export function useOpenTrace(): OpenTrace {
  const trace = useContext(TraceContext);
  if (!trace) throw new Error("useOpenTrace needs a TraceProvider above it");
  return trace;
}
