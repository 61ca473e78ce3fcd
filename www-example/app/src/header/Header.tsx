// The top of the page: its name and, once somebody is signed in, who and where.
import { useAuth } from "@clerk/react";
import { CloudAccount } from "../cloud/CloudAccount";
import { LocalAccount } from "../local/LocalAccount";
import { ThemeSwitch } from "../ui/ThemeSwitch";
import { SignOutButton } from "./SignOutButton";

export function Header() {
  return (
    <header className="top">
      <a className="brand" href={location.pathname + location.search}>
        <img src="/icon.svg" alt="" width="28" height="28" />
        Tasks
      </a>
      <Account />
      <ThemeSwitch />
    </header>
  );
}

function Account() {
  const { isSignedIn } = useAuth();
  if (!isSignedIn) return <div className="account" />;
  return (
    <div className="account">
      {IS_LOCAL ? <LocalAccount /> : <CloudAccount />}
      <SignOutButton />
    </div>
  );
}
