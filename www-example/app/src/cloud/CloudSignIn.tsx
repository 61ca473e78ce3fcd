// Clerk's own sign-in, for real services.
import { SignIn } from "@clerk/react";

export function CloudSignIn() {
  return (
    <section className="card-place">
      <SignIn routing="hash" />
    </section>
  );
}
