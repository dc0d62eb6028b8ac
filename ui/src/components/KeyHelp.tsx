import { Kbd, Modal } from "@mantine/core";
import classes from "./KeyHelp.module.css";

interface KeyHelpProps {
  /** Keys and what they do. */
  keys: readonly (readonly [string, string])[];
  opened: boolean;
  onClose: () => void;
}

/** What can be done without a pointer. */
export function KeyHelp({ keys, opened, onClose }: KeyHelpProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="sm">
      <table className={classes.keys}>
        <tbody>
          {keys.map(([key, what]) => (
            <tr key={key}>
              <th scope="row">
                <Kbd size="sm">{key}</Kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Modal>
  );
}
