// One task: tick it, or take the tick back. Who else wrote it stands beside it.
import { personOf } from "../local/people";
import type { Task } from "./types";

interface Props {
  task: Task;
  isOwn: boolean;
  onSet: (id: string, done: boolean) => void;
}

export function TaskRow({ task: { id, text, done, writtenBy, isDraft = false }, isOwn, onSet }: Props) {
  const author = !isOwn && writtenBy && personOf(writtenBy)?.name.split(" ")[0];
  return (
    <li className="task" data-draft={isDraft}>
      <label>
        <input type="checkbox" checked={done} disabled={isDraft} onChange={() => onSet(id, !done)} />
        <span>{text}</span>
      </label>
      {author && <small>{author}</small>}
    </li>
  );
}
