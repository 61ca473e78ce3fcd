// Out, everywhere: tasks gone from the screen, every backend told, Clerk's session ended.
import { useSignOut } from "../sign-out";
import { Failure } from "../ui/Failure";
import { useAction } from "../ui/useAction";

export function SignOutButton() {
  const signOut = useSignOut();
  const { run, isBusy, failure } = useAction();
  return (
    <>
      <button className="button quiet" disabled={isBusy} onClick={() => run(signOut)}>
        {isBusy ? "Signing out…" : "Sign out"}
      </button>
      <Failure words={failure} />
    </>
  );
}
