import { CopyButton } from "./CopyButton";
import classes from "./FirstRollout.module.css";
import { Notice } from "./Notice";
import { CodeBlock } from "./viewers/CodeBlock";

/** Nothing was ever logged: the lines that change that, for this very server. */
export function FirstRollout() {
  const setup = `export KESTREL_API_URL=${window.location.origin}`;
  const code = `import caribou
with caribou.trace_run({"datapoint_id": "first", "phase": "prod"}):
    caribou.log(caribou.Message(role="user", content="Hello"))`;
  return (
    <Notice title="No rollouts yet">
      <p>Tell the recorder where this server is, then log something. It appears here at once.</p>
      <div className={classes.code}>
        <CodeBlock code={setup} language="bash" />
        <CopyButton text={setup} label="Copy the command" className={classes.copy} />
      </div>
      <div className={classes.code}>
        <CodeBlock code={code} language="python" />
        <CopyButton text={code} label="Copy the program" className={classes.copy} />
      </div>
    </Notice>
  );
}
