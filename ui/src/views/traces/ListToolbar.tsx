import { ActionIcon, Menu, Switch, Tooltip } from "@mantine/core";
import { IconCheck, IconColumns3 } from "@tabler/icons-react";
import { formatExact } from "../../lib/format";
import { COLUMNS } from "../../lib/listColumns";
import type { LiveState } from "../../queries/useLiveTraces";
import classes from "./ListToolbar.module.css";
import type { Columns } from "./useColumns";

interface ListToolbarProps {
  total: number | null;
  loaded: number;
  /** True while what is shown belongs to the filters before. */
  stale: boolean;
  live: boolean;
  liveState: LiveState;
  onLive: (live: boolean) => void;
  columns: Columns;
}

const LIVE_TEXT: Record<LiveState, string> = {
  off: "New rollouts do not appear by themselves",
  connecting: "Connecting…",
  open: "New rollouts appear on top",
  lost: "Connection lost, trying again",
};

/** How many there are, whether the list is live, and which columns it has. */
export function ListToolbar({
  total,
  loaded,
  stale,
  live,
  liveState,
  onLive,
  columns,
}: ListToolbarProps) {
  const count = total ?? loaded;
  return (
    <div className={classes.toolbar}>
      <span className={classes.count} aria-live="polite">
        {stale ? "…" : `${formatExact(count)} ${count === 1 ? "rollout" : "rollouts"}`}
      </span>
      <Tooltip label={LIVE_TEXT[liveState]}>
        <Switch
          size="xs"
          label={liveState === "lost" ? "live (lost)" : "live"}
          checked={live}
          onChange={(event) => onLive(event.currentTarget.checked)}
        />
      </Tooltip>
      <Menu closeOnItemClick={false} position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label="Columns">
            <IconColumns3 size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {COLUMNS.map((column) => {
            const shown = columns.choice.shown.includes(column.id);
            return (
              <Menu.Item
                key={column.id}
                role="menuitemcheckbox"
                aria-checked={shown}
                disabled={column.id === "name"}
                leftSection={
                  <IconCheck size={14} style={{ visibility: shown ? "visible" : "hidden" }} />
                }
                onClick={() => columns.toggle(column.id)}
              >
                {column.title}
              </Menu.Item>
            );
          })}
          <Menu.Divider />
          <Menu.Item onClick={columns.reset}>As they were at first</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
