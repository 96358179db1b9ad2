/** What was asked for, as the replicas remember it, and what runs: to search, sort, narrow down and take away. */

import { useCallback, useMemo, useState } from "preact/hooks";
import { ask, type Fault, type Images } from "../api.js";
import { usePolling } from "../poll.js";
import { Bar, Empty, Loading, State } from "../state.js";
import { clock, counted, shown, whole } from "../words.js";
import { save, toCsv, toJson } from "./export.js";
import { usesOf, type Use, type View } from "./join.js";
import { ALL, filtered, registryOf, shares, sorted, type Order, type Share, type Wanted } from "./rows.js";
import { UseTable } from "./table.js";

/** All of it is asked for again, so not often. */
const AGAIN_MILLISECONDS = 30_000;
/** Registries with a bar of their own. */
const MOST_BARS = 8;
/** Choices of a list; the search field finds the others. */
const MOST_CHOICES = 200;

const VIEWS: Record<View, { label: string; title: string; order: Order }> = {
  seen: {
    label: "Seen by the gate",
    title: "Images that were asked for",
    order: { column: "lastSeen", descending: true },
  },
  running: { label: "Running now", title: "Images that run", order: { column: "answer", descending: true } },
  both: {
    label: "Both",
    title: "Images that were asked for, and those that run",
    order: { column: "answer", descending: true },
  },
};

export function ImagesPage() {
  const [view, setView] = useState<View>("seen");
  const [images, setImages] = useState<Images | null>(null);
  // The cluster is read only for whoever wants to see what runs.
  const path = view === "seen" ? "/api/images" : "/api/images?running=true";
  const once = useCallback(async () => setImages(await ask<Images>(path)), [path]);
  const trouble = usePolling(once, AGAIN_MILLISECONDS);
  return (
    <div class={trouble ? "is-old" : undefined}>
      <h1 class="verdict">{VIEWS[view].title}</h1>
      {trouble && <State trouble={{ message: trouble.message, hint: trouble.hint }} />}
      {images ? (
        <>
          <Switch view={view} fault={images.runningFault} choose={setView} />
          <Found key={view} images={images} view={view} />
        </>
      ) : (
        !trouble && <Loading label="Asking the replicas what they remember" />
      )}
    </div>
  );
}

interface SwitchProps {
  view: View;
  fault: Fault | null;
  choose: (view: View) => void;
}

/** Where nobody asked for what runs and it is not known all the same, it cannot be. */
function Switch({ view, fault, choose }: SwitchProps) {
  if (view === "seen" && fault) {
    return (
      <p class="quiet without-cluster">
        {shown(fault.message)}
        {fault.hint && `; ${shown(fault.hint)}`}.
      </p>
    );
  }
  return (
    <>
      <div class="choice views" role="group" aria-label="Which images">
        {(["seen", "running", "both"] as const).map((each) => (
          <label key={each}>
            <input type="radio" name="view" checked={each === view} onChange={() => choose(each)} />
            <span>{VIEWS[each].label}</span>
          </label>
        ))}
      </div>
      {fault && <State trouble={{ message: `what runs is not known: ${fault.message}`, hint: fault.hint }} />}
    </>
  );
}

function Found({ images, view }: { images: Images; view: View }) {
  const { at, notes, gaps, running, runningFault } = images;
  const [wanted, setWanted] = useState<Wanted>(ALL);
  const [order, setOrder] = useState<Order>(VIEWS[view].order);
  const set = (change: Partial<Wanted>) => setWanted({ ...wanted, ...change });
  const all = useMemo(() => usesOf(images, view), [images, view]);
  // In this order, since a key in the search field changes the conditions alone.
  const inOrder = useMemo(() => sorted(all, order), [all, order]);
  const besides = useMemo(() => filtered(inOrder, { ...wanted, registry: "" }), [inOrder, wanted]);
  const uses = useMemo(() => (wanted.registry === "" ? besides : filtered(besides, wanted)), [besides, wanted]);
  const registries = useMemo(() => shares(besides, registryOf), [besides]);
  const isNarrowed = JSON.stringify(wanted) !== JSON.stringify(ALL);
  if (view !== "seen" && running === null) {
    if (!runningFault) return <Loading label="Reading what runs in the cluster" />;
    if (view === "running") return <Empty title="What runs is not known">It is tried again every half minute.</Empty>;
  }
  return (
    <>
      <ul class="sources" aria-label="Where this is from">
        {[...gaps, ...(running?.gaps ?? [])].map((gap) => (
          <li key={gap} class="gap">
            {shown(gap)}
          </li>
        ))}
        {notes.map((note) => (
          <li key={note} class="quiet">
            {shown(note)}
          </li>
        ))}
        {running?.policyHash && (
          <li class="quiet">
            What runs is judged by <span class="code">{shown(running.policyHash)}</span>, the policy in force, as if it
            started again now.
          </li>
        )}
      </ul>
      {all.length === 0 ? (
        <Nothing view={view} />
      ) : (
        <>
          <Filters uses={all} view={view} wanted={wanted} set={set} />
          <Registries registries={registries} chosen={wanted.registry} choose={(registry) => set({ registry })} />
          <section class="card" aria-labelledby="uses">
            <div class="head">
              <h2 id="uses">
                <span role="status">
                  {isNarrowed ? `${whole(uses.length)} of ${counted(all.length, "use")}` : counted(all.length, "use")}
                </span>
              </h2>
              <span class="quiet">
                as of {clock(at)}
                {running && `, the cluster as of ${clock(running.at)}`}
              </span>
              {isNarrowed && (
                <button type="button" onClick={() => setWanted(ALL)}>
                  Show all
                </button>
              )}
              <span class="grow" />
              <button type="button" disabled={uses.length === 0} onClick={() => save("images.csv", "text/csv", toCsv(uses))}>
                Save as CSV
              </button>
              <button
                type="button"
                disabled={uses.length === 0}
                onClick={() => save("images.json", "application/json", toJson(uses))}
              >
                Save as JSON
              </button>
            </div>
            {uses.length === 0 ? (
              <Empty title="No image is like that">Fewer conditions show more.</Empty>
            ) : (
              <UseTable uses={uses} view={view} order={order} sort={setOrder} />
            )}
          </section>
        </>
      )}
    </>
  );
}

