import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import type { ComponentType } from "react";
import { useCopy } from "./useCopy";

interface CopyButtonProps {
  /** The text, or how to make it when it is asked for. */
  text: string | (() => string);
  label: string;
  icon?: ComponentType<{ size?: number }>;
  className?: string | undefined;
}

export function CopyButton({ text, label, icon: Icon = IconCopy, className }: CopyButtonProps) {
  const [copied, copy] = useCopy();
  return (
    <Tooltip label={copied ? "Copied" : label}>
      <ActionIcon
        size={22}
        aria-label={label}
        className={className}
        onClick={(event) => {
          event.stopPropagation();
          void copy(typeof text === "string" ? text : text());
        }}
      >
        {copied ? <IconCheck size={14} /> : <Icon size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}
