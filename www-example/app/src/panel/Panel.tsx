// The side panel: what goes on behind the page, and for the stand-ins the dials that disturb it.
import { Faults } from "../local/Faults";
import { BridgeState } from "./BridgeState";
import { EventLog } from "./EventLog";
import { LocalTokens, Tokens } from "./Tokens";

export function Panel() {
  return (
    <aside className="panel" aria-label="Behind the page">
      <BridgeState />
      {IS_LOCAL ? <LocalTokens /> : <Tokens />}
      {IS_LOCAL && <Faults />}
      <EventLog />
    </aside>
  );
}
