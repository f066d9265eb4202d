/** The door to report.ts, which is loaded where whoever started tsinit asks with NOTIFY_SOCKET to be told how it is. */
import type { JournalEntry } from "../core/effect.ts";
import type { Report, ReportOptions } from "./report.ts";

export interface ReportHost {
  /** Before the boot event. */
  start(): Promise<void>;
  onEntry(entry: JournalEntry): void;
  /** Between the two it is not ready. */
  aroundReload(reload: () => void): void;
}

type HostOptions = Omit<ReportOptions, "address"> & {
  /** null: nobody asks. */
  readonly address: string | null;
};

export function createReportHost(options: HostOptions): ReportHost {
  let report: Report | null = null;

  return {
    async start() {
      const { address } = options;
      if (address === null) return;
      const { createReport } = await import("./report.ts");
      report = createReport({ ...options, address });
    },
    onEntry: (entry) => report?.onEntry(entry),
    aroundReload(reload) {
      if (report === null) reload();
      else report.aroundReload(reload);
    },
  };
}
