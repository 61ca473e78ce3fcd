// One dial with its name. What is not as usual stands out.
import { type SegmentsProps, Segments } from "../ui/Segments";

type Value = string | number;

export function Setting<T extends Value>({ usual, ...segments }: SegmentsProps<T> & { usual: Value }) {
  return (
    <div className="setting" data-unusual={segments.value !== usual}>
      {segments.label}
      <Segments {...segments} />
    </div>
  );
}
