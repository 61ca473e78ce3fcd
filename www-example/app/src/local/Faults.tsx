// A dial for everything that can go wrong, and one button that mends it all.
import { useAuth } from "@clerk/react";
import { Section } from "../panel/Section";
import { Failure } from "../ui/Failure";
import { useAction } from "../ui/useAction";
import { refreshCloudState, useCloudState } from "./cloud-state";
import * as faults from "./faults";
import { Setting } from "./Setting";

export function Faults() {
  const state = useCloudState();
  const { sessionId } = useAuth();
  const { run, failure } = useAction();
  if (!state) return null;

  const change = (what: Promise<unknown>) => run(() => what.finally(refreshCloudState));
  const count = faults.countFaults(state);
  const clear = (
    <button className="button small" data-urgent={count > 0} disabled={!count} onClick={() => change(faults.clearAll())}>
      {count ? `Clear all faults (${count})` : "Clear all faults"}
    </button>
  );
  return (
    <Section title="Faults" aside={clear}>
      {faults.DIALS.map((dial) => (
        <Setting
          key={dial.label}
          label={dial.label}
          usual={dial.usual}
          segments={segmentsOf(dial)}
          value={faults.readDial(state, dial)}
          onChoose={(label) => change(faults.turnDial(state, dial, label))}
        />
      ))}
      <Setting
        label="Token life"
        usual={faults.USUAL.lifetime}
        segments={faults.LIFETIMES}
        value={faults.lifetimeOf(state)}
        onChoose={(seconds) => change(faults.setLifetime(seconds))}
      />
      <Setting
        label="Servers’ clock"
        usual={faults.USUAL.skew}
        segments={faults.SKEWS}
        value={state.clock.offsetMs}
        onChoose={(ms) => change(faults.setSkew(ms))}
      />
      <div className="setting">
        Sign-out elsewhere
        <button
          className="button small"
          disabled={!sessionId}
          title="End this session on Clerk’s side"
          onClick={() => change(faults.revoke(sessionId!))}
        >
          Revoke session
        </button>
      </div>
      <Failure words={failure} />
    </Section>
  );
}

const segmentsOf = ({ usual, positions }: faults.Dial) => [
  { value: usual, label: usual },
  ...positions.map(({ label, help }) => ({ value: label, label, name: `${label}: ${help}` })),
];
