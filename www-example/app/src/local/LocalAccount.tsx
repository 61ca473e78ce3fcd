// Who is signed in and for which organisation; both change with one click.
import { useClerk, useUser } from "@clerk/react";
import { Avatar } from "../ui/Avatar";
import { Failure } from "../ui/Failure";
import { Segments } from "../ui/Segments";
import { useAction } from "../ui/useAction";
import { OrganizationSwitch } from "./OrganizationSwitch";
import { PEOPLE } from "./people";
import { useSignIn } from "./useSignIn";

const people = PEOPLE.map(({ userId, name }) => ({ value: userId, name, label: <Avatar name={name} /> }));

export function LocalAccount() {
  const { user } = useUser();
  const clerk = useClerk();
  const signIn = useSignIn();
  const { run, isBusy, failure } = useAction();
  return (
    <>
      <OrganizationSwitch
        isBusy={isBusy}
        onChoose={(organization) => run(() => clerk.setActive({ organization }))}
      />
      <Segments
        label="Signed in as"
        segments={people}
        value={user?.id}
        isBusy={isBusy}
        onChoose={(userId) => run(() => signIn.asUser(userId))}
      />
      <Failure words={failure} />
    </>
  );
}
