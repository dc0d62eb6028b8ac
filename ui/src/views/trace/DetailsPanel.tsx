import { Tabs } from "@mantine/core";
import { useState } from "react";
import { ExpansionContext, ExpansionStore } from "../../state/expansion";
import { ItemDetails } from "./ItemDetails";
import { RolloutDetails } from "./RolloutDetails";
import { useOpenTrace } from "./TraceContext";
import classes from "./DetailsPanel.module.css";

export type DetailsTab = "rollout" | "item";

interface DetailsPanelProps {
  tab: DetailsTab;
  onTab: (tab: DetailsTab) => void;
}

/** What the transcript does not say: of the rollout, and of the marked item. */
export function DetailsPanel({ tab, onTab }: DetailsPanelProps) {
  const { detail, selected, transcript } = useOpenTrace();
  // Folding all items of the transcript is not about what stands here.
  const [expansion] = useState(() => new ExpansionStore());
  const index = selected === null ? undefined : transcript.indexOfSpan.get(selected);
  return (
    <ExpansionContext value={expansion}>
      <Tabs
        value={tab}
        onChange={(value) => onTab(value === "item" ? "item" : "rollout")}
        className={classes.panel}
      >
        <Tabs.List>
          <Tabs.Tab value="rollout">Rollout</Tabs.Tab>
          <Tabs.Tab value="item">Item</Tabs.Tab>
        </Tabs.List>
        {/* What is longer than the panel scrolls; the focus lets the keyboard do it. */}
        <Tabs.Panel value="rollout" className={classes.body} tabIndex={0}>
          <RolloutDetails detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="item" className={classes.body} tabIndex={0}>
          {index === undefined ? (
            <p className={classes.hint}>Click an item, or use j and k, to see all of it here.</p>
          ) : (
            <ItemDetails index={index} />
          )}
        </Tabs.Panel>
      </Tabs>
    </ExpansionContext>
  );
}
