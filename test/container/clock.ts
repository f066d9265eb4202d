/**
 * Another wall clock for one running process. The clock is read without a system call, in code that the kernel maps into
 * every process (the vDSO); this process's copy of that code is replaced by one that adds an offset.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

export interface JumpedClock {
  /** Seconds that the wall clock is away from the true one. */
  set(seconds: number): void;
}

interface Code {
  readonly name: string;
  /** Machine code; the 32-bit word at `patch` becomes the distance from `patch + 4` to the offset. */
  readonly bytes: readonly number[];
  readonly patch: number;
}

// x86-64: make the system call, then add the offset to the seconds that it wrote.
const CODE: readonly Code[] = [
  {
    // mov eax,228; syscall; test edi,edi; jnz end; mov rcx,[rip+offset]; add [rsi],rcx; end: ret
    name: "__vdso_clock_gettime",
    bytes: [
      0xb8, 228, 0, 0, 0, 0x0f, 0x05, 0x85, 0xff, 0x75, 10, 0x48, 0x8b, 0x0d, 0, 0, 0, 0, 0x48, 0x01, 0x0e,
      0xc3,
    ],
    patch: 14,
  },
  {
    // mov eax,96; syscall; mov rcx,[rip+offset]; add [rdi],rcx; ret
    name: "__vdso_gettimeofday",
    bytes: [0xb8, 96, 0, 0, 0, 0x0f, 0x05, 0x48, 0x8b, 0x0d, 0, 0, 0, 0, 0x48, 0x01, 0x0f, 0xc3],
    patch: 10,
  },
  {
    // mov eax,201; syscall; add rax,[rip+offset]; test rdi,rdi; jz end; mov [rdi],rax; end: ret
    name: "__vdso_time",
    bytes: [
      0xb8, 201, 0, 0, 0, 0x0f, 0x05, 0x48, 0x03, 0x05, 0, 0, 0, 0, 0x48, 0x85, 0xff, 0x74, 3, 0x48, 0x89,
      0x07, 0xc3,
    ],
    patch: 10,
  },
];

/** Exported functions of an ELF image: name → offset. */
function exportedFunctions(image: Buffer): Map<string, number> {
  const sections = Number(image.readBigUInt64LE(0x28));
  const size = image.readUInt16LE(0x3a);
  const count = image.readUInt16LE(0x3c);
  const DYNSYM = 11;
  const found = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const header = sections + index * size;
    if (image.readUInt32LE(header + 4) !== DYNSYM) continue;
    const start = Number(image.readBigUInt64LE(header + 0x18));
    const length = Number(image.readBigUInt64LE(header + 0x20));
    const names = Number(image.readBigUInt64LE(sections + image.readUInt32LE(header + 0x28) * size + 0x18));
    for (let symbol = start; symbol < start + length; symbol += 24) {
      const name = names + image.readUInt32LE(symbol);
      found.set(
        image.toString("latin1", name, image.indexOf(0, name)),
        Number(image.readBigUInt64LE(symbol + 8)),
      );
    }
  }
  return found;
}

export function jumpClock(pid: number, seconds: number): JumpedClock {
  if (process.arch !== "x64") throw new Error(`the clock's machine code is not known for ${process.arch}`);
  const range = /^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m.exec(readFileSync(`/proc/${pid}/maps`, "latin1"));
  if (range === null) throw new Error(`process ${pid} has no vDSO`);
  const base = Number.parseInt(range[1] ?? "", 16);
  const image = Buffer.alloc(Number.parseInt(range[2] ?? "", 16) - base);
  withMemory(pid, (memory) => readSync(memory, image, 0, image.length, base));
  const functions = exportedFunctions(image);
  // The code goes where the whole clock_gettime lives: behind the last function there is room up to the page's end.
  let room = image.length - 256;
  const offsetAt = room;
  room += 8;
  const write = (at: number, bytes: Buffer) =>
    withMemory(pid, (memory) => writeSync(memory, bytes, 0, bytes.length, base + at));
  const set = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    write(offsetAt, bytes);
  };
  set(seconds);
  for (const { name, bytes, patch } of CODE) {
    const entry = functions.get(name);
    if (entry === undefined) throw new Error(`the vDSO has no ${name}`);
    const code = Buffer.from(bytes);
    code.writeInt32LE(offsetAt - (room + patch + 4), patch);
    write(room, code);
    const jump = Buffer.from([0xe9, 0, 0, 0, 0]);
    jump.writeInt32LE(room - (entry + 5), 1);
    write(entry, jump);
    room += code.length;
  }
  return { set };
}

function withMemory(pid: number, action: (memory: number) => void): void {
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  try {
    action(memory);
  } finally {
    closeSync(memory);
  }
}
