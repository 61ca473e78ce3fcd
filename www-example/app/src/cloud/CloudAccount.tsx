// Clerk's own organisation and account menus, for real services.
import { OrganizationSwitcher, UserButton } from "@clerk/react";

export function CloudAccount() {
  return (
    <>
      <OrganizationSwitcher />
      <UserButton />
    </>
  );
}
