/** supervisor's XML-RPC faults (supervisord.md 13.2). */

export const FAULTS = {
  UNKNOWN_METHOD: 1,
  INCORRECT_PARAMETERS: 2,
  BAD_ARGUMENTS: 3,
  SIGNATURE_UNSUPPORTED: 4,
  SHUTDOWN_STATE: 6,
  BAD_NAME: 10,
  BAD_SIGNAL: 11,
  NO_FILE: 20,
  NOT_EXECUTABLE: 21,
  FAILED: 30,
  ABNORMAL_TERMINATION: 40,
  SPAWN_ERROR: 50,
  ALREADY_STARTED: 60,
  NOT_RUNNING: 70,
  SUCCESS: 80,
  ALREADY_ADDED: 90,
  STILL_RUNNING: 91,
  CANT_REREAD: 92,
} as const;

export type FaultName = keyof typeof FAULTS;

/** A call's refusal as data: waits collect them, nothing has to be thrown. */
export interface Fault {
  readonly code: number;
  /** `NAME`, or `NAME: extra`. */
  readonly text: string;
}

export function fault(name: FaultName, extra?: string): Fault {
  return { code: FAULTS[name], text: extra === undefined ? name : `${name}: ${extra}` };
}

/** What a method throws; becomes the fault of the reply. */
export class RpcError extends Error {
  readonly fault: Fault;

  constructor(name: FaultName, extra?: string) {
    const said = fault(name, extra);
    super(said.text);
    this.fault = said;
  }

  static of(said: Fault): RpcError {
    const error = new RpcError("FAILED");
    return Object.assign(error, { fault: said, message: said.text });
  }
}
