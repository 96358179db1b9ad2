/** The samples of an hour, and what can be read off them. Pure. */

import type { Sample } from "../api.js";

/** Points of a chart: times in Unix seconds, and a value for each; `null` where nothing is known. */
export interface Rates {
  at: number[];
  allowed: (number | null)[];
  denied: (number | null)[];
}

/** Adds what is new, and drops what is older than `kept` seconds before the newest. */
export function extended(history: Sample[], fresh: Sample[], kept: number): Sample[] {
  if (fresh.length === 0) return history;
  const last = history.at(-1)?.at ?? 0;
  const all = [...history, ...fresh.filter((sample) => sample.at > last)];
  const newest = all.at(-1)?.at ?? 0;
  return all.filter((sample) => sample.at > newest - kept);
}

export function ofReplica(history: Sample[], replica: string | null): Sample[] {
  return replica === null ? history : history.filter((sample) => sample.replica === replica);
}

/** Decisions per second. Between looks that are far apart nothing is known, and there is a hole. */
export function rates(samples: Sample[], everySeconds: number): Rates {
  const rates: Rates = { at: [], allowed: [], denied: [] };
  for (const [at, together] of groups(samples)) {
    const last = rates.at.at(-1);
    if (last !== undefined && at - last > 3 * everySeconds) {
      push(rates, last + 1, null, null);
    }
    let allowed = 0;
    let denied = 0;
    for (const sample of together) {
      allowed += sample.allowed / sample.seconds;
      denied += sample.denied / sample.seconds;
    }
    push(rates, at, allowed, denied);
  }
  return rates;
}

function push(rates: Rates, at: number, allowed: number | null, denied: number | null): void {
  rates.at.push(at);
  rates.allowed.push(allowed);
  rates.denied.push(denied);
}

function groups(samples: Sample[]): Map<number, Sample[]> {
  const groups = new Map<number, Sample[]>();
  for (const sample of samples) {
    const group = groups.get(sample.at);
    if (group) group.push(sample);
    else groups.set(sample.at, [sample]);
  }
  return groups;
}

/** Violations by rule, the most first. */
export function violations(samples: Sample[]): [rule: string, count: number][] {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    for (const [rule, count] of Object.entries(sample.violations)) {
      counts.set(rule, (counts.get(rule) ?? 0) + count);
    }
  }
  return [...counts].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
}

export interface Totals {
  allowed: number;
  denied: number;
}

export function totals(samples: Sample[]): Totals {
  const add = (sum: Totals, sample: Sample) => ({
    allowed: sum.allowed + sample.allowed,
    denied: sum.denied + sample.denied,
  });
  return samples.reduce(add, { allowed: 0, denied: 0 });
}

/** Decisions per second of the last minute that is known. */
export function lastMinute(samples: Sample[]): Totals {
  const newest = samples.at(-1)?.at ?? 0;
  const recent = samples.filter((sample) => sample.at > newest - 60);
  let allowed = 0;
  let denied = 0;
  const seconds = new Map<string, number>();
  for (const sample of recent) {
    seconds.set(sample.replica, (seconds.get(sample.replica) ?? 0) + sample.seconds);
  }
  for (const sample of recent) {
    const time = seconds.get(sample.replica) ?? sample.seconds;
    allowed += sample.allowed / time;
    denied += sample.denied / time;
  }
  return { allowed, denied };
}

/** Reviews in each bucket, all samples together. */
export function buckets(samples: Sample[]): number[] {
  const sums: number[] = [];
  for (const sample of samples) {
    sample.latency.forEach((count, bucket) => {
      sums[bucket] = (sums[bucket] ?? 0) + count;
    });
  }
  return sums;
}

/**
 * The time within which a share of all reviews was answered, as far as buckets tell: the bound of one of them,
 * `Infinity` beyond the last, or `null` where there were no reviews.
 */
export function quantile(counts: number[], bounds: number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    below += count;
    if (below >= share * all) return bounds[bucket] ?? Infinity;
  }
  return Infinity;
}

/** A heat map: for each of so many columns from one time to another, the reviews in each bucket. */
export function heat(samples: Sample[], from: number, to: number, columns: number): number[][] {
  const map: number[][] = Array.from({ length: columns }, () => []);
  for (const sample of samples) {
    const column = Math.floor(((sample.at - from) / (to - from)) * columns);
    const cells = map[Math.min(columns - 1, column)];
    if (!cells || column < 0) continue;
    sample.latency.forEach((count, bucket) => {
      cells[bucket] = (cells[bucket] ?? 0) + count;
    });
  }
  return map;
}
