import { ActionIcon, Menu, Switch, Tooltip } from "@mantine/core";
import { IconColumns3, IconKeyboard } from "@tabler/icons-react";
import { formatPlural } from "../../lib/format";
import type { LiveState } from "../../queries/useLiveTraces";
import classes from "./ListToolbar.module.css";
import type { Columns } from "./useColumns";

interface ListToolbarProps {
  /** Null while nobody knows. */
  total: number | null;
  /** True while what is shown belongs to the filters before. */
  stale: boolean;
  live: boolean;
  liveState: LiveState;
  onLive: (live: boolean) => void;
  columns: Columns;
  onHelp: () => void;
}

const LIVE_TEXT: Record<LiveState, string> = {
  off: "New rollouts do not appear by themselves",
  connecting: "Connecting…",
  open: "New rollouts appear on top",
  lost: "Connection lost, trying again",
};

/** How many there are, whether the list is live, and which columns it has. */
export function ListToolbar(props: ListToolbarProps) {
  const { total, stale, live, liveState, onLive, columns } = props;
  return (
    <div className={classes.toolbar}>
      <span className={classes.count} aria-live="polite">
        {total === null ? "" : stale ? "…" : formatPlural(total, "rollout")}
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
          {columns.offers.map(({ column, shown, hasRoom }) => (
            <Menu.CheckboxItem
              key={column.id}
              disabled={column.id === "name" || !hasRoom}
              checked={shown}
              onChange={() => columns.toggle(column.id)}
              rightSection={!hasRoom && <span className={classes.noRoom}>no room</span>}
            >
              {column.longTitle ?? column.title}
            </Menu.CheckboxItem>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={columns.reset}>Usual columns</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {!columns.compact && (
        <Tooltip label="Keys (?)">
          <ActionIcon aria-label="Keys (?)" onClick={props.onHelp}>
            <IconKeyboard size={16} />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
