/** Numbers, durations and times as people read them. */

const ABSENT = "–";

/** `850 ms`, `4.2 s`, `3m 05s`, `2h 04m`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return ABSENT;
  if (ms < 1) return ms <= 0 ? "0 ms" : `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

/** A duration as people read it, and in milliseconds where that says more. */
export function formatExactDuration(ms: number | null | undefined): string | null {
  if (ms === null || ms === undefined) return null;
  const human = formatDuration(ms);
  return ms < 1000 ? human : `${human} (${formatExact(Math.round(ms))} ms)`;
}

/** Time since the start of a rollout: `0.0`, `4.2`, `3:05`, `2:04:00`. */
export function formatOffset(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = pad(whole % 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** `999`, `1.2k`, `45k`, `3.4M`. */
export function formatCount(value: number | null | undefined): string {
  if (value === null || value === undefined) return ABSENT;
  if (Math.abs(value) < 1000) return String(value);
  const units: [number, string][] = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  for (const [size, unit] of units) {
    if (Math.abs(value) >= size * 0.9995) {
      const scaled = value / size;
      return `${scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)}${unit}`;
    }
  }
  return String(value);
}

/** `1,234,567`. */
export function formatExact(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1,234 tokens`, `1 token`. */
export function formatPlural(value: number, word: string): string {
  return `${formatExact(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** `$1.25`, `$0.0042`. */
export function formatCost(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return ABSENT;
  if (usd === 0) return "$0";
  if (usd < 0.00005) return "<$0.0001";
  if (usd < 0.1) return `$${usd.toFixed(4)}`;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** `0.85`, `1.00`; scores outside 0..1 keep their digits. */
export function formatScore(score: number | null | undefined): string {
  if (score === null || score === undefined) return ABSENT;
  return Math.abs(score) <= 100 ? score.toFixed(2) : score.toPrecision(4);
}

/** `512 B`, `14 KB`, `3.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `just now`, `4 min ago`, `3 h ago`, `5 d ago`, then the date. */
export function formatRelative(iso: string, now: number): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return iso;
  const seconds = Math.round((now - time) / 1000);
  if (seconds < -60) return formatDate(time, now);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 7 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return formatDate(time, now);
}

function formatDate(time: number, now: number): string {
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return new Date(time).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** Date, time to the millisecond and zone. */
export function formatAbsolute(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return time.toLocaleString("en-GB", {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    timeZoneName: "short",
  });
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
