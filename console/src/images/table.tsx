/** A table of which only what is in sight is laid out. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Use } from "../api.js";
import { moment, shown, whole } from "../words.js";
import type { Column, Order } from "./rows.js";

/** The height of a row, as the style sheet has it, on a wide page and on a narrow one. */
const ROW = 40;
const NARROW_ROW = 76;
const NARROW = "(max-width: 720px)";
/** Rows above and below what is in sight, so that a quick scroll shows no hole. */
const SPARE = 12;

const COLUMNS: { column: Column; label: string }[] = [
  { column: "refused", label: "Answer" },
  { column: "image", label: "Image" },
  { column: "namespace", label: "Namespace" },
  { column: "owner", label: "Owner" },
  { column: "count", label: "Times" },
  { column: "lastSeen", label: "Last seen" },
];

interface Props {
  uses: Use[];
  order: Order;
  sort: (order: Order) => void;
}

export function UseTable({ uses, order, sort }: Props) {
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

  const row = isNarrow ? NARROW_ROW : ROW;
  const first = Math.max(0, Math.floor(top / row) - SPARE);
  const last = Math.min(uses.length, Math.ceil((top + height) / row) + SPARE);
  return (
    <div
      class="uses"
      ref={place}
      role="table"
      aria-labelledby="uses"
      aria-rowcount={uses.length + 1}
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div role="rowgroup" class="titles">
        <div role="row" aria-rowindex={1}>
          {COLUMNS.map(({ column, label }) => (
            <Title key={column} column={column} label={label} order={order} sort={sort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="rows" style={{ height: `${uses.length * row}px` }}>
        {uses.slice(first, last).map((use, index) => (
          <Row key={first + index} use={use} index={first + index} top={(first + index) * row} />
        ))}
      </div>
    </div>
  );
}

interface TitleProps {
  column: Column;
  label: string;
  order: Order;
  sort: (order: Order) => void;
}

function Title({ column, label, order, sort }: TitleProps) {
  const isChosen = order.column === column;
  const direction = order.descending ? "descending" : "ascending";
  // Numbers and times begin with the largest, texts with A.
  const begins = column === "count" || column === "lastSeen" || column === "refused";
  const next = { column, descending: isChosen ? !order.descending : begins };
  return (
    <div role="columnheader" class={`is-${column}`} aria-sort={isChosen ? direction : "none"}>
      <button type="button" onClick={() => sort(next)}>
        {label}
        <span class="arrow" aria-hidden="true">
          {isChosen ? (order.descending ? "↓" : "↑") : ""}
        </span>
      </button>
    </div>
  );
}

function Row({ use, index, top }: { use: Use; index: number; top: number }) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      class={use.refused ? "is-refused" : undefined}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div role="cell" class="is-refused-cell">
        <span class={use.refused ? "tag is-deny" : "tag"}>{use.refused ? "refused" : "admitted"}</span>
      </div>
      <div role="cell" class="is-image code" title={shown(use.image)}>
        {shown(use.image)}
        {use.registry === null && <span class="tag is-wrong">not a reference</span>}
      </div>
      <div role="cell" class="is-namespace">
        {shown(use.namespace)}
      </div>
      <div role="cell" class="is-owner" title={use.user && `asked for by ${shown(use.user)}`}>
        {shown(use.owner.replace("/", " ")) || "–"}
      </div>
      <div role="cell" class="is-count">
        {whole(use.count)}
      </div>
      <div role="cell" class="is-lastSeen">
        {moment(use.lastSeen)}
      </div>
    </div>
  );
}
