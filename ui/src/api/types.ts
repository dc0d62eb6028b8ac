/** The names of the API that the rest of the program uses. */
import type * as v from "valibot";
import type * as schemas from "./schemas";

export type TraceSummary = v.InferOutput<typeof schemas.traceSummary>;
export type TraceDetail = v.InferOutput<typeof schemas.traceDetail>;
export type TracePage = v.InferOutput<typeof schemas.tracePage>;
export type { SpanOutline, TraceOutline } from "./outline";
export type Span = v.InferOutput<typeof schemas.span>;
export type SpanPage = v.InferOutput<typeof schemas.spanPage>;
export type SpanMatches = v.InferOutput<typeof schemas.spanMatches>;
export type Project = v.InferOutput<typeof schemas.project>;
export type ProjectPage = v.InferOutput<typeof schemas.projectPage>;
export type Facets = v.InferOutput<typeof schemas.facets>;
