// The side panel: what goes on behind the page, and for the stand-ins the dials that disturb it.
import { Faults } from "../local/Faults";
import { withBridge } from "../parameters";
import { isLocal } from "../services";
import { BridgeState } from "./BridgeState";
import { ConvexState } from "./ConvexState";
import { EventLog } from "./EventLog";
import { LocalTokenLife, TokenLife } from "./TokenLife";

export function Panel() {
  return (
    <aside className="panel" aria-label="Behind the page">
      {withBridge ? <BridgeState /> : <ConvexState />}
      {withBridge && (isLocal ? <LocalTokenLife /> : <TokenLife />)}
      {isLocal && <Faults />}
      {withBridge && <EventLog />}
    </aside>
  );
}
