// The page: the tasks, or the way to them, and beside them the panel.
import { useConvexAuth } from "convex/react";
import { Header } from "./header/Header";
import { useMeasured } from "./measure";
import { Panel } from "./panel/Panel";
import { SignedOut } from "./SignedOut";
import { Tasks } from "./tasks/Tasks";
import { Waiting } from "./Waiting";

export function App() {
  return (
    <div className="page">
      <Header />
      <main>
        <Main />
      </main>
      <Panel />
    </div>
  );
}

/** Knows Convex alone, as an application would; a new token does not render it again. */
function Main() {
  const { isLoading, isAuthenticated } = useConvexAuth();
  useMeasured("main");
  if (isLoading) return <Waiting />;
  return isAuthenticated ? <Tasks /> : <SignedOut />;
}
