import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import type { ColumnId, PlacedColumn } from "../../lib/listColumns";
import { ResizeHandle } from "./ResizeHandle";
import classes from "./TraceTable.module.css";

interface HeaderRowProps {
  columns: PlacedColumn[];
  template: string;
  sort: string;
  onSort: (sort: string) => void;
  onResize: (id: ColumnId, width: number) => void;
}

export function HeaderRow({ columns, template, sort, onSort, onResize }: HeaderRowProps) {
  return (
    <div role="row" className={classes.header} style={{ gridTemplateColumns: template }}>
      {columns.map((column) => (
        <div
          key={column.id}
          role="columnheader"
          className={classes.title}
          data-number={column.number || undefined}
          aria-sort={ariaSort(column, sort)}
        >
          <Title column={column} sort={sort} onSort={onSort} />
          {!column.compact && (
            <ResizeHandle title={column.title} onResize={(width) => onResize(column.id, width)} />
          )}
        </div>
      ))}
    </div>
  );
}

function ariaSort(column: PlacedColumn, sort: string): "ascending" | "descending" | undefined {
  if (column.sort === sort) return "ascending";
  return `-${column.sort}` === sort ? "descending" : undefined;
}

function Title({
  column,
  sort,
  onSort,
}: Pick<HeaderRowProps, "sort" | "onSort"> & { column: PlacedColumn }) {
  const key = column.sort;
  if (column.compact) return <span className="sr-only">{column.title}</span>;
  if (key === undefined) return <span className={classes.text}>{column.title}</span>;
  const descending = sort === `-${key}`;
  const active = descending || sort === key;
  const Arrow = descending ? IconArrowDown : IconArrowUp;
  return (
    <button
      type="button"
      className={classes.sort}
      title={`Sort by ${(column.longTitle ?? column.title).toLowerCase()}`}
      onClick={() => onSort(descending ? key : `-${key}`)}
    >
      <span className={classes.text}>{column.title}</span>
      {active && <Arrow size={12} aria-hidden />}
    </button>
  );
}
