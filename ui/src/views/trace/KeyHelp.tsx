import { Kbd, Modal } from "@mantine/core";
import classes from "./KeyHelp.module.css";

const KEYS: readonly [string, string][] = [
  ["j / k", "next, previous item"],
  ["t / T", "next, previous tool call"],
  ["e / E", "next, previous error"],
  ["n / p", "next, previous rollout"],
  ["o", "open or fold the item"],
  ["f", "fold all, then open all, then as it was"],
  ["/", "search in this rollout"],
  ["y", "copy link to the item"],
  ["[ / ]", "spans, details"],
  ["g / G", "start, end"],
  ["Esc", "close search, then the rollout beside the list"],
  ["?", "this help"],
];

export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="sm">
      <table className={classes.keys}>
        <tbody>
          {KEYS.map(([key, what]) => (
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
