/** Linux signal numbers by name; the same on x86-64 and arm64 (signal(7)). */
export const SIGNALS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

/** A signal number, 1 to 64. */
export type Signal = number;

const ALIASES: Record<string, Signal> = { IOT: 6, CLD: 17, POLL: 29, RTMIN: 34, RTMAX: 64 };

/** `TERM`, `SIGTERM`, `term` or `15` → 15; null when there is no such signal. */
export function parseSignal(text: string): Signal | null {
  const word = text.trim().toUpperCase();
  if (/^\d+$/.test(word)) {
    const number = Number(word);
    return (number >= 1 && number <= 31) || number === 34 || number === 64 ? number : null;
  }
  const name = word.startsWith("SIG") ? word.slice(3) : word;
  if (Object.hasOwn(SIGNALS, name)) return SIGNALS[name as keyof typeof SIGNALS];
  return Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? null) : null;
}

/** 15 → `SIGTERM`; `SIG40` for a number without a name. */
export function signalName(signal: Signal): string {
  for (const [name, number] of Object.entries(SIGNALS)) if (number === signal) return `SIG${name}`;
  return signal === 34 ? "SIGRTMIN" : signal === 64 ? "SIGRTMAX" : `SIG${signal}`;
}
