/** The chart of decisions per second. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useTheme, type Theme } from "../theme.js";
import { clock, rate } from "../words.js";
import type { Rates } from "./history.js";

const HEIGHT = 220;

export function RateChart({ rates, from, to }: { rates: Rates; from: number; to: number }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const range = useRef({ from, to });
  range.current = { from, to };
  const theme = useTheme();

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const drawn = new uPlot(options(theme, element.clientWidth, range), [[], [], []], element);
    plot.current = drawn;
    const observer = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [theme]);

  useEffect(() => {
    plot.current?.setData([rates.at, rates.allowed, rates.denied]);
  }, [rates, theme, from, to]);

  // What it shows is said in words below it.
  return <div class="plot" ref={place} aria-hidden="true" />;
}

function options(theme: Theme, width: number, range: { current: { from: number; to: number } }): uPlot.Options {
  const axis = {
    stroke: theme.quiet,
    font: "12px system-ui, sans-serif",
    grid: { stroke: theme.line, width: 1 },
    ticks: { show: false },
  };
  const line = (label: string, colour: string): uPlot.Series => ({
    label,
    stroke: colour,
    fill: `${colour}22`,
    width: 2,
    // A line needs two of them.
    points: { show: (plot) => plot.data[0].length < 3, size: 6, fill: colour },
    value: (_plot, value) => (value === null ? "–" : rate(value)),
  });
  return {
    width,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: () => [range.current.from, range.current.to] },
      // A gate at rest is a line at the bottom, and not in the middle.
      y: { range: (_plot, _least, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
    },
    axes: [
      { ...axis, size: 28, space: 90, values: (_plot, times) => times.map((time) => clock(time).slice(0, 5)) },
      { ...axis, size: 44, values: (_plot, values) => values.map((value) => String(Number(value.toPrecision(3)))) },
    ],
    series: [{}, line("allowed", theme.allow), line("denied", theme.deny)],
  };
}
