// The same list on each backend: one at a time, or all side by side.
import { useOrganization } from "@clerk/react";
import { useServices } from "../backends";
import { useMeasured } from "../measure";
import { Segments } from "../ui/Segments";
import { useKept } from "../ui/useKept";
import { Column } from "./Column";

const ALL = "all";

export function Board() {
  const services = Object.entries(useServices());
  const names = services.map(([name]) => name);
  const [kept, choose] = useKept("shown", ALL);
  const shown = names.includes(kept) ? kept : ALL;
  const columns = services.filter(([name]) => shown === ALL || shown === name);
  useMeasured("board");
  return (
    <>
      <header className="board-head">
        <ListTitle />
        {services.length > 1 && (
          <Segments
            label="Backend"
            segments={[{ value: ALL, label: "All" }, ...services.map(([value, { title }]) => ({ value, label: title }))]}
            value={shown}
            onChoose={choose}
          />
        )}
      </header>
      <div className="columns" data-count={columns.length}>
        {columns.map(([name, service]) => (
          <Column key={name} name={name} service={service} />
        ))}
        {!services.length && <p className="failure">No backend could be loaded.</p>}
      </div>
    </>
  );
}

function ListTitle() {
  const { organization } = useOrganization();
  return <h1>{organization?.name ?? "Personal"}</h1>;
}
