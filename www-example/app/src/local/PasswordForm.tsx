// E-mail and password.
import type { FormEvent } from "react";
import { PASSWORD } from "./people";

interface Props {
  isBusy: boolean;
  onSubmit: (email: string, password: string) => void;
}

export function PasswordForm({ isBusy, onSubmit }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    onSubmit(String(fields.get("email")), String(fields.get("password")));
  };
  return (
    <form className="password-form" onSubmit={submit}>
      <p className="divider">or with a password</p>
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" placeholder="ada@example.test" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button className="button primary" disabled={isBusy}>
        Sign in
      </button>
      <p className="hint">
        Everybody’s password is <code>{PASSWORD}</code>.
      </p>
    </form>
  );
}
