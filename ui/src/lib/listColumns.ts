/** Columns of the list of rollouts. */
import type { TraceSummary } from "../api/types";
import { formatCost, formatCount, formatDuration, formatExact } from "./format";

export type ColumnId =
  | "status"
  | "score"
  | "name"
  | "model"
  | "project"
  | "run"
  | "step"
  | "datapoint"
  | "environment"
  | "turns"
  | "spans"
  | "tokens_in"
  | "tokens_out"
  | "cost"
  | "duration"
  | "started"
  | "tags";

export interface Column {
  id: ColumnId;
  title: string;
  /** Where there is room for more than the title. */
  longTitle?: string;
  width: number;
  /** Name in `sort`, where the server can sort by it in budget. */
  sort?: string;
  number?: boolean;
  /** Shown until the user chooses otherwise. */
  initially: boolean;
  /** Plain text of the cell; cells without are drawn by the list itself. */
  text?: (trace: TraceSummary) => string;
  /** Exact value on hover. */
  exact?: (trace: TraceSummary) => string;
}

export const NAME_MIN_WIDTH = 140;

/** What the name has to keep before another column is shown unasked. */
const NAME_GOOD_WIDTH = 220;

/** Widths where nothing may scroll sideways. */
const FITTED: Partial<Record<ColumnId, number>> = {
  status: 34,
  score: 92,
  name: 182,
  started: 92,
};

export const COLUMNS: readonly Column[] = [
  { id: "status", title: "Status", width: 138, initially: true },
  { id: "score", title: "Score", width: 104, sort: "score", number: true, initially: true },
  { id: "name", title: "Name or first message", width: 300, initially: true },
  {
    id: "model",
    title: "Model",
    width: 110,
    initially: true,
    text: (trace) => trace.model_name ?? "",
  },
  { id: "project", title: "Project", width: 110, initially: false, text: (trace) => trace.project },
  { id: "run", title: "Run", width: 120, initially: true, text: (trace) => trace.run_id ?? "" },
  {
    id: "step",
    title: "Step",
    width: 54,
    number: true,
    initially: true,
    text: (trace) => text(trace.step_number),
  },
  {
    id: "datapoint",
    title: "Datapoint",
    width: 104,
    initially: true,
    text: (trace) => trace.datapoint_id ?? "",
  },
  {
    id: "environment",
    title: "Environment",
    width: 110,
    initially: false,
    text: (trace) => trace.env_name ?? "",
  },
  {
    id: "turns",
    title: "Turns",
    width: 64,
    sort: "turn_count",
    number: true,
    initially: true,
    text: (trace) => formatExact(trace.turn_count),
  },
  {
    id: "spans",
    title: "Spans",
    width: 66,
    sort: "span_count",
    number: true,
    initially: false,
    text: (trace) => formatExact(trace.span_count),
  },
  {
    id: "tokens_in",
    title: "In",
    longTitle: "Tokens in",
    width: 60,
    sort: "input_tokens",
    number: true,
    initially: true,
    text: (trace) => formatCount(trace.input_tokens),
    exact: (trace) =>
      `${formatExact(trace.input_tokens)} tokens in, ${formatExact(trace.cached_input_tokens)} cached`,
  },
  {
    id: "tokens_out",
    title: "Out",
    longTitle: "Tokens out",
    width: 60,
    sort: "output_tokens",
    number: true,
    initially: true,
    text: (trace) => formatCount(trace.output_tokens),
    exact: (trace) => `${formatExact(trace.output_tokens)} tokens out`,
  },
  {
    id: "cost",
    title: "Cost",
    width: 76,
    sort: "cost_usd",
    number: true,
    initially: true,
    text: (trace) => formatCost(trace.cost_usd),
    exact: (trace) => (trace.cost_usd === null ? "" : `$${trace.cost_usd}`),
  },
  {
    id: "duration",
    title: "Duration",
    width: 80,
    sort: "duration_ms",
    number: true,
    initially: true,
    text: (trace) => formatDuration(trace.duration_ms),
    exact: (trace) => `${trace.duration_ms} ms`,
  },
  { id: "started", title: "Started", width: 92, sort: "started_at", number: true, initially: true },
  { id: "tags", title: "Tags", width: 140, initially: true },
];

