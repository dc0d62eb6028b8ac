import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import {
  IconArrowsDiagonal,
  IconChevronDown,
  IconChevronUp,
  IconDots,
  IconFold,
  IconKeyboard,
  IconLayoutSidebar,
  IconLayoutSidebarRight,
  IconLink,
  IconSearch,
  IconTrash,
  IconX,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import classes from "./TraceHeader.module.css";
import type { Neighbours } from "./useNeighbours";

export interface TraceCommands {
  toggleTree: () => void;
  toggleDetails: () => void;
  search: () => void;
  foldAll: () => void;
  copyLink: () => void;
  help: () => void;
  remove: () => void;
}

interface TraceActionsProps {
  traceId: string;
  commands: TraceCommands;
  neighbours: Neighbours;
  onOpen: (traceId: string) => void;
  /** Closes the rollout where it is open beside the list. */
  onClose: (() => void) | undefined;
}

/** The buttons of the header. Each has a key; the tooltips teach it. */
export function TraceActions({
  traceId,
  commands,
  neighbours,
  onOpen,
  onClose,
}: TraceActionsProps) {
  const { previous, next } = neighbours;
  return (
    <>
      {(previous ?? next) !== null && (
        <>
          <Action
            label="Previous rollout (p)"
            disabled={previous === null}
            onClick={() => previous && onOpen(previous)}
          >
            <IconChevronUp size={16} />
          </Action>
          <Action
            label="Next rollout (n)"
            disabled={next === null}
            onClick={() => next && onOpen(next)}
          >
            <IconChevronDown size={16} />
          </Action>
        </>
      )}
      <Action label="Search in this rollout (/)" onClick={commands.search}>
        <IconSearch size={15} />
      </Action>
      <Action label="Spans ([)" onClick={commands.toggleTree}>
        <IconLayoutSidebar size={16} />
      </Action>
      <Action label="Details (])" onClick={commands.toggleDetails}>
        <IconLayoutSidebarRight size={16} />
      </Action>
      {onClose && (
        <Tooltip label="Open on its own">
          <ActionIcon
            aria-label="Open on its own"
            className={classes.own}
            renderRoot={(props) => <Link to="/traces/$traceId" params={{ traceId }} {...props} />}
          >
            <IconArrowsDiagonal size={15} />
          </ActionIcon>
        </Tooltip>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label="More">
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconLink size={14} />}
            rightSection={<kbd>y</kbd>}
            onClick={commands.copyLink}
          >
            Copy link
          </Menu.Item>
          <Menu.Item
            leftSection={<IconFold size={14} />}
            rightSection={<kbd>f</kbd>}
            onClick={commands.foldAll}
          >
            Fold or open all
          </Menu.Item>
          <Menu.Item
            leftSection={<IconKeyboard size={14} />}
            rightSection={<kbd>?</kbd>}
            onClick={commands.help}
          >
            Keys
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<IconTrash size={14} />} onClick={commands.remove}>
            Delete this rollout…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {onClose && (
        <Action label="Close (Esc)" onClick={onClose}>
          <IconX size={16} />
        </Action>
      )}
    </>
  );
}

interface ActionProps {
  label: string;
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Action({ label, disabled, onClick, children }: ActionProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} disabled={disabled ?? false} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
