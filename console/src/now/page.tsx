/** What the gate decides at this moment, and what each replica enforces. */

import { useMemo, useState } from "preact/hooks";
import type { Item, Now, Sample } from "../api.js";
import { Bar, Empty, Loading } from "../state.js";
import { clock, counted, days, duration, rate, shown, whole } from "../words.js";
import { DecisionList } from "./decisions.js";
import { HeatMap } from "./heat.js";
import { buckets, lastMinute, ofReplica, quantile, rates, totals, violations } from "./history.js";
import { RateChart } from "./rates.js";
import { Agreement, ReplicaTable, SOON_DAYS } from "./replicas.js";

/** The shortest time that a chart shows, in seconds. */
const SHORTEST = 300;

interface Props {
  now: Now | null;
  history: Sample[];
  items: Item[];
  feedFault: string | null;
  /** What is shown is old. */
  isLost: boolean;
}

export function NowPage({ now, history, items, feedFault, isLost }: Props) {
  const [replica, setReplica] = useState<string | null>(null);
  const names = now?.replicas.map((each) => each.name) ?? [];
  // One that has gone, such as a Pod of the last rollout, is no longer looked at by itself.
  const chosen = replica !== null && names.includes(replica) ? replica : null;
  const samples = useMemo(() => ofReplica(history, chosen), [history, chosen]);
  if (!now?.at) {
    return isLost ? (
      <Empty title="Nothing was seen yet">The page goes on by itself once the gate answers.</Empty>
    ) : (
      <Loading label="Asking the replicas" />
    );
  }
  const to = now.at;
  const from = Math.min(Math.max(to - now.keptSeconds, now.begunAt), to - SHORTEST);
  return (
    <div class={isLost ? "is-old" : undefined}>
      <h1 class="verdict">{shown(now.verdict ?? "")}</h1>
      <Agreement replicas={now.replicas} />
      <Problems now={now} />
      <div class="switch">
        {names.length > 1 && (
          <label>
            Charts of{" "}
            <select value={chosen ?? ""} onChange={(event) => setReplica(event.currentTarget.value || null)}>
              <option value="">all replicas together</option>
              {names.map((name) => (
                <option key={name} value={name}>
                  {shown(name)}
                </option>
              ))}
            </select>
          </label>
        )}
        <p class="quiet">{known(now, chosen)}</p>
      </div>
      <Figures now={now} samples={samples} />
      <div class="charts">
        <Rates samples={samples} now={now} from={from} to={to} />
        <Rules samples={samples} />
        <section class="card wide" aria-labelledby="latency">
          <h2 id="latency">Time to an answer</h2>
          <HeatMap
            samples={samples}
            bounds={now.latencyBounds}
            from={from}
            to={to}
            everySeconds={now.everySeconds}
          />
        </section>
      </div>
      <section class="card" aria-labelledby="replicas">
        <h2 id="replicas">Replicas</h2>
        <ReplicaTable replicas={now.replicas} at={to} />
      </section>
      <section class="card" aria-labelledby="decisions">
        <DecisionList items={items} fault={feedFault} />
      </section>
    </div>
  );
}

function known(now: Now, chosen: string | null): string {
  const asked = now.replicas.filter((replica) => chosen === null || replica.name === chosen);
  const counting = asked.flatMap((replica) => replica.counted ?? []);
  if (counting.length === 0) return "The replicas do not say what they count.";
  const allowed = counting.reduce((sum, { allowed }) => sum + allowed, 0);
  const denied = counting.reduce((sum, { denied }) => sum + denied, 0);
  const start = now.at !== null && now.at - now.begunAt > now.keptSeconds ? "for the last hour" : `since ${clock(now.begunAt)}, when the console was started`;
  return `Rates are known ${start}. Since the replicas began they have allowed ${whole(allowed)} and denied ${whole(denied)}.`;
}

