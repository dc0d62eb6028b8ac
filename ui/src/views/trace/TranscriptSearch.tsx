import { SearchBar } from "./SearchBar";
import { useFind } from "./useFind";

interface TranscriptSearchProps {
  traceId: string;
  text: string;
  selected: string | null;
  onText: (text: string) => void;
  onShow: (spanId: string) => void;
  onClose: () => void;
}

export function TranscriptSearch({
  traceId,
  text,
  selected,
  onText,
  onShow,
  onClose,
}: TranscriptSearchProps) {
  const find = useFind(traceId, text, selected, onShow);
  return (
    <SearchBar
      text={text}
      matches={find.matches}
      at={find.at}
      failed={find.failed}
      onText={onText}
      onStep={find.step}
      onClose={onClose}
    />
  );
}
