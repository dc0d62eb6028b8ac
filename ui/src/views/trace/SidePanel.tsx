import { Drawer } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./TraceView.module.css";
import type { PanelMode } from "./usePanels";

interface SidePanelProps {
  side: "left" | "right";
  title: string;
  mode: PanelMode;
  onClose: () => void;
  children: ReactNode;
}

/** A panel beside the transcript, or a sheet over it where there is no room. */
export function SidePanel({ side, title, mode, onClose, children }: SidePanelProps) {
  if (mode === "beside") {
    return (
      <aside className={classes[side]} aria-label={title}>
        {children}
      </aside>
    );
  }
  return (
    <Drawer
      opened={mode === "sheet"}
      onClose={onClose}
      position={side}
      title={title}
      size={340}
      padding="xs"
      closeButtonProps={{ "aria-label": "Close" }}
      styles={{
        content: { display: "flex", flexDirection: "column" },
        body: { flex: 1, minHeight: 0, padding: 0 },
      }}
    >
      <div className={classes.drawer}>{children}</div>
    </Drawer>
  );
}
