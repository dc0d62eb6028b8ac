import * as v from "valibot";
import { COLUMNS, DEFAULT_CHOICE, type ColumnChoice, type ColumnId } from "../../lib/listColumns";
import { useStored } from "../../state/stored";

const schema = v.object({
  shown: v.array(v.picklist(COLUMNS.map((column) => column.id))),
  widths: v.record(v.string(), v.number()),
});

const MIN_WIDTH = 44;
const MAX_WIDTH = 900;

export interface Columns {
  choice: ColumnChoice;
  toggle: (id: ColumnId) => void;
  resize: (id: ColumnId, width: number) => void;
  reset: () => void;
}

/** Which columns the list has and how wide they are, as the user left them. */
export function useColumns(): Columns {
  const [choice, setChoice] = useStored<ColumnChoice>("list-columns", schema, DEFAULT_CHOICE);
  return {
    choice,
    toggle: (id) => {
      const shown = choice.shown.includes(id)
        ? choice.shown.filter((other) => other !== id)
        : [...choice.shown, id];
      setChoice({ ...choice, shown });
    },
    resize: (id, width) => {
      const bounded = Math.round(Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, width)));
      setChoice({ ...choice, widths: { ...choice.widths, [id]: bounded } });
    },
    reset: () => setChoice(DEFAULT_CHOICE),
  };
}