function Nothing({ view }: { view: View }) {
  return view === "running" ? (
    <Empty title="Nothing runs">There is no Pod and no workload that you may see. It is looked at again every minute.</Empty>
  ) : (
    <Empty title="No image yet">
      The replicas remember each image that they judge, from their start on. It appears here within half a minute.
    </Empty>
  );
}

interface FiltersProps {
  uses: Use[];
  view: View;
  wanted: Wanted;
  set: (change: Partial<Wanted>) => void;
}

function Filters({ uses, view, wanted, set }: FiltersProps) {
  const namespaces = useMemo(() => shares(uses, (use) => use.namespace), [uses]);
  const tags = useMemo(() => shares(uses, (use) => (use.tag === null ? "none" : `=${use.tag}`)), [uses]);
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="find">
        <span>Search</span>
        <input
          type="search"
          value={wanted.text}
          placeholder="image, namespace, owner or user"
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
      <Choices label="Namespace" any="all" shares={namespaces} chosen={wanted.namespace} choose={(namespace) => set({ namespace })} />
      <Choices
        label="Tag"
        any="any or none"
        shares={tags}
        chosen={wanted.tag}
        choose={(tag) => set({ tag })}
        name={(tag) => (tag === "none" ? "no tag" : tag.slice(1))}
      />
      {view !== "running" && (
        <label>
          <span>When last seen</span>
          <select
            value={wanted.decision}
            onChange={(event) => set({ decision: event.currentTarget.value as Wanted["decision"] })}
          >
            <option value="">admitted or refused</option>
            <option value="admitted">admitted</option>
            <option value="refused">refused</option>
          </select>
        </label>
      )}
      {view !== "seen" && (
        <label>
          <span>If it started again</span>
          <select value={wanted.again} onChange={(event) => set({ again: event.currentTarget.value as Wanted["again"] })}>
            <option value="">anything</option>
            <option value="admitted">would be admitted</option>
            <option value="refused">would be refused</option>
            <option value="not judged">is not judged</option>
          </select>
        </label>
      )}
      <label class="check">
        <input type="checkbox" checked={wanted.unpinned} onChange={(event) => set({ unpinned: event.currentTarget.checked })} />
        <span>Without a digest</span>
      </label>
    </form>
  );
}

interface ChoicesProps {
  label: string;
  any: string;
  shares: Share[];
  chosen: string;
  choose: (value: string) => void;
  name?: (value: string) => string;
}

function Choices({ label, any, shares, chosen, choose, name = (value) => value }: ChoicesProps) {
  return (
    <label>
      <span>{label}</span>
      <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{any}</option>
        {shares.slice(0, MOST_CHOICES).map(([value, count]) => (
          <option key={value} value={value}>
            {shown(name(value)) || "(none)"} · {whole(count)}
          </option>
        ))}
      </select>
    </label>
  );
}

interface RegistriesProps {
  registries: Share[];
  chosen: string;
  choose: (registry: string) => void;
}

/** Each bar is a button that shows that registry alone. */
function Registries({ registries, chosen, choose }: RegistriesProps) {
  const top = registries.slice(0, MOST_BARS);
  if (chosen && !top.some(([registry]) => registry === chosen)) {
    top.push(registries.find(([registry]) => registry === chosen) ?? [chosen, 0]);
  }
  const most = registries[0]?.[1] ?? 1;
  const rest = registries.slice(MOST_BARS);
  const others = rest.reduce((sum, [, count]) => sum + count, 0);
  return (
    <section class="card" aria-labelledby="registries">
      <h2 id="registries">By registry</h2>
      <ul class="bars">
        {top.map(([registry, count]) => (
          <li key={registry}>
            <button
              type="button"
              aria-pressed={registry === chosen}
              onClick={() => choose(registry === chosen ? "" : registry)}
            >
              <span class="name code">{shown(registry)}</span>
              <span class="count">{whole(count)}</span>
              <Bar share={count / most} />
            </button>
          </li>
        ))}
      </ul>
      {rest.length > 0 && (
        <p class="quiet">
          and {whole(others)} in {counted(rest.length, "more registry", "more registries")}
        </p>
      )}
    </section>
  );
}
