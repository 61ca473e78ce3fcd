// A few choices side by side, of which one is taken.
import type { ReactNode } from "react";

export interface Segment<T> {
  value: T;
  label: ReactNode;
  /** For a label that is not words alone. */
  name?: string;
}

export interface SegmentsProps<T> {
  label: string;
  segments: readonly Segment<T>[];
  value: T | undefined;
  /** Choices are ignored meanwhile. They are not disabled, which would take the focus away. */
  isBusy?: boolean;
  onChoose: (value: T) => void;
}

export function Segments<T extends string | number | null>({ label, segments, value, isBusy, onChoose }: SegmentsProps<T>) {
  return (
    <div className="segments" role="group" aria-label={label} aria-busy={isBusy}>
      {segments.map((segment) => (
        <button
          key={segment.value}
          type="button"
          aria-pressed={segment.value === value}
          aria-label={segment.name}
          title={segment.name}
          onClick={() => isBusy || segment.value === value || onChoose(segment.value)}
        >
          {segment.label}
        </button>
      ))}
    </div>
  );
}
