import { createTwoFilesPatch } from "diff";
import { useMemo } from "react";
import type { TextEdit } from "../../lib/edit";
import { Diff } from "./Diff";

/** What an editing tool was told to replace, as a diff. Loaded on its own. */
export default function EditDiff({ edit }: { edit: TextEdit }) {
  const patch = useMemo(() => {
    const whole = createTwoFilesPatch(edit.path, edit.path, edit.before, edit.after, "", "", {
      context: 3,
    });
    return whole.split("\n").slice(4).join("\n");
  }, [edit]);
  return <Diff text={patch} />;
}
