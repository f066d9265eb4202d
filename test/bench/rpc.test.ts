import assert from "node:assert/strict";
import { test } from "node:test";
import { exitCodes } from "./rpc.ts";

const member = (name: string, type: string, value: string | number): string =>
  `<member>\n<name>${name}</name>\n<value><${type}>${value}</${type}></value>\n</member>`;
const program = (name: string, state: string, code: number): string =>
  `<value><struct>${member("name", "string", name)}${member("statename", "string", state)}${member("exitstatus", "int", code)}</struct></value>`;

test("exit codes are those of programs that have ended, in the layout of either server", () => {
  const layouts = (text: string): string[] => [text, text.replaceAll("\n", "")];
  for (const body of layouts(
    program("a", "EXITED", 107) + program("b", "RUNNING", 0) + program("c", "EXITED", 0),
  ))
    assert.deepEqual(
      [...exitCodes(body)],
      [
        ["a", 107],
        ["c", 0],
      ],
    );
});
