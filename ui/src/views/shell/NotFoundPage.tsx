import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Notice } from "../../components/Notice";

export function NotFoundPage() {
  return (
    <Notice
      title="There is no such page"
      actions={
        <Button size="xs" variant="default" renderRoot={(props) => <Link to="/" {...props} />}>
          Projects
        </Button>
      }
    >
      <p>The address leads nowhere. It may be mistyped, or from another version of Kestrel.</p>
    </Notice>
  );
}
