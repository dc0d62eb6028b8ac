import { useCallbackRef } from "@mantine/hooks";
import type { TraceSummary } from "../../api/types";
import type { ListSearch, TraceSearch } from "../../urls";
import { TraceView } from "../trace/TraceView";
import { neighboursIn } from "../trace/useNeighbours";
import classes from "./TracesView.module.css";

interface OpenBesideProps {
  traceId: string;
  traces: TraceSummary[];
  search: ListSearch;
  onSearch: (search: ListSearch, replace: boolean) => void;
}

/** The rollout that is open in place: the list stays and can be walked. */
export function OpenBeside({ traceId, traces, search, onSearch }: OpenBesideProps) {
  const onTraceSearch = useCallbackRef((change: Partial<TraceSearch>) =>
    onSearch({ ...search, ...change }, true),
  );
  const close = () =>
    onSearch({ ...search, open: undefined, item: undefined, find: undefined }, false);
  return (
    <div className={classes.beside}>
      <TraceView
        traceId={traceId}
        search={search}
        neighbours={neighboursIn(traces, traceId)}
        onSearch={onTraceSearch}
        onOpen={(open) => onSearch({ ...search, open, item: undefined, find: undefined }, true)}
        onDeleted={close}
        onClose={close}
      />
    </div>
  );
}
