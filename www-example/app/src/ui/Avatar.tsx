// A person's initials on a colour of their own.
const hueOf = (name: string) => [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);

export function Avatar({ name }: { name: string }) {
  const initials = name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  return (
    <span className="avatar" style={{ "--hue": hueOf(name) }} aria-hidden="true">
      {initials}
    </span>
  );
}
