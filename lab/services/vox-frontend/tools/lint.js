// A small check instead of a big linter: every file parses, and keeps the few rules of this repository.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";

const FOLDERS = ["src", "tests", "tools", "public"];
const FILES = ["index.html", "vite.config.js", "package.json"];
const LONGEST_LINE = 120;
const RULES = [
  [/[ \t]+$/, "space at the end of the line"],
  [/\t/, "a tab"],
  [/\bconsole\.(log|debug)\b/, "a forgotten console.log"],
  [/\bdebugger\b/, "a forgotten debugger", new Set([".js"])],
  [/\bvar\s/, "var: use const or let", new Set([".js"])],
  [/innerHTML/, "innerHTML: use textContent", new Set([".js"])],
];

/** All complaints about one file, each as `file:line: what`. */
function complaints(file) {
  const text = readFileSync(file, "utf8");
  const found = [];
  text.split("\n").forEach((line, index) => {
    for (const [pattern, what, only] of file === join("tools", "lint.js") ? [] : RULES) {
      if ((!only || only.has(extname(file))) && pattern.test(line)) found.push(`${file}:${index + 1}: ${what}`);
    }
    if (line.length > LONGEST_LINE) found.push(`${file}:${index + 1}: longer than ${LONGEST_LINE} characters`);
  });
  if (!text.endsWith("\n")) found.push(`${file}: no newline at the end`);
  if (extname(file) === ".js") {
    const parsed = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
    if (parsed.status !== 0) found.push(`${file}: does not parse\n${parsed.stderr.trim()}`);
  }
  return found;
}

const below = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? below(path) : [path];
  });
const files = FOLDERS.flatMap(below).concat(FILES);
const found = files.flatMap(complaints);
for (const line of found) console.error(line);
console.error(`${files.length} files, ${found.length} complaints`);
process.exitCode = found.length ? 1 : 0;
