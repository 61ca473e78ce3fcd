// The event log: what the bridge decided, and when.
import { useSyncExternalStore } from "react";
import { eventLog, type LoggedEvent } from "./event-log";
import { Section } from "./Section";

export function EventLog() {
  const events = useSyncExternalStore(eventLog.subscribe, eventLog.getSnapshot);
  const clear = (
    <button className="button small" disabled={!events.length} onClick={eventLog.clear}>
      Empty
    </button>
  );
  return (
    <Section title="Events" aside={clear}>
      {events.length ? (
        <ol className="events" tabIndex={0} aria-label="Events, newest first">
          {events.map((event) => (
            <li key={event.number}>
              <time dateTime={new Date(event.at).toISOString()}>{clockTime(event.at)}</time>
              <code data-kind={kindOf(event.type)}>{event.type}</code>
              <span>{detailOf(event)}</span>
            </li>
          ))}
        </ol>
      ) : (
        <p className="hint">Nothing yet.</p>
      )}
    </Section>
  );
}

const clockTime = (at: number) => {
  const time = new Date(at);
  const two = (part: number) => String(part).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
};

const kindOf = (type: string) => {
  if (/reject|retry|fail|gave-up|timeout|panic|discarded|warning/.test(type)) return "bad";
  return /authenticated|fetched|shared/.test(type) ? "good" : "plain";
};

/** Every detail that says something; durations as seconds. */
function detailOf({ at: _, type: __, number: ___, ms, ...details }: LoggedEvent) {
  const words = Object.values(details).filter((detail) => detail !== undefined && detail !== null && detail !== "");
  if (typeof ms === "number" && ms > 0) words.push(`in ${(ms / 1000).toFixed(1)} s`);
  return words.join(" · ");
}
