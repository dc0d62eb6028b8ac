import { IconExternalLink } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** A link out of untrusted content: marked, in a new window, without referrer. */
export function ExternalLink({
  href,
  children,
}: {
  href: string | undefined;
  children: ReactNode;
}) {
  if (!href) return <>{children}</>;
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      referrerPolicy="no-referrer"
      title={href}
    >
      {children}
      <IconExternalLink size={11} aria-label=" (leaves this site)" style={{ marginLeft: 2 }} />
    </a>
  );
}
