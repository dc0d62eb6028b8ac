import { useState } from "react";
import { isObject } from "../../lib/json";
import classes from "./DataTable.module.css";

const CHUNK = 100;

/** A list of flat objects as a table. */
export function DataTable({ rows, columns }: { rows: unknown[]; columns: string[] }) {
  const [shown, setShown] = useState(CHUNK);
  return (
    // Wide tables scroll in themselves; the focus lets the keyboard do it.
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="table">
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row, place) => (
            <tr key={place}>
              {columns.map((column) => (
                <Cell key={column} value={isObject(row) ? row[column] : undefined} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <button type="button" className={classes.more} onClick={() => setShown(shown + 10 * CHUNK)}>
          {rows.length - shown} more rows
        </button>
      )}
    </div>
  );
}

function Cell({ value }: { value: unknown }) {
  const numeric = typeof value === "number";
  const text =
    value === null || value === undefined
      ? ""
      : typeof value === "string"
        ? value
        : JSON.stringify(value);
  return <td className={numeric ? "number" : undefined}>{text}</td>;
}
