/** prom-client's own `process_*` and `nodejs_eventloop_lag_*`, made at the first scrape and at no other time. */
import { type FamilyValues, loadProcessMetrics, loadRegistry } from "./prom-client.ts";

/**
 * How often the event loop's lag is sampled. Each sample is a wake-up, so an idle init may have few; prom-client's own
 * default of 10 ms would be a hundred a second.
 */
const LAG_SAMPLE_MS = 5000;

/** Answers the values of now. */
export function createDefaults(): () => Promise<FamilyValues[]> {
  let collect: Promise<() => Promise<FamilyValues[]>> | null = null;
  return async () => {
    collect ??= load();
    return (await collect)();
  };
}

/**
 * One by one and not `collectDefaultMetrics`: that adds a timer of 100 ms for the loop's utilization, an observer of every
 * garbage collection, and gauges whose names end in `_total`.
 */
async function load(): Promise<() => Promise<FamilyValues[]>> {
  const [Registry, parts] = await Promise.all([loadRegistry(), loadProcessMetrics()]);
  const registry = new Registry();
  // It counts from here on, and the counters mean the whole life of the process.
  const { user, system } = process.cpuUsage();
  const before: Readonly<Record<string, number>> = {
    process_cpu_user_seconds_total: user / 1e6,
    process_cpu_system_seconds_total: system / 1e6,
    process_cpu_seconds_total: (user + system) / 1e6,
  };
  for (const register of parts) register(registry, { eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  return async () => {
    const families = await registry.getMetricsAsJSON();
    return families.map((family) => correctLag(addTo(family, before[family.name] ?? 0)));
  };
}

function addTo(family: FamilyValues, amount: number): FamilyValues {
  if (amount === 0) return family;
  return { ...family, values: family.values.map(({ labels, value }) => ({ labels, value: value + amount })) };
}

/** Node's histogram counts the sampling interval as delay, and has an absurd minimum and no mean before its first sample. */
function correctLag(family: FamilyValues): FamilyValues {
  if (!family.name.startsWith("nodejs_eventloop_lag_")) return family;
  const interval = /_(?:min|max|mean|p\d+)_seconds$/.test(family.name) ? LAG_SAMPLE_MS / 1000 : 0;
  const values = family.values.map(({ labels, value }) => ({
    labels,
    value: Number.isNaN(value) || value > 1e9 ? 0 : Math.max(0, value - interval),
  }));
  return { ...family, values };
}
