import { IconCheck, IconX } from "@tabler/icons-react";
import type { Criterion } from "../../../lib/criteria";
import { formatScore } from "../../../lib/format";
import classes from "./CriteriaTable.module.css";

/** What a grade is made of. Columns that no criterion fills are left out. */
export function CriteriaTable({ criteria }: { criteria: Criterion[] }) {
  const weighted = criteria.some((criterion) => criterion.weight !== null);
  const reasoned = criteria.some((criterion) => criterion.reason !== "");
  return (
    // Wide tables scroll in themselves; the focus lets the keyboard do it.
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="criteria">
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Criterion</th>
            <th scope="col">Passed</th>
            <th scope="col" className="number">
              Score
            </th>
            {weighted && (
              <th scope="col" className="number">
                Weight
              </th>
            )}
            {reasoned && <th scope="col">Reason</th>}
          </tr>
        </thead>
        <tbody>
          {criteria.map((criterion, place) => (
            <tr key={place}>
              <td>{criterion.type}</td>
              <td>
                <Passed passed={criterion.passed} />
              </td>
              <td className="number">{formatScore(criterion.score)}</td>
              {weighted && <td className="number">{criterion.weight ?? "–"}</td>}
              {reasoned && <td className={classes.reason}>{criterion.reason}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Passed({ passed }: { passed: boolean | null }) {
  if (passed === null) return <>–</>;
  return passed ? (
    <span className={classes.yes}>
      <IconCheck size={13} aria-hidden /> yes
    </span>
  ) : (
    <span className={classes.no}>
      <IconX size={13} aria-hidden /> no
    </span>
  );
}
