/**
 * The overlay as a tar archive (ustar) that is right on every root: it has no entries for directories, so an extractor
 * follows a `/sbin` that is a symlink instead of putting a directory in its place, and makes one where there is none.
 * The same input gives the same bytes: owner root, time 0, the order given.
 */
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const BLOCK = 512;
const NAME_BYTES = 100;

/** `path` is where it goes, without a leading slash; `from` is the file or symlink it is. */
export interface Member {
  readonly path: string;
  readonly from: string;
}

export function tar(root: string, members: readonly Member[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, from } of members) {
    const stat = lstatSync(join(root, from));
    const link = stat.isSymbolicLink() ? readlinkSync(join(root, from)) : "";
    const contents = stat.isSymbolicLink() ? Buffer.alloc(0) : readFileSync(join(root, from));
    blocks.push(header(path, link, stat.mode & 0o777, contents.length), contents);
    blocks.push(Buffer.alloc((BLOCK - (contents.length % BLOCK)) % BLOCK));
  }
  blocks.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(blocks);
}

function header(path: string, link: string, mode: number, bytes: number): Buffer {
  if (path.length > NAME_BYTES || link.length > NAME_BYTES)
    throw new Error(`${path}: too long for the archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  block.write(path, 0, "utf8");
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(0, 136, 12);
  block.write("        ", 148, "latin1");
  block.write(link === "" ? "0" : "2", 156, "latin1");
  block.write(link, 157, "utf8");
  block.write("ustar\x0000", 257, "latin1");
  block.write("root", 265, "latin1");
  block.write("root", 297, "latin1");
  // The checksum's own field counts as blanks; it is six digits, NUL, blank.
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
