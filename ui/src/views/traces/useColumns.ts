import { useMemo } from "react";
import * as v from "valibot";
import {
  COLUMNS,
  DEFAULT_CHOICE,
  offerColumns,
  placeColumns,
  toggleColumn,
  type ColumnChoice,
  type ColumnId,
  type ColumnOffer,
  type PlacedColumn,
} from "../../lib/listColumns";
import { useStored } from "../../state/stored";

const schema = v.object({
  shown: v.array(v.picklist(COLUMNS.map((column) => column.id))),
  widths: v.record(v.string(), v.number()),
});

const MIN_WIDTH = 44;
const MAX_WIDTH = 900;

export interface Columns {
  /** What is on screen, in this order. */
  placed: PlacedColumn[];
  /** True where nothing may scroll sideways. */
  compact: boolean;
  /** The width that the user gave the name. */
  nameWidth: number | undefined;
  offers: readonly ColumnOffer[];
  toggle: (id: ColumnId) => void;
  resize: (id: ColumnId, width: number) => void;
  reset: () => void;
}

/** Which columns the list has and how wide they are, as the user left them and as there is room. */
export function useColumns(room: number, compact: boolean): Columns {
  const [choice, setChoice] = useStored<ColumnChoice>("list-columns", schema, DEFAULT_CHOICE);
  const placed = useMemo(() => placeColumns(choice, room, compact), [choice, room, compact]);
  const offers = useMemo(() => offerColumns(choice, room, compact), [choice, room, compact]);
  return {
    placed,
    compact,
    nameWidth: choice.widths["name"],
    offers,
    toggle: (id) => setChoice(toggleColumn(choice, id, room, compact)),
    resize: (id, width) => {
      const bounded = Math.round(Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, width)));
      setChoice({ ...choice, widths: { ...choice.widths, [id]: bounded } });
    },
    reset: () => setChoice(DEFAULT_CHOICE),
  };
}
