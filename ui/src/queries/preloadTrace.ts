import type { QueryClient } from "@tanstack/react-query";
import type { KestrelApi } from "../api/client";
import { outlineOptions } from "./useOutline";
import { windowOptions } from "./useSpan";
import { traceOptions } from "./useTrace";

/**
 * Asks for the first screen of a rollout at once: its summary, the outline's beginning and the first window.
 *
 * What fails here is asked for again, and shown, by the views.
 */
export function preloadTrace(client: QueryClient, api: KestrelApi, traceId: string): void {
  client.query(traceOptions(api, traceId)).catch(ignore);
  client.infiniteQuery(outlineOptions(api, traceId)).catch(ignore);
  client.query(windowOptions(api, traceId, 0)).catch(ignore);
}

function ignore(): void {
  // The view that needs it says so.
}
