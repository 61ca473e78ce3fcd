// The way in: one click for a seeded user, or e-mail and password.
import { Avatar } from "../ui/Avatar";
import { Failure } from "../ui/Failure";
import { useAction } from "../ui/useAction";
import { PasswordForm } from "./PasswordForm";
import { PEOPLE } from "./people";
import { useSignIn } from "./useSignIn";

export function LocalSignIn() {
  const signIn = useSignIn();
  const { run, isBusy, failure } = useAction();
  return (
    <section className="card sign-in" aria-busy={isBusy}>
      <h1>Who are you today?</h1>
      <p className="lead">One sign-in for every backend. You all belong to two organisations, Acme and Globex.</p>
      <ul className="people">
        {PEOPLE.map(({ userId, name, email }) => (
          <li key={userId}>
            <button className="person" disabled={isBusy} onClick={() => run(() => signIn.asUser(userId))}>
              <Avatar name={name} />
              <span>
                <strong>{name}</strong>
                <small>{email}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <PasswordForm isBusy={isBusy} onSubmit={(email, password) => run(() => signIn.withPassword(email, password))} />
      <Failure words={failure} />
    </section>
  );
}
