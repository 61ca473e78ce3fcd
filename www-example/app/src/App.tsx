// The page: the tasks, or the way to them, and beside them the panel.
import { ClerkProvider } from "@clerk/react";
import { useBridgeAuth } from "clerk-bridge/react";
import { Suspense } from "react";
import { Header } from "./header/Header";
import { useMeasured } from "./measure";
import { Panel } from "./panel/Panel";
import { Providers } from "./Providers";
import { SignedOut } from "./SignedOut";
import { clerkOptions } from "./services";
import { Board } from "./tasks/Board";
import { Waiting, WelcomeBack } from "./Waiting";

export function App() {
  return (
    <ClerkProvider {...clerkOptions} telemetry={false}>
      <Suspense fallback={<Opening />}>
        <Providers>
          <div className="page">
            <Header />
            <main>
              <Main />
            </main>
            <Panel />
          </div>
        </Providers>
      </Suspense>
    </ClerkProvider>
  );
}

/** While the backends' clients load. */
function Opening() {
  return (
    <div className="page">
      <Header />
      <main>
        <Waiting />
      </main>
    </div>
  );
}

/** A new token does not render it again, nor does what happens to one backend keep another's tasks away. */
function Main() {
  const { status, userId } = useBridgeAuth();
  useMeasured("main");
  if (userId) return <Board />;
  return status === "loading" ? <WelcomeBack /> : <SignedOut />;
}
