import { CopyButton } from "./CopyButton";
import classes from "./FirstRollout.module.css";
import { Notice } from "./Notice";
import { CodeBlock } from "./viewers/CodeBlock";

/** Nothing was ever logged: the lines that change that, for this very server. */
export function FirstRollout() {
  const server = window.location.origin;
  const code = `import caribou

caribou.configure(
    run_id="my-project", phase="prod",
    kestrel_api_url="${server}",
)
with caribou.trace_run(datapoint_id="first"):
    caribou.log(caribou.Message("user", "Hi"))
`;
  return (
    <Notice title="No rollouts yet">
      <p>This much Python logs the first one. It appears here at once.</p>
      <div className={classes.code}>
        <CodeBlock code={code} language="python" />
        <CopyButton text={code} label="Copy the program" className={classes.copy} />
      </div>
      <p>
        The package is in Kestrel&apos;s own folder: <code>pip install ./caribou</code>, or{" "}
        <code>make build</code>, which puts it into <code>.venv</code>. Whatever speaks
        OpenTelemetry may send to <code>{server}/v1/traces</code> as well.
      </p>
    </Notice>
  );
}
