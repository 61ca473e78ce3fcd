// Switches for everything that can go wrong, and one button that mends it all.
import { useAuth } from "@clerk/react";
import { Section } from "../panel/Section";
import { Failure } from "../ui/Failure";
import { Segments } from "../ui/Segments";
import { useAction } from "../ui/useAction";
import { refreshCloudState, useCloudState } from "./cloud-state";
import { clearAll, countOn, isOn, LIFETIMES, lifetimeOf, revoke, SKEWS, setLifetime, setSkew, TROUBLES, turn } from "./faults";

export function Faults() {
  const state = useCloudState();
  const { sessionId } = useAuth();
  const { run, failure } = useAction();
  if (!state) return null;

  const change = (what: () => Promise<unknown>) => run(() => what().then(refreshCloudState));
  const count = countOn(state);
  const clear = (
    <button className="button small" data-urgent={count > 0} disabled={!count} onClick={() => change(clearAll)}>
      {count ? `Clear all (${count})` : "Clear all faults"}
    </button>
  );
  return (
    <Section title="Faults" aside={clear}>
      <ul className="faults">
        {TROUBLES.map((trouble) => (
          <li key={trouble.label}>
            <button role="switch" aria-checked={isOn(state, trouble)} onClick={() => change(() => turn(state, trouble))}>
              <span>
                {trouble.label}
                <small>{trouble.help}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <div className="setting">
        Tokens live
        <Segments
          label="Tokens live"
          segments={LIFETIMES}
          value={lifetimeOf(state)}
          onChoose={(seconds) => change(() => setLifetime(seconds))}
        />
      </div>
      <div className="setting">
        Servers’ clock
        <Segments
          label="Servers’ clock"
          segments={SKEWS}
          value={state.clock.offsetMs}
          onChoose={(ms) => change(() => setSkew(ms))}
        />
      </div>
      <div className="setting">
        <span>
          Sign-out elsewhere
          <small>The session ends on Clerk’s side.</small>
        </span>
        <button className="button small" disabled={!sessionId} onClick={() => change(() => revoke(sessionId!))}>
          Revoke
        </button>
      </div>
      <Failure words={failure} />
    </Section>
  );
}
