import { useElementSize } from "@mantine/hooks";
import { useState } from "react";
import * as v from "valibot";
import { useStored } from "../../state/stored";

const LEFT_FROM = 900;
const RIGHT_FROM = 1240;

const schema = v.object({ left: v.boolean(), right: v.boolean() });
type Panels = v.InferOutput<typeof schema>;
const OPEN: Panels = { left: true, right: true };

export type PanelMode = "beside" | "sheet" | "closed";

/** The side panels: beside the transcript where there is room, else as sheets over it. What one chose is remembered. */
export function usePanels() {
  const { ref, width } = useElementSize();
  const [stored, setStored] = useStored("trace-panels", schema, OPEN);
  const [sheet, setSheet] = useState<keyof Panels | null>(null);
  const room: Panels = { left: width >= LEFT_FROM, right: width >= RIGHT_FROM };
  const mode = (side: keyof Panels): PanelMode => {
    if (room[side]) return stored[side] ? "beside" : "closed";
    return sheet === side ? "sheet" : "closed";
  };
  const set = (side: keyof Panels, open: boolean) => {
    if (room[side]) setStored({ ...stored, [side]: open });
    else setSheet(open ? side : null);
  };
  return {
    ref,
    left: mode("left"),
    right: mode("right"),
    toggle: (side: keyof Panels) => set(side, mode(side) === "closed"),
    open: (side: keyof Panels) => set(side, true),
    close: (side: keyof Panels) => set(side, false),
  };
}
