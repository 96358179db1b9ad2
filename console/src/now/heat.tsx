/** The heat map of the times to an answer: when, how long, and how many. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Sample } from "../api.js";
import { Empty } from "../state.js";
import { useTheme } from "../theme.js";
import { clock, duration, whole } from "../words.js";
import { buckets, heat, quantile } from "./history.js";

const ROW = 18;
const LEFT = 58;
const BOTTOM = 20;
/** The width of a column that can still be seen. */
const COLUMN = 7;
/** The room for a mark of time, and the steps between two, in seconds. */
const MARK = 90;
const STEPS = [60, 120, 300, 600, 900];

interface Props {
  samples: Sample[];
  bounds: number[];
  from: number;
  to: number;
  /** The time between two looks: no column is shorter. */
  everySeconds: number;
}

export function HeatMap({ samples, bounds, from, to, everySeconds }: Props) {
  const counts = useMemo(() => buckets(samples), [samples]);
  // Rows from the shortest time that occurred to the longest, and one on either side.
  const used = counts.flatMap((count, bucket) => (count > 0 ? [bucket] : []));
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return <Empty title="No reviews">Nothing was asked in this time.</Empty>;
  const first = Math.max(0, (used[0] ?? 0) - 1);
  const last = Math.min(bounds.length, (used.at(-1) ?? 0) + 1);
  const said = [0.5, 0.9, 0.99].map((share) => quantile(counts, bounds, share));
  return (
    <>
      <Map
        samples={samples}
        bounds={bounds}
        from={from}
        to={to}
        everySeconds={everySeconds}
        first={first}
        last={last}
      />
      <p class="caption">
        Of {whole(all)} reviews half were answered within {bounded(said[0])}, 90 % within {bounded(said[1])}, 99 %
        within {bounded(said[2])}. The stronger the colour of a cell, the more reviews.
      </p>
    </>
  );
}

function bounded(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  return Number.isFinite(seconds) ? duration(seconds) : "more than the last bucket";
}

function Map({ samples, bounds, from, to, everySeconds, first, last }: Props & { first: number; last: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const theme = useTheme();
  const rows = last - first + 1;
  const height = rows * ROW + BOTTOM;

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = canvas.current;
    const draw = element?.getContext("2d");
    if (!element || !draw || width === 0) return;
    const density = devicePixelRatio || 1;
    element.width = width * density;
    element.height = height * density;
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
    draw.scale(density, density);
    draw.clearRect(0, 0, width, height);
    draw.font = "12px system-ui, sans-serif";
    draw.textBaseline = "middle";
    const room = width - LEFT;
    const columns = Math.max(10, Math.floor(Math.min(room / COLUMN, (to - from) / everySeconds)));
    const map = heat(samples, from, to, columns);
    const most = Math.max(1, ...map.flat().map((count) => count ?? 0));
    const step = room / columns;
    for (let row = 0; row < rows; row += 1) {
      const bucket = last - row;
      const top = row * ROW;
      draw.globalAlpha = 1;
      draw.fillStyle = theme.line;
      draw.fillRect(LEFT, top + ROW - 1, room, 1);
      if (row % 2 === 0 || rows < 10) {
        draw.fillStyle = theme.quiet;
        draw.textAlign = "right";
        const bound = bounds[bucket];
        const label = bound === undefined ? `> ${duration(bounds.at(-1) ?? 0)}` : duration(bound);
        draw.fillText(label, LEFT - 8, top + ROW / 2);
      }
      draw.fillStyle = theme.allow;
      for (let column = 0; column < columns; column += 1) {
        const count = map[column]?.[bucket] ?? 0;
        if (count === 0) continue;
        // By powers: a few slow answers are seen beside thousands of quick ones.
        draw.globalAlpha = 0.18 + 0.82 * (Math.log1p(count) / Math.log1p(most));
        draw.fillRect(LEFT + column * step, top, Math.max(1, step - 1), ROW - 2);
      }
    }
    draw.globalAlpha = 1;
    draw.fillStyle = theme.quiet;
    const between = STEPS.find((step) => ((to - from) / step) * MARK <= room) ?? 900;
    draw.textAlign = "center";
    for (let at = Math.ceil(from / between) * between; at <= to; at += between) {
      const x = LEFT + ((at - from) / (to - from)) * room;
      // At the edges there is no room for half of a label.
      if (x > LEFT + 16 && x < width - 16) draw.fillText(clock(at).slice(0, 5), x, height - BOTTOM / 2);
    }
  }, [samples, bounds, from, to, everySeconds, first, last, rows, height, width, theme]);

  // What it shows is said in words below it.
  return (
    <div class="plot" aria-hidden="true">
      <canvas ref={canvas} />
    </div>
  );
}
