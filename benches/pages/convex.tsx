// The application with Convex' own provider.
import "./began";
import { ConvexProviderWithClerk } from "convex/react-clerk";
import { run } from "./page";

run(ConvexProviderWithClerk);
