/**
 * The parts of prom-client that are used, by their own paths: its index would load the push gateway, the cluster and worker
 * registries (https, OpenSSL) and metrics that poll. The package has no types for them, so they are here.
 */

import { countFds, nextTurn } from "./proc.ts";

export type Labels = Readonly<Record<string, string | number>>;

export interface FamilyValues {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly {
    readonly labels: Labels;
    readonly value: number;
  }[];
}

export interface Registry {
  readonly contentType: string;
  /** One family as text; anything that answers `get` is a metric. */
  getMetricsAsString(metric: { get(): Promise<FamilyValues> }): Promise<string>;
  getMetricsAsJSON(): Promise<FamilyValues[]>;
}

export interface RegistryClass {
  readonly PROMETHEUS_CONTENT_TYPE: string;
  readonly OPENMETRICS_CONTENT_TYPE: string;
  new (contentType?: string): Registry;
}

type RegisterMetrics = (
  registry: Registry,
  config: { readonly eventLoopMonitoringPrecision: number },
) => void;

export async function loadRegistry(): Promise<RegistryClass> {
  // @ts-expect-error: no types in the package.
  const module = await import("prom-client/lib/registry.js");
  return module.default;
}

/**
 * process_open_fds. prom-client's own reads the name of each descriptor, and there are two for each program: that was a tenth
 * of a scrape. The directory knows how many it has.
 */
async function loadOpenFds(): Promise<{ readonly default: RegisterMetrics }> {
  // @ts-expect-error: no types in the package.
  const { default: Gauge } = await import("prom-client/lib/gauge.js");
  const register: RegisterMetrics = (registry) => {
    const gauge = new Gauge({
      name: "process_open_fds",
      help: "Number of open file descriptors.",
      registers: [registry],
      collect() {
        const count = countFds("/proc", "self");
        if (count !== null) gauge.set(count);
      },
    });
  };
  return { default: register };
}

/** Each loads what adds some of prom-client's own `process_*` and `nodejs_eventloop_lag_*` to a registry. */
const PROCESS_METRICS: readonly (() => Promise<{ readonly default: RegisterMetrics }>)[] = [
  // @ts-expect-error: no types in the package.
  () => import("prom-client/lib/metrics/processCpuTotal.js"),
  // @ts-expect-error: no types in the package.
  () => import("prom-client/lib/metrics/processStartTime.js"),
  // @ts-expect-error: no types in the package.
  () => import("prom-client/lib/metrics/osMemoryHeap.js"),
  loadOpenFds,
  // @ts-expect-error: no types in the package.
  () => import("prom-client/lib/metrics/processMaxFileDescriptors.js"),
  // @ts-expect-error: no types in the package.
  () => import("prom-client/lib/metrics/eventLoopLag.js"),
];

export async function loadProcessMetrics(): Promise<RegisterMetrics[]> {
  const registrars: RegisterMetrics[] = [];
  for (const load of PROCESS_METRICS) {
    registrars.push((await load()).default);
    // They are compiled and run now, a millisecond each.
    await nextTurn();
  }
  return registrars;
}
