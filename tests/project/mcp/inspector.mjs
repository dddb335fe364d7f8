// The official inspector's command line lists, calls and reads everything, with a server of its own each time:
// inspector.mjs ERA BUILD_DIR ROOT
//
// In the store there is tag:base; the build tree has the checkpoints deps-installed and build-complete, both built twice;
// ROOT has a directory project with a file. ERA is legacy or modern; of modern, in which the same calls are packed in other
// messages, there are a few of each kind only, for every one of them starts three programs.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [era, buildDir, root] = process.argv.slice(2);
const manifest = createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json");
const isBrief = era === "modern";
const inspector = join(dirname(manifest), "clients/launcher/build/index.js");

function run(method, ...more) {
  const done = spawnSync(process.execPath, [
    inspector, "--cli", "-e", `MSTAGE_STORE=${process.env.MSTAGE_STORE}`,
    process.env.MSTAGE_EXECUTABLE, "mcp", "-C", buildDir, "--root", root,
    "--protocol-era", era, "--format", "json", "--method", method, ...more,
  ], { encoding: "utf8", timeout: 120000, maxBuffer: 1 << 26 });
  return { ...done, said: `${method} ${more.join(" ")}: exit code ${done.status}\n${done.stdout}\n${done.stderr}` };
}

function inspect(method, ...more) {
  const done = run(method, ...more);
  assert.equal(done.status, 0, done.said);
  return JSON.parse(done.stdout).result;
}

function call(name, args) {
  const result = inspect("tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args));
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result)}`);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent, name);
  return result.structuredContent;
}

const { tools } = inspect("tools/list", "--strict");
assert.equal(tools.length, 22);
const { prompts } = inspect("prompts/list");
assert.equal(prompts.length, 11);
const { resources } = inspect("resources/list");
const { resourceTemplates } = inspect("resources/templates/list");
assert.equal(resourceTemplates.length, 5);

for (const prompt of isBrief ? prompts.slice(0, 2) : prompts) {
  const given = [];
  for (const argument of (prompt.arguments ?? []).filter((each) => each.required)) {
    given.push(`${argument.name}=/a/value`);
  }
  const { messages } = inspect("prompts/get", "--prompt-name", prompt.name,
    ...(given.length > 0 ? ["--prompt-args", ...given] : []));
  assert.ok(messages[0].content.text, prompt.name);
}
assert.notEqual(run("prompts/get", "--prompt-name", "no-such").status, 0);

const kept = call("run", { image: "tag:base", command: "mkdir /made; echo x >/made/file", disposable: false });
const image = kept.result_image;
const background = call("run", { image: "tag:base", command: "sleep 600", timeout: 900, wait: false });
const state = call("rsync", { source: `${root}/project` });
const upload = call("upload", { content: "x" });
const calls = {
  run: {
    image, command: "cat /app/file /up", directory_state_id: state.directory_state_id, files: { "/up": upload.uuid },
  },
  rsync: { source: `${root}/project`, destination: "/src", exclude: ["*.o"] },
  import_image: { registry_url: `rootfs:${root}/project`, tag: "project" },
  list_images: {},
  get_image: { image },
  set_tag: { image_uuid: image, tag: "made" },
  list_files: { image, path: "/made" },
  read_file: { image, path: "/made/file" },
  upload: { path: `${root}/project/file` },
  download: { image, path: "/made/file", destination: `${root}/downloaded` },
  get_operation: { operation_id: kept.operation_id },
  list_operations: {},
  // The server that began it is gone, and with it the run.
  wait_operations: { operation_ids: [kept.operation_id, background.operation_id] },
  cancel_operation: { operation_id: kept.operation_id },
  get_guide: { section: "state" },
  pipeline_status: {},
  build: { checkpoint: "build-complete" },
  why: { checkpoint: "build-complete" },
  diff: { before: "tag:base", after: image },
  history: {},
  rollback: { checkpoint: "deps-installed", dry_run: true },
  shell_command: { image: "build-complete" },
};
assert.deepEqual(Object.keys(calls).sort(), tools.map((each) => each.name).sort());
for (const [name, args] of Object.entries(calls)) {
  if (isBrief && !["run", "get_operation", "pipeline_status"].includes(name)) {
    continue;
  }
  if (name === "cancel_operation") {
    // It has ended: that may be said as an error.
    const done = run("tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args));
    assert.match(done.stdout + done.stderr, new RegExp(kept.operation_id), done.said);
  } else {
    call(name, args);
  }
}

const uris = [
  ...resources.map((each) => each.uri), `mstage://image/${image}/read/made/file`, `mstage://image/${image}/ls/made`,
  `mstage://image/${image}/lineage`, `mstage://operation/${kept.operation_id}`,
];
assert.ok(uris.length >= 12, uris.join("\n"));
for (const uri of isBrief ? uris.slice(-2) : uris) {
  const { contents } = inspect("resources/read", "--uri", uri);
  assert.ok(contents[0].text, uri);
}
console.log(`${era}: ${tools.length} tools, ${prompts.length} prompts, ${uris.length} resources`);