function Problems({ now }: { now: Now }) {
  if (now.problems.length === 0) return null;
  return (
    <ul class="problems" aria-label="Problems">
      {now.problems.map((problem) => (
        <li key={problem.message} class={problem.severity === "problem" ? "is-wrong" : "is-note"}>
          <strong>{shown(problem.message)}</strong>
          <span>{shown(problem.hint)}</span>
        </li>
      ))}
    </ul>
  );
}

function Figures({ now, samples }: { now: Now; samples: Sample[] }) {
  const minute = lastMinute(samples);
  const counts = buckets(samples.filter((sample) => sample.at > (samples.at(-1)?.at ?? 0) - SHORTEST));
  const slow = quantile(counts, now.latencyBounds, 0.99);
  const ends = now.replicas.flatMap((replica) => replica.certificateNotAfter ?? []);
  const left = ends.length > 0 && now.at !== null ? days(now.at, Math.min(...ends)) : null;
  const hashes = new Set(now.replicas.flatMap((replica) => replica.policyHash ?? []));
  return (
    <dl class="figures">
      <Figure label="Allowed per second" value={samples.length ? rate(minute.allowed) : "–"} note="last minute" tone="allow" />
      <Figure label="Denied per second" value={samples.length ? rate(minute.denied) : "–"} note="last minute" tone="deny" />
      <Figure label="99 % answered within" value={within(slow, now.latencyBounds)} note="last five minutes" />
      <Figure
        label="Policy"
        value={hashes.size === 1 ? shown([...hashes][0] ?? "") : hashes.size === 0 ? "none" : `${hashes.size} differ`}
        note={hashes.size === 1 ? "enforced by all that answer" : ""}
        tone={hashes.size === 1 ? undefined : "wrong"}
        isCode={hashes.size === 1}
      />
      <Figure
        label="Certificate"
        value={left === null ? "–" : left < 0 ? "expired" : counted(left, "day")}
        note={left === null ? "not served" : "until the first one ends"}
        tone={left !== null && left <= SOON_DAYS ? "wrong" : undefined}
      />
    </dl>
  );
}

function within(bound: number | null, bounds: number[]): string {
  if (bound === null) return "–";
  return Number.isFinite(bound) ? duration(bound) : `> ${duration(bounds.at(-1) ?? 0)}`;
}

interface FigureProps {
  label: string;
  value: string;
  note: string;
  tone?: "allow" | "deny" | "wrong" | undefined;
  isCode?: boolean;
}

function Figure({ label, value, note, tone, isCode }: FigureProps) {
  return (
    <div class={tone && `is-${tone}`}>
      <dt>{label}</dt>
      <dd>
        <span class={isCode ? "value code" : "value"}>{value}</span>
        <span class="quiet">{note}</span>
      </dd>
    </div>
  );
}

function Rates({ samples, now, from, to }: { samples: Sample[]; now: Now; from: number; to: number }) {
  const points = useMemo(() => rates(samples, now.everySeconds), [samples, now.everySeconds]);
  const sum = totals(samples);
  return (
    <section class="card" aria-labelledby="rates">
      <h2 id="rates">Decisions per second</h2>
      <RateChart rates={points} from={from} to={to} />
      <p class="caption">
        <span class="key is-allow">{whole(sum.allowed)} allowed</span>
        <span class="key is-deny">{whole(sum.denied)} denied</span>
        <span class="quiet">
          {clock(from)} to {clock(to)}
        </span>
      </p>
    </section>
  );
}

function Rules({ samples }: { samples: Sample[] }) {
  const rules = violations(samples);
  const most = rules[0]?.[1] ?? 1;
  return (
    <section class="card" aria-labelledby="rules">
      <h2 id="rules">Violations by rule</h2>
      {rules.length === 0 ? (
        <Empty title="None">No image broke a rule in this time.</Empty>
      ) : (
        <ul class="bars">
          {rules.map(([rule, count]) => (
            <li key={rule}>
              <span class="name">{shown(rule)}</span>
              <span class="count">{whole(count)}</span>
              <Bar share={count / most} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
