/** Writes the generated pages of docs/ from the code: `node test/docs.ts`. A test compares them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { DIFFERENCES as KEYS } from "../src/config/differences.ts";
import { OPTIONS, type Option, type SectionKind, type Status } from "../src/config/options.ts";
import { TYPES } from "../src/config/values.ts";
import { DIFFERENCES, TOPICS } from "./compat/differential/differences.ts";

/** Where docs/options.md is. */
export const OPTIONS_PAGE = `${import.meta.dirname}/../docs/options.md`;

/** Where docs/supervisord.md is. */
export const DIFFERENCES_PAGE = `${import.meta.dirname}/../docs/supervisord.md`;

/** What each kind of section is for; the order of docs/options.md. */
const SECTIONS: readonly (readonly [kind: SectionKind, header: string, doc: string])[] = [
  ["tsinit", "[tsinit]", "Global settings. As variables: `TSINIT_<KEY>`."],
  ["supervisord", "[supervisord]", "supervisord's global section; not required."],
  [
    "program",
    "[program:NAME]",
    "A program. As variables: `TSINIT_PROGRAM_<NAME>` and `TSINIT_PROGRAM_<NAME>__<KEY>`.",
  ],
  ["group", "[group:NAME]", "Programs under one name. As variables: `TSINIT_GROUP_<NAME>__<KEY>`."],
  [
    "eventlistener",
    "[eventlistener:NAME]",
    "All keys of a program and these. As variables: `TSINIT_EVENTLISTENER_<NAME>__<KEY>`.",
  ],
  ["fcgi-program", "[fcgi-program:NAME]", "All keys of a program and these."],
  ["unix_http_server", "[unix_http_server]", "A control socket. `[unix_http_server:name]` for several."],
  ["inet_http_server", "[inet_http_server]", "A control port. `[inet_http_server:name]` for several."],
  ["supervisorctl", "[supervisorctl]", "What the control client reads."],
  ["include", "[include]", "More files; not read in a file that was included itself."],
  ["rpcinterface", "[rpcinterface:supervisor]", "Accepted; the interface is always there."],
];

const STATUS_TEXT: Readonly<Record<Status, string>> = {
  active: "",
  none: "accepted, no effect",
};

/** docs/options.md. */
export function renderOptions(): string {
  const out = ["# Options", "", "Generated from `src/config/options.ts`; every key of every section.", ""];
  for (const [kind, header, doc] of SECTIONS) {
    out.push(`## \`${header}\``, "", doc, "", "| key | value | default | meaning |", "|---|---|---|---|");
    const rows: Readonly<Record<string, Option>> = OPTIONS[kind];
    for (const [key, option] of Object.entries(rows)) {
      if (isInherited(kind, key)) continue;
      const status = STATUS_TEXT[option.status];
      const meaning = status === "" ? option.doc : `${option.doc} (${status})`;
      const fallback =
        option.fallback === null ? "" : `\`${option.fallback === "" ? '""' : option.fallback}\``;
      out.push(`| ${[`\`${key}\``, TYPES[option.type].expected, fallback, meaning].map(cell).join(" | ")} |`);
    }
    out.push("");
  }
  return out.join("\n");
}

/** docs/supervisord.md. */
export function renderDifferences(): string {
  const out = [
    "# Where tsinit differs from supervisord",
    "",
    "Generated from `test/compat/differential/differences.ts` and `src/config/differences.ts`. The same configs and the same",
    "commands are run on supervisord 4.2.5 and on tsinit side by side (`test/compat/differential/`), and answers, outputs and exit",
    "codes are compared field by field. What differs there without being listed here fails, and so does a line here that no",
    "comparison shows.",
    "",
  ];
  for (const topic of TOPICS) {
    out.push(`## ${topic}`, "", "| supervisord | tsinit | why |", "|---|---|---|");
    for (const difference of Object.values(DIFFERENCES))
      if (difference.topic === topic)
        out.push(
          `| ${[difference.supervisord, difference.tsinit, difference.reason].map(cell).join(" | ")} |`,
        );
    out.push("");
  }
  out.push(
    "## Key by key",
    "",
    "`tsinit check` says it of the keys that are set, with file and line. A key that is not here does what it does there. The keys",
    "of a program are those of event listeners and fcgi programs too.",
    "",
    "| section | key | when | here |",
    "|---|---|---|---|",
  );
  for (const { section, key, condition, text } of KEYS)
    out.push(`| ${[`\`[${section}]\``, `\`${key}\``, condition ?? "", text].map(cell).join(" | ")} |`);
  return `${out.join("\n")}\n`;
}

/** Listed once, under [program:NAME]. */
function isInherited(kind: SectionKind, key: string): boolean {
  return (kind === "eventlistener" || kind === "fcgi-program") && Object.hasOwn(OPTIONS.program, key);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  mkdirSync(`${import.meta.dirname}/../docs`, { recursive: true });
  writeFileSync(OPTIONS_PAGE, renderOptions());
  writeFileSync(DIFFERENCES_PAGE, renderDifferences());
}
