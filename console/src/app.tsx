/** The frame around the pages: which of them is shown, and whether the gate answers. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { ask, type Decisions, type Fault, type Item, type Now, type Sample } from "./api.js";
import { PlaygroundLink } from "./handover.js";
import { ImagesPage } from "./images/page.js";
import { extended } from "./now/history.js";
import { NowPage } from "./now/page.js";
import { PolicyPage } from "./policy/page.js";
import { usePolling } from "./poll.js";
import { State } from "./state.js";
import { clock, counted, shown } from "./words.js";

const NOW_MILLISECONDS = 2000;
/** Decisions that are kept here: as many as the console keeps. */
const MOST_ITEMS = 1024;

type Page = "now" | "images" | "policy";

const TITLES: Record<Page, string> = { now: "Now", images: "Images", policy: "Policy" };

function pageOf(hash: string): Page {
  const [page] = hash.slice(1).split("?");
  return page === "images" || page === "policy" ? page : "now";
}

export function App() {
  const [page, setPage] = useState<Page>(pageOf(location.hash));
  useEffect(() => {
    const follow = () => setPage(pageOf(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    document.title = `${TITLES[page]} · ImageGate console`;
  }, [page]);

  const [now, setNow] = useState<Now | null>(null);
  const [history, setHistory] = useState<Sample[]>([]);
  const [items, setItems] = useState<Item[]>([]);
  const [feedFault, setFeedFault] = useState<string | null>(null);
  const [places] = useState({ sample: 0, item: 0, begunAt: 0 });
  const once = useCallback(async () => {
    const [now, decisions] = await Promise.all([
      ask<Now>(`/api/now?after=${places.sample}`),
      ask<Decisions>(`/api/decisions?after=${places.item}`),
    ]);
    const isAnew = places.begunAt !== 0 && places.begunAt !== now.begunAt;
    setHistory((history) => extended(isAnew ? [] : history, now.samples, now.keptSeconds));
    places.sample = now.samples.at(-1)?.at ?? places.sample;
    places.begunAt = now.begunAt;
    setNow(now);
    const fresh = decisions.items;
    setItems((items) => [...(isAnew ? [] : items), ...fresh].slice(-MOST_ITEMS));
    places.item = decisions.last;
    setFeedFault(decisions.fault);
  }, [places]);
  const unanswered = usePolling(once, NOW_MILLISECONDS);
  const trouble = troubleOf(now, unanswered);

  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the page
      </a>
      <header class="top">
        <a class="brand" href="#now" aria-label="ImageGate console">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span>ImageGate</span>
        </a>
        <nav aria-label="Pages">
          {(["now", "images", "policy"] as const).map((to) => (
            <PageLink key={to} to={to} page={page} label={TITLES[to]} />
          ))}
          <PlaygroundLink>Playground</PlaygroundLink>
        </nav>
        <p class={`live ${trouble ? "is-lost" : now?.at ? "is-live" : ""}`} role="status">
          <span class="dot" aria-hidden="true" />
          {liveness(now, trouble)}
        </p>
      </header>
      {trouble && <State trouble={trouble} />}
      <main id="main" tabIndex={-1}>
        {page === "now" ? (
          <NowPage now={now} history={history} items={items} feedFault={feedFault} isLost={trouble !== null} />
        ) : page === "images" ? (
          <ImagesPage />
        ) : (
          <PolicyPage />
        )}
      </main>
      <footer>
        <p>
          {now?.readOnly && "This page only reads. "}It is served by the console on your own machine
          {now && `, version ${shown(now.version)}`}, and loads nothing from elsewhere.{" "}
          <a href="/licences.md">Licences</a>, <a href="/playground/editor.licences.txt">those of the editor</a>
        </p>
      </footer>
    </>
  );
}

function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function PageLink({ to, page, label }: { to: Page; page: Page; label: string }) {
  return (
    <a href={`#${to}`} aria-current={to === page ? "page" : undefined}>
      {label}
    </a>
  );
}

/** Why what is shown is old, or nothing is. */
function troubleOf(now: Now | null, unanswered: Fault | null): Fault | null {
  if (unanswered) return { message: unanswered.message, hint: unanswered.hint };
  if (!now?.at && !now?.fault) return null;
  if (now.fault) {
    return { message: `the gate is not reached: ${now.fault.message}`, hint: now.fault.hint };
  }
  const silent = now.replicas.filter((replica) => replica.error !== undefined);
  if (silent.length === now.replicas.length) {
    const why = silent[0]?.error;
    return {
      message: why ? `no replica answers: ${why}` : "the gate has no replicas",
      hint: "it is tried again every few seconds, and the page goes on by itself",
    };
  }
  return null;
}

function liveness(now: Now | null, trouble: Fault | null): string {
  if (trouble) return now?.at ? `Not reached · last seen ${clock(now.at)}` : "Not reached";
  if (!now?.at) return "Asking the gate";
  const answering = now.replicas.filter((replica) => replica.error === undefined).length;
  const all = now.replicas.length;
  const replicas = answering === all ? counted(all, "replica") : `${answering} of ${counted(all, "replica")}`;
  return `Live · ${replicas}${now.namespace ? ` in ${shown(now.namespace)}` : ""}`;
}
