// The stand-in's seeded users.
interface Person {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
}

export const PEOPLE: readonly Person[] = [
  { userId: "user_ada", name: "Ada Lovelace", email: "ada@example.test" },
  { userId: "user_grace", name: "Grace Hopper", email: "grace@example.test" },
  { userId: "user_linus", name: "Linus Torvalds", email: "linus@example.test" },
];

/** All of them have the same. */
export const PASSWORD = "correct-horse";

export const personOf = (userId: string | null) => PEOPLE.find((person) => person.userId === userId);
