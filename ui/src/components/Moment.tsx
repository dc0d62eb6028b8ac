import { formatAbsolute, formatRelative } from "../lib/format";
import { useNow } from "./useNow";

/** A time, relative; absolute with zone on hover. */
export function Moment({ iso, className }: { iso: string; className?: string | undefined }) {
  const now = useNow();
  return (
    <time dateTime={iso} title={formatAbsolute(iso)} className={className}>
      {formatRelative(iso, now)}
    </time>
  );
}
