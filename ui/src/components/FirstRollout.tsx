import { CopyButton } from "./CopyButton";
import classes from "./FirstRollout.module.css";
import { Notice } from "./Notice";
import { CodeBlock } from "./viewers/CodeBlock";

/** Nothing was ever logged: the lines that change that, for this very server. */
export function FirstRollout() {
  const code = `import caribou
caribou.configure(run_id="my-project", phase="prod", kestrel_api_url="${window.location.origin}")
with caribou.trace_run(datapoint_id="first"): caribou.log(caribou.Message("user", "Hello"))`;
  return (
    <Notice title="No rollouts yet">
      <p>Three lines of Python log the first one. It appears here at once.</p>
      <div className={classes.code}>
        <CodeBlock code={code} language="python" />
        <CopyButton text={code} label="Copy the program" className={classes.copy} />
      </div>
    </Notice>
  );
}
