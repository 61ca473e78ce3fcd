// One backend's list as a card. It knows the backend by its `useTasks` alone, and nothing of tokens.
import { useOrganization } from "@clerk/react";
import { type ReactNode, useId } from "react";
import { useMeasured } from "../measure";
import { Boundary } from "../ui/Boundary";
import { Failure } from "../ui/Failure";
import { Skeleton } from "../ui/Skeleton";
import { useAction } from "../ui/useAction";
import { NewTask } from "./NewTask";
import { TaskRow } from "./TaskRow";
import type { Caller, Service, Tasks } from "./types";

interface Props {
  service: Service;
  caller: Caller;
}

export function Card({ service, badge, children }: { service: Service; badge?: ReactNode; children: ReactNode }) {
  const id = useId();
  const { organization } = useOrganization();
  return (
    <section className="card tasks" aria-labelledby={id}>
      <header>
        <h2 id={id}>{service.title}</h2>
        {badge}
        <small>{service.reach(organization?.name ?? null)}</small>
      </header>
      {children}
    </section>
  );
}

export function List(props: Props) {
  const { service } = props;
  const { Provider } = service;
  const tasks = <Live {...props} />;
  return <Boundary frame={(failure) => <Card service={service}>{failure}</Card>}>{Provider ? <Provider>{tasks}</Provider> : tasks}</Boundary>;
}

function Live({ service, caller }: Props) {
  const { tasks, connection, add, setDone } = service.useTasks(caller);
  const { run, isBusy, failure } = useAction();
  useMeasured(tasks ? "tasks" : "tasks-waiting");
  return (
    <Card service={service} badge={<Badge state={isBusy && connection === "live" ? "saving" : connection} />}>
      <NewTask onAdd={(text) => run(() => add(text))} />
      <Failure words={failure} />
      {tasks ? <Rows tasks={tasks} caller={caller} onSet={(id, done) => run(() => setDone(id, done))} /> : <Skeleton />}
    </Card>
  );
}

/** Whether the list is live. */
function Badge({ state }: { state: Tasks["connection"] | "saving" }) {
  return (
    <span className="badge" data-status={state === "live" ? "authenticated" : "refreshing"} role="status">
      {state}
    </span>
  );
}

interface RowsProps {
  tasks: NonNullable<Tasks["tasks"]>;
  caller: Caller;
  onSet: (id: string, done: boolean) => void;
}

function Rows({ tasks, caller, onSet }: RowsProps) {
  const open = tasks.filter((task) => !task.done).length;
  return (
    <>
      <ul className="task-list">
        {tasks.map((task) => (
          <TaskRow key={task.id} task={task} isOwn={task.writtenBy === caller.userId} onSet={onSet} />
        ))}
      </ul>
      <p className="hint" aria-live="polite">
        {tasks.length ? `${open} open, ${tasks.length - open} done` : "Nothing to do. Enjoy it, or add something."}
      </p>
    </>
  );
}
