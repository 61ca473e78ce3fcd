// The application with clerk-bridge.
import "./began";
import { ConvexProviderWithClerk } from "clerk-bridge/convex-react";
import { run } from "./page";

run(ConvexProviderWithClerk);
