/** A table of which only what is in sight is laid out. */

import { useEffect, useRef, useState } from "preact/hooks";
import { moment, shown, whole } from "../words.js";
import type { Use, View } from "./join.js";
import { againOf, type Column, type Order } from "./rows.js";

/** The height of a row, as the style sheet has it, on a wide page and on a narrow one. */
const ROW = 40;
const NARROW_ROW: Record<View, number> = { seen: 76, running: 98, both: 98 };
const NARROW = "(max-width: 720px)";
/** Rows above and below what is in sight, so that a quick scroll shows no hole. */
const SPARE = 12;

const LABELS: Record<Column, string> = {
  where: "Where",
  refused: "When seen",
  answer: "Again now",
  image: "Image",
  namespace: "Namespace",
  owner: "Owner",
  pods: "Pods",
  count: "Times",
  lastSeen: "Last seen",
};

const COLUMNS: Record<View, Column[]> = {
  seen: ["refused", "image", "namespace", "owner", "count", "lastSeen"],
  running: ["where", "answer", "image", "namespace", "owner", "pods", "lastSeen"],
  both: ["where", "refused", "answer", "image", "namespace", "owner", "pods", "lastSeen"],
};

/** Numbers and times begin with the largest, answers with the worst, texts with A. */
const LARGEST_FIRST = new Set<Column>(["refused", "answer", "pods", "count", "lastSeen"]);

interface Props {
  uses: Use[];
  view: View;
  order: Order;
  sort: (order: Order) => void;
}

export function UseTable({ uses, view, order, sort }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [isNarrow, setNarrow] = useState(matchMedia(NARROW).matches);
  useEffect(() => {
    const element = place.current;
    const query = matchMedia(NARROW);
    const follow = () => setNarrow(query.matches);
    query.addEventListener("change", follow);
    const observer = new ResizeObserver(() => setHeight(element?.clientHeight ?? 0));
    if (element) observer.observe(element);
    return () => {
      query.removeEventListener("change", follow);
      observer.disconnect();
    };
  }, []);
  // Another list, or another order of it, begins at its top.
  useEffect(() => {
    if (place.current) place.current.scrollTop = 0;
    setTop(0);
  }, [order, uses.length]);

  const row = isNarrow ? NARROW_ROW[view] : ROW;
  const first = Math.max(0, Math.floor(top / row) - SPARE);
  const last = Math.min(uses.length, Math.ceil((top + height) / row) + SPARE);
  return (
    <div
      class={`uses of-${view}`}
      ref={place}
      role="table"
      aria-labelledby="uses"
      aria-rowcount={uses.length + 1}
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div role="rowgroup" class="titles">
        <div role="row" aria-rowindex={1}>
          {COLUMNS[view].map((column) => (
            <Title key={column} column={column} order={order} sort={sort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="rows" style={{ height: `${uses.length * row}px` }}>
        {uses.slice(first, last).map((use, index) => (
          <Row key={first + index} use={use} view={view} index={first + index} top={(first + index) * row} />
        ))}
      </div>
    </div>
  );
}

interface TitleProps {
  column: Column;
  order: Order;
  sort: (order: Order) => void;
}

function Title({ column, order, sort }: TitleProps) {
  const isChosen = order.column === column;
  const direction = order.descending ? "descending" : "ascending";
  const next = { column, descending: isChosen ? !order.descending : LARGEST_FIRST.has(column) };
  return (
    <div role="columnheader" class={`is-${column}`} aria-sort={isChosen ? direction : "none"}>
      <button type="button" onClick={() => sort(next)}>
        {LABELS[column]}
        <span class="arrow" aria-hidden="true">
          {isChosen ? (order.descending ? "↓" : "↑") : ""}
        </span>
      </button>
    </div>
  );
}

interface RowProps {
  use: Use;
  view: View;
  index: number;
  top: number;
}

function Row({ use, view, index, top }: RowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      class={use.refused ? "is-refused" : undefined}
      style={{ transform: `translateY(${top}px)` }}
    >
      {COLUMNS[view].map((column) => (
        <Cell key={column} column={column} use={use} />
      ))}
    </div>
  );
}

function Cell({ column, use }: { column: Column; use: Use }) {
  switch (column) {
    case "where":
      return (
        <div role="cell" class="is-where">
          {use.where}
        </div>
      );
    case "refused":
      return (
        <div role="cell" class="is-refused-cell">
          {use.refused !== null && <span class={use.refused ? "tag is-deny" : "tag"}>{use.refused ? "refused" : "admitted"}</span>}
        </div>
      );
    case "answer":
      return (
        <div role="cell" class="is-answer" title={whyOf(use)}>
          {use.answer !== null && (
            <span class={againOf(use) === "refused" ? "tag is-deny" : "tag"}>{ANSWERS[use.answer]}</span>
          )}
        </div>
      );
    case "image":
      return (
        <div role="cell" class="is-image code" title={`${shown(use.image)}${use.digests && `\nruns as ${shown(use.digests)}`}`}>
          {shown(use.image) || "(no image)"}
          {use.registry === null && <span class="tag is-wrong">not a reference</span>}
        </div>
      );
    case "namespace":
      return (
        <div role="cell" class="is-namespace">
          {shown(use.namespace)}
        </div>
      );
    case "owner":
      return (
        <div role="cell" class="is-owner" title={use.user && `asked for by ${shown(use.user)}`}>
          {shown(use.owner.replace("/", " ")) || "–"}
        </div>
      );
    case "pods":
      return (
        <div role="cell" class="is-pods">
          {use.pods === null ? "–" : whole(use.pods)}
        </div>
      );
    case "count":
      return (
        <div role="cell" class="is-count">
          {use.count === null ? "–" : whole(use.count)}
        </div>
      );
    case "lastSeen":
      return (
        <div role="cell" class="is-lastSeen">
          {moment(use.lastSeen)}
        </div>
      );
  }
}

const ANSWERS: Record<NonNullable<Use["answer"]>, string> = {
  allow: "admitted",
  exempt: "exempt",
  audit: "logged",
  warn: "warned of",
  deny: "refused",
  "not judged": "not judged",
};

const OUT_OF_REACH: Record<string, string> = {
  "opted-out": "its namespace has opted out",
  excluded: "its namespace is excluded",
  "not-registered": "no webhook is registered",
};

function whyOf({ answer, rule }: Use): string | undefined {
  if (answer === null || rule === null) return undefined;
  return answer === "not judged" ? OUT_OF_REACH[rule] : `${answer === "exempt" ? "exempt from" : "breaks"} ${rule}`;
}
