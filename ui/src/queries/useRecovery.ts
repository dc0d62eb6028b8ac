import { useQueryClient, type Query } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError } from "../api/error";
import { useApi } from "./api";

const PROBE_MS = 3_000;

/** Asks again for what is on screen and failed while the server was away, as soon as it is back. */
export function useRecovery(): void {
  const api = useApi();
  const client = useQueryClient();
  // The server's state is outside of React; it is asked only while something waits for it.
  useEffect(() => {
    let probing = false;
    const probe = async () => {
      const waiting = client.getQueryCache().findAll({ type: "active", predicate: isWaiting });
      if (waiting.length === 0 || probing) return;
      probing = true;
      const ready = await api.isReady();
      probing = false;
      if (ready) await client.refetchQueries({ type: "active", predicate: isWaiting });
    };
    const timer = setInterval(() => void probe(), PROBE_MS);
    return () => clearInterval(timer);
  }, [api, client]);
}

function isWaiting({ state }: Query): boolean {
  return state.error instanceof ApiError && state.error.isUnreachable;
}
