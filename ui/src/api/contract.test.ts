import { expectTypeOf, test } from "vitest";
import type { components } from "./generated";
import type { OutlineColumns } from "./outline";
import type { Project, Span, TraceDetail, TraceSummary } from "./types";

type Contract = components["schemas"];

// Checked by the compiler: a field that the server gains or loses has to be dealt with here.
test("the checked shapes have the fields of the OpenAPI document", () => {
  expectTypeOf<keyof TraceSummary>().toEqualTypeOf<keyof Contract["TraceSummary"]>();
  expectTypeOf<keyof TraceDetail>().toEqualTypeOf<keyof Contract["TraceDetail"]>();
  expectTypeOf<keyof Span>().toEqualTypeOf<keyof Contract["Span"]>();
  expectTypeOf<keyof OutlineColumns>().toEqualTypeOf<keyof Contract["TraceOutline"]>();
  expectTypeOf<keyof Project>().toEqualTypeOf<keyof Contract["Project"]>();
});
