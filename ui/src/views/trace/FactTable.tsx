import type { ReactNode } from "react";
import classes from "./DetailsPanel.module.css";

/** A name and its value; what has no value is not listed. */
export type Fact = readonly [string, ReactNode];

export function FactTable({ facts }: { facts: readonly Fact[] }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <table className={classes.table}>
      <tbody>
        {known.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
