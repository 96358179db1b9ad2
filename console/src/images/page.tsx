/** What was asked for, as the replicas remember it: to search, sort, narrow down and take away. */

import { useCallback, useMemo, useState } from "preact/hooks";
import { ask, type Images, type Use } from "../api.js";
import { usePolling } from "../poll.js";
import { Bar, Empty, Loading, State } from "../state.js";
import { clock, counted, shown, whole } from "../words.js";
import { save, toCsv, toJson } from "./export.js";
import { ALL, filtered, registryOf, shares, sorted, type Order, type Share, type Wanted } from "./rows.js";
import { UseTable } from "./table.js";

/** All of it is asked for again, so not often. */
const AGAIN_MILLISECONDS = 30_000;
/** Registries with a bar of their own. */
const MOST_BARS = 8;
/** Choices of a list; the search field finds the others. */
const MOST_CHOICES = 200;

export function ImagesPage() {
  const [images, setImages] = useState<Images | null>(null);
  const once = useCallback(async () => setImages(await ask<Images>("/api/images")), []);
  const trouble = usePolling(once, AGAIN_MILLISECONDS);
  return (
    <div class={trouble ? "is-old" : undefined}>
      <h1 class="verdict">Images that were asked for</h1>
      {trouble && <State trouble={{ message: trouble.message, hint: trouble.hint }} />}
      {images ? <Found images={images} /> : !trouble && <Loading label="Asking the replicas what they remember" />}
    </div>
  );
}

function Found({ images: { at, notes, gaps, images } }: { images: Images }) {
  const [wanted, setWanted] = useState<Wanted>(ALL);
  const [order, setOrder] = useState<Order>({ column: "lastSeen", descending: true });
  const set = (change: Partial<Wanted>) => setWanted({ ...wanted, ...change });
  const uses = useMemo(() => sorted(filtered(images, wanted), order), [images, wanted, order]);
  const besides = useMemo(() => filtered(images, { ...wanted, registry: "" }), [images, wanted]);
  const registries = useMemo(() => shares(besides, registryOf), [besides]);
  const isNarrowed = JSON.stringify(wanted) !== JSON.stringify(ALL);
  return (
    <>
      <ul class="sources" aria-label="Whose memory this is">
        {gaps.map((gap) => (
          <li key={gap} class="gap">
            {shown(gap)}
          </li>
        ))}
        {notes.map((note) => (
          <li key={note} class="quiet">
            {shown(note)}
          </li>
        ))}
      </ul>
      {images.length === 0 ? (
        <Empty title="No image yet">
          The replicas remember each image that they judge, from their start on. It appears here within half a minute.
        </Empty>
      ) : (
        <>
          <Filters images={images} wanted={wanted} set={set} />
          <Registries registries={registries} chosen={wanted.registry} choose={(registry) => set({ registry })} />
          <section class="card" aria-labelledby="uses">
            <div class="head">
              <h2 id="uses">
                <span role="status">
                  {isNarrowed ? `${whole(uses.length)} of ${counted(images.length, "use")}` : counted(images.length, "use")}
                </span>
              </h2>
              <span class="quiet">as of {clock(at)}</span>
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
              <UseTable uses={uses} order={order} sort={setOrder} />
            )}
          </section>
        </>
      )}
    </>
  );
}

interface FiltersProps {
  images: Use[];
  wanted: Wanted;
  set: (change: Partial<Wanted>) => void;
}

function Filters({ images, wanted, set }: FiltersProps) {
  const namespaces = useMemo(() => shares(images, (use) => use.namespace), [images]);
  const tags = useMemo(() => shares(images, (use) => (use.tag === null ? "none" : `=${use.tag}`)), [images]);
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
