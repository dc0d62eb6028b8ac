import { formatScore } from "../lib/format";
import classes from "./ScoreBar.module.css";

interface ScoreBarProps {
  score: number | null | undefined;
  width?: number;
}

/** A score from 0 to 1 as a bar with its number; other scores are the number alone. */
export function ScoreBar({ score, width = 44 }: ScoreBarProps) {
  if (score === null || score === undefined) return <span className={classes.none}>–</span>;
  const inRange = score >= 0 && score <= 1;
  return (
    <span className={classes.score} title={inRange ? String(score) : `${score} is outside 0 to 1`}>
      {inRange && (
        <span className={classes.track} style={{ width }} aria-hidden>
          <span
            className={classes.fill}
            style={{ width: `${score * 100}%`, background: `var(${barColor(score)})` }}
          />
        </span>
      )}
      <span className={classes.number}>{formatScore(score)}</span>
    </span>
  );
}

function barColor(score: number): string {
  if (score >= 0.8) return "--score-high";
  return score >= 0.4 ? "--score-mid" : "--score-low";
}