/** What stays beside the name, in this order, where there is little room. */
const IMPORTANCE: readonly ColumnId[] = [
  "status",
  "score",
  "started",
  "turns",
  "duration",
  "cost",
  "model",
  "step",
  "run",
  "datapoint",
  "tokens_out",
  "tokens_in",
  "tags",
  "project",
  "environment",
  "spans",
];

function text(value: number | null): string {
  return value === null ? "" : String(value);
}

export interface ColumnChoice {
  shown: ColumnId[];
  widths: Record<string, number>;
}

export const DEFAULT_CHOICE: ColumnChoice = {
  shown: COLUMNS.filter((column) => column.initially).map((column) => column.id),
  widths: {},
};

export interface PlacedColumn extends Column {
  /** Width in pixels; the name takes what is left. */
  width: number;
  /** True where there is room for a sign only. */
  compact?: boolean;
}

/**
 * The columns to show. Where `compact` says that nothing may scroll sideways, as many of the chosen ones as fit, each
 * as narrow as can be; else what the user chose, or as many of the usual ones as fit while nobody chose.
 */
export function placeColumns(choice: ColumnChoice, room: number, compact: boolean): PlacedColumn[] {
  const chosen = COLUMNS.filter((column) => choice.shown.includes(column.id)).map((column) => ({
    ...column,
    width: choice.widths[column.id] ?? column.width,
  }));
  if (compact) {
    const narrowed = chosen.map((column) => ({
      ...column,
      width: FITTED[column.id] ?? column.width,
      compact: column.id === "status",
    }));
    return fitting(narrowed, room, FITTED.name ?? 0);
  }
  if (isChosen(choice) || room === 0) return chosen;
  const nameWidth = choice.widths["name"] ?? NAME_GOOD_WIDTH;
  return fitting(chosen, room, nameWidth);
}

function isChosen({ shown }: ColumnChoice): boolean {
  const usual = DEFAULT_CHOICE.shown;
  return shown.length !== usual.length || !usual.every((id) => shown.includes(id));
}

/** The name, and of the others those that fit beside it. */
function fitting(columns: PlacedColumn[], room: number, nameWidth: number): PlacedColumn[] {
  const kept = new Set<ColumnId>(["name"]);
  let left = room - nameWidth;
  for (const id of IMPORTANCE) {
    const column = columns.find((candidate) => candidate.id === id);
    if (!column || column.width > left) continue;
    kept.add(id);
    left -= column.width;
  }
  return columns.filter((column) => kept.has(column.id));
}

/** What the menu says of a column: whether it is on screen, and whether it can be. */
export interface ColumnOffer {
  column: Column;
  shown: boolean;
  hasRoom: boolean;
}

export function offerColumns(
  choice: ColumnChoice,
  room: number,
  compact: boolean,
): readonly ColumnOffer[] {
  const placed = new Set(placeColumns(choice, room, compact).map(({ id }) => id));
  return COLUMNS.map((column) => {
    const shown = placed.has(column.id);
    const wished = { ...choice, shown: [...new Set([...choice.shown, column.id])] };
    const hasRoom =
      shown || !compact || placeColumns(wished, room, true).some(({ id }) => id === column.id);
    return { column, shown, hasRoom };
  });
}

/**
 * The choice after a column was put on or off the screen. Who first changes something starts from what is on screen;
 * where columns are left out for want of room alone, they stay chosen.
 */
export function toggleColumn(
  choice: ColumnChoice,
  id: ColumnId,
  room: number,
  compact: boolean,
): ColumnChoice {
  const seen = compact
    ? choice.shown
    : placeColumns(choice, room, false).map((column) => column.id);
  const shown = seen.includes(id) ? seen.filter((other) => other !== id) : [...seen, id];
  return { ...choice, shown };
}

/** `grid-template-columns` for placed columns. */
export function gridTemplate(columns: PlacedColumn[], resizedName: number | undefined): string {
  return columns
    .map((column) =>
      column.id === "name"
        ? `minmax(${resizedName ?? NAME_MIN_WIDTH}px, ${resizedName === undefined ? "1fr" : `${resizedName}px`})`
        : `${column.width}px`,
    )
    .join(" ");
}
