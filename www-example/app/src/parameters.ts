// What the address asks for: `?provider=convex` puts Convex's own provider in the bridge's place, `?measure` counts.
const parameters = new URLSearchParams(location.search);

export const withBridge = parameters.get("provider") !== "convex";
export const isMeasured = parameters.has("measure");
