// The arithmetic of a chart over time: how long a bar is, which buckets of the log it holds, where the times stand.

import { count } from "./text.js";
import { OUTCOMES, iso } from "./view.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// The listener answers at most 1,500 buckets, so what is longer than a day is asked for in hours, then in days.
const STEPS = [
  [100 * MINUTE, MINUTE, "minute"],
  [8 * HOUR, 5 * MINUTE, "minute"],
  [DAY, 15 * MINUTE, "minute"],
  [5 * DAY, HOUR, "hour"],
  [31 * DAY, 6 * HOUR, "hour"],
  [120 * DAY, DAY, "day"],
];

// How far apart the times under the chart may be.
const TICKS = [1, 5, 15, 30, 60, 3 * 60, 6 * 60, 12 * 60]
  .map((minutes) => minutes * MINUTE)
  .concat([DAY, 2 * DAY, 4 * DAY, 8 * DAY]);

// How long a bar is, and what to ask for.
export function step({ from, to }) {
  const long = to - from;
  const [, length, per] = STEPS.find(([most]) => long <= most) ?? [0, Math.ceil(long / DAY / 120) * DAY, "day"];
  return { length, per };
}

// Buckets of the log as bars; a bar begins at a whole multiple of its length.
export function merged(buckets, length) {
  const bins = [];
  for (const bucket of buckets) {
    const start = Math.floor(Date.parse(bucket.start) / length) * length;
    if (bins.at(-1)?.start !== start) bins.push({ start, end: start + length, counts: {} });
    const { counts } = bins.at(-1);
    for (const [outcome, many] of Object.entries(bucket.counts)) counts[outcome] = (counts[outcome] ?? 0) + many;
  }
  return bins;
}

// The times under a chart of so many pixels: round ones, with the day where it begins.
export function labels(bins, width) {
  if (!bins.length) return [];
  const long = bins.at(-1).end - bins[0].start;
  const least = (long / width) * 110;
  const every = TICKS.find((length) => length >= least) ?? Math.ceil(least / DAY) * DAY;
  let day = "";
  const text = ({ start }) => {
    const [date, clock] = [iso(start).slice(5, 10), iso(start).slice(11, 16)];
    const isNew = date !== day;
    day = date;
    if (long > 14 * DAY) return date;
    return isNew ? `${date} ${clock}` : clock;
  };
  return bins
    .map((bin, at) => [bin, at])
    .filter(([bin]) => bin.start % every === 0)
    .map(([bin, at]) => [at, text(bin)]);
}

// The next of 1, 2, 4, 6, 8, 10, 20, 40, …
export function ceiling(many) {
  const ten = 10 ** Math.floor(Math.log10(many));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * ten).find((round) => round >= many);
}

// How many calls the outcomes bring that are asked for; none asked for is all.
export const sum = (totals, outcomes) =>
  (outcomes.length ? outcomes : OUTCOMES).reduce((all, outcome) => all + totals[outcome], 0);

export const said = (totals, outcomes) => count(sum(totals, outcomes), "call");
