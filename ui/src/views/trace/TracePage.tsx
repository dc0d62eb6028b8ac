import { useDocumentTitle } from "@mantine/hooks";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { traceTitle } from "../../lib/traceTitle";
import { useTrace } from "../../queries/useTrace";
import { lastList } from "../../state/lastList";
import type { TraceSearch } from "../../urls";
import { TraceView } from "./TraceView";
import { useNeighbours } from "./useNeighbours";

export function TracePage() {
  const { traceId } = useParams({ from: "/traces/$traceId" });
  const search = useSearch({ from: "/traces/$traceId" });
  const navigate = useNavigate();
  const neighbours = useNeighbours(traceId);
  const { data } = useTrace(traceId);
  useDocumentTitle(`${data ? traceTitle(data) : traceId} · Kestrel`);
  const onSearch = useCallback(
    (change: Partial<TraceSearch>) => {
      const search = (before: TraceSearch) => ({ ...before, ...change });
      void navigate({ to: "/traces/$traceId", params: { traceId }, search, replace: true });
    },
    [navigate, traceId],
  );
  return (
    <TraceView
      traceId={traceId}
      search={search}
      neighbours={neighbours}
      onSearch={onSearch}
      onOpen={(next) => {
        void navigate({ to: "/traces/$traceId", params: { traceId: next } });
      }}
      onDeleted={() => void navigate({ to: "/traces", search: lastList() ?? {} })}
    />
  );
}
