import { useCallbackRef } from "@mantine/hooks";
import { useCallback, useMemo, useRef, useState } from "react";
import type { TraceDetail } from "../../api/types";
import { ErrorStrip } from "../../components/ErrorStrip";
import { useCopy } from "../../components/useCopy";
import { formatExact } from "../../lib/format";
import { buildTranscript } from "../../lib/transcript";
import type { Outline } from "../../queries/useOutline";
import { ExpansionContext, ExpansionStore } from "../../state/expansion";
import { pageUrls } from "../../urls";
import { DeleteDialog } from "./DeleteDialog";
import { DetailsPanel, type DetailsTab } from "./DetailsPanel";
import { KeyHelp } from "../../components/KeyHelp";
import { SidePanel } from "./SidePanel";
import { TraceActions } from "./TraceActions";
import { TraceProvider, type OpenTrace } from "./TraceContext";
import { TraceFooter } from "./TraceFooter";
import { TraceHeader } from "./TraceHeader";
import { TRACE_KEYS } from "./traceKeys";
import type { TraceViewProps } from "./TraceView";
import classes from "./TraceView.module.css";
import { Transcript, type TranscriptHandle } from "./Transcript";
import { TranscriptSearch } from "./TranscriptSearch";
import { TreePanel } from "./TreePanel";
import { useItemNavigation } from "./useItemNavigation";
import { usePanels } from "./usePanels";
import { useKeys } from "../../components/useKeys";

interface LoadedTraceProps extends TraceViewProps {
  detail: TraceDetail;
  outline: Outline;
  /** Why what is shown is not up to date. */
  error: Error | null;
  onRetry: () => void;
}

type Dialog = "none" | "help" | "delete";

export function LoadedTrace(props: LoadedTraceProps) {
  const { detail, outline, search, onSearch, neighbours, onOpen, onClose } = props;
  const transcript = useMemo(() => buildTranscript(outline.spans), [outline.spans]);
  const [expansion] = useState(() => new ExpansionStore());
  const [tab, setTab] = useState<DetailsTab>("rollout");
  const [dialog, setDialog] = useState<Dialog>("none");
  const [searching, setSearching] = useState(search.find !== undefined);
  const [topRow, setTopRow] = useState(0);
  const [copied, copy] = useCopy();
  const { ref: mainRef, ...panels } = usePanels();
  const handle = useRef<TranscriptHandle>(null);
  const selected = search.item ?? null;
  const onSelect = useCallback((item: string) => onSearch({ item }), [onSearch]);
  const navigation = useItemNavigation(transcript, selected, onSelect, handle);
  const inspect = useCallbackRef((spanId: string) => {
    navigation.select(spanId, false);
    setTab("item");
    panels.open("right");
  });
  const opened = useOpenTraceValue(detail, transcript, selected, navigation.select, inspect);

  const closeSearch = () => {
    setSearching(false);
    onSearch({ find: undefined });
  };
  const copyLink = () =>
    void copy(
      new URL(pageUrls.trace(detail.trace_id, selected ? { item: selected } : {}), location.origin)
        .href,
    );
  const commands = {
    toggleTree: () => panels.toggle("left"),
    toggleDetails: () => panels.toggle("right"),
    search: () => setSearching(true),
    foldAll: () => void expansion.cycle(),
    copyLink,
    help: () => setDialog("help"),
    remove: () => setDialog("delete"),
  };
  const { step, end, toFooter } = navigation;
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    t: () => step(1, (row) => row.kind === "tool"),
    T: () => step(-1, (row) => row.kind === "tool"),
    // The error that ended the rollout stands after its last item.
    e: () => step(1, (row) => row.span.error) || (detail.error_message !== null && toFooter()),
    E: () => step(-1, (row) => row.span.error),
    g: () => end(false),
    G: () => end(true),
    o: () => selected !== null && expansion.toggleItem(selected),
    f: commands.foldAll,
    y: copyLink,
    "/": commands.search,
    "[": commands.toggleTree,
    "]": commands.toggleDetails,
    "?": commands.help,
    Escape: () => (searching ? closeSearch() : onClose?.()),
  });
  return (
    <TraceProvider value={opened}>
      <ExpansionContext value={expansion}>
        <TraceHeader
          detail={detail}
          onOpen={onOpen}
          onShowEnd={toFooter}
          actions={
            <TraceActions
              traceId={detail.trace_id}
              commands={commands}
              neighbours={neighbours}
              onOpen={onOpen}
              onClose={onClose}
            />
          }
        />
        {props.error && <ErrorStrip error={props.error} onRetry={props.onRetry} />}
        <div className={classes.main} ref={mainRef}>
          <SidePanel
            side="left"
            title="Spans"
            mode={panels.left}
            onClose={() => panels.close("left")}
          >
            <TreePanel
              current={transcript.rows[topRow]?.index ?? null}
              onOpen={(spanId) => navigation.select(spanId, true)}
            />
          </SidePanel>
          <div className={classes.column}>
            {searching && (
              <TranscriptSearch
                traceId={detail.trace_id}
                text={search.find ?? ""}
                selected={selected}
                onText={(find) => onSearch({ find: find || undefined })}
                onShow={(spanId) => navigation.select(spanId, true)}
                onClose={closeSearch}
              />
            )}
            {!outline.complete && (
              <div className={classes.progress} role="status">
                {formatExact(outline.spans.length)} of {formatExact(outline.total)} spans listed…
              </div>
            )}
            <Transcript
              handle={handle}
              running={detail.state === "running"}
              find={searching ? (search.find ?? "").trim() : ""}
              onTopRow={setTopRow}
              footer={outline.complete && <TraceFooter detail={detail} />}
            />
          </div>
          <SidePanel
            side="right"
            title="Details"
            mode={panels.right}
            onClose={() => panels.close("right")}
          >
            <DetailsPanel tab={tab} onTab={setTab} />
          </SidePanel>
        </div>
        <div role="status" className="sr-only">
          {copied ? "Link copied" : ""}
        </div>
        <KeyHelp keys={TRACE_KEYS} opened={dialog === "help"} onClose={() => setDialog("none")} />
        <DeleteDialog
          detail={detail}
          opened={dialog === "delete"}
          onClose={() => setDialog("none")}
          onDeleted={props.onDeleted}
        />
      </ExpansionContext>
    </TraceProvider>
  );
}

function useOpenTraceValue(
  detail: TraceDetail,
  transcript: OpenTrace["transcript"],
  selected: string | null,
  select: (spanId: string, scroll: boolean) => void,
  inspect: (spanId: string) => void,
): OpenTrace {
  return useMemo(
    () => ({
      detail,
      transcript,
      selected,
      select: (spanId) => select(spanId, false),
      inspect,
    }),
    [detail, transcript, selected, select, inspect],
  );
}
