/**
 * The parts of prom-client that are used, by their own paths: its index would load the push gateway, the cluster and worker
 * registries (https, OpenSSL) and metrics that poll. The package has no types for them, so they are here.
 */

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

/** What adds prom-client's own `process_*` and `nodejs_eventloop_lag_*` to a registry. */
export async function loadProcessMetrics(): Promise<RegisterMetrics[]> {
  const modules = await Promise.all([
    // @ts-expect-error: no types in the package.
    import("prom-client/lib/metrics/processCpuTotal.js"),
    // @ts-expect-error: no types in the package.
    import("prom-client/lib/metrics/processStartTime.js"),
    // @ts-expect-error: no types in the package.
    import("prom-client/lib/metrics/osMemoryHeap.js"),
    // @ts-expect-error: no types in the package.
    import("prom-client/lib/metrics/processOpenFileDescriptors.js"),
    // @ts-expect-error: no types in the package.
    import("prom-client/lib/metrics/processMaxFileDescriptors.js"),
    // @ts-expect-error: no types in the package.
    import("prom-client/lib/metrics/eventLoopLag.js"),
  ]);
  return modules.map((module): RegisterMetrics => module.default);
}
