// The organisations of the user, and none.
import { useOrganization, useUser } from "@clerk/react";
import { Segments } from "../ui/Segments";

interface Props {
  isBusy: boolean;
  onChoose: (organization: string | null) => void;
}

export function OrganizationSwitch({ isBusy, onChoose }: Props) {
  const { user } = useUser();
  const { organization } = useOrganization();
  const memberships = user?.organizationMemberships ?? [];
  const organizations = memberships.map((membership) => membership.organization);
  const segments = [{ value: null, label: "Personal" }, ...organizations.map(({ id, name }) => ({ value: id, label: name }))];
  return (
    <Segments
      label="Organisation"
      segments={segments}
      value={organization?.id ?? null}
      isBusy={isBusy}
      onChoose={onChoose}
    />
  );
}
