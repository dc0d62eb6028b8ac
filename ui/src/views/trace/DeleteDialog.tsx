import { Button, Group, Modal } from "@mantine/core";
import type { TraceDetail } from "../../api/types";
import { formatPlural } from "../../lib/format";
import { traceTitle } from "../../lib/traceTitle";
import { useDeleteTrace } from "../../queries/useDeleteTrace";

interface DeleteDialogProps {
  detail: TraceDetail;
  opened: boolean;
  onClose: () => void;
  onDeleted: () => void;
}

/** Names what will be gone before it is. */
export function DeleteDialog({ detail, opened, onClose, onDeleted }: DeleteDialogProps) {
  const { mutate, isPending, error } = useDeleteTrace();
  const name = traceTitle(detail);
  return (
    <Modal opened={opened} onClose={onClose} title="Delete this rollout?" size="md">
      <p>
        <strong>{name}</strong> of project <strong>{detail.project}</strong> will be gone for good:{" "}
        {formatPlural(detail.span_count, "span")} in {formatPlural(detail.turn_count, "turn")}
        {detail.score === null ? "" : ", its grades"}, its metadata and tags. Scores of its run and
        step change.
      </p>
      {error && (
        <p role="alert" style={{ color: "var(--bad)" }}>
          Not deleted: {error.message}
        </p>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Keep it
        </Button>
        <Button
          color="red"
          loading={isPending}
          onClick={() => mutate(detail.trace_id, { onSuccess: onDeleted })}
        >
          Delete {formatPlural(detail.span_count, "span")}
        </Button>
      </Group>
    </Modal>
  );
}
