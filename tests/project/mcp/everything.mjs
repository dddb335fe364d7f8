// Lists, calls and reads everything with one of the official clients, which checks on the way that answers are what the
// protocol and the tools' schemas say: everything.mjs ERA BUILD_DIR ROOT
//
// In the store there is tag:base; the build tree has the checkpoints deps-installed and build-complete, both built twice;
// ROOT has a directory project with a file.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { MODERN, connect, eventually } from "./connect.mjs";

const [era, buildDir, root] = process.argv.slice(2);
const { client, call, close } = await connect(era, ["-C", buildDir, "--root", root]);

const TOOLS = [
  "run", "rsync", "import_image", "list_images", "get_image", "set_tag", "list_files", "read_file", "upload", "download",
  "get_operation", "list_operations", "wait_operations", "cancel_operation", "get_guide", "pipeline_status", "build", "why",
  "diff", "history", "rollback", "shell_command",
];
const PROMPTS = [
  "multi-stage-build", "build-project", "debug-failure", "parallel-tasks", "prepare-environment", "run-python", "run-shell",
  "sync-and-run", "install-packages", "inspect-image", "pipeline",
];
const SECTIONS = ["workflow", "reference", "quickstart", "state", "async", "tagging", "errors"];

const INVALID_PARAMS = { code: -32602 };

const called = new Set();

function tool(name, args, options) {
  called.add(name);
  return call(name, args, options);
}

function negotiation() {
  if (era === "v1" || era === "v2-legacy") {
    assert.equal(client.getServerVersion().name, "mstage");
  } else {
    assert.equal(client.getNegotiatedProtocolVersion(), MODERN);
    assert.equal(client.getProtocolEra(), "modern");
  }
  const capabilities = client.getServerCapabilities();
  for (const capability of ["tools", "prompts", "resources", "completions"]) {
    assert.ok(capabilities[capability], capability);
  }
}

async function lists() {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((each) => each.name).sort(), [...TOOLS].sort());
  for (const each of tools) {
    assert.ok(each.description, each.name);
    assert.equal(each.inputSchema.type, "object", each.name);
    assert.equal(each.outputSchema.type, "object", each.name);
    assert.equal(typeof each.annotations.readOnlyHint, "boolean", each.name);
  }
  const { prompts } = await client.listPrompts();
  assert.deepEqual(prompts.map((each) => each.name).sort(), [...PROMPTS].sort());
  return { tools, prompts };
}

async function everyPrompt(prompts) {
  for (const prompt of prompts) {
    const given = {};
    const required = (prompt.arguments ?? []).filter((argument) => argument.required);
    for (const argument of required) {
      given[argument.name] = `the-${argument.name}`;
    }
    const { messages } = await client.getPrompt({ name: prompt.name, arguments: given });
    assert.ok(messages.length > 0, prompt.name);
    const text = messages.map((message) => message.content.text).join("\n");
    for (const argument of required) {
      assert.ok(text.includes(given[argument.name]), `${prompt.name} has ${argument.name}`);
      const without = Object.fromEntries(Object.entries(given).filter(([name]) => name !== argument.name));
      await assert.rejects(client.getPrompt({ name: prompt.name, arguments: without }), INVALID_PARAMS);
    }
    assert.ok(!/\{\{.*\}\}/.test(text), `${prompt.name} is filled in`);
    for (const argument of prompt.arguments ?? []) {
      const { completion } = await client.complete({
        ref: { type: "ref/prompt", name: prompt.name },
        argument: { name: argument.name, value: "" },
      });
      assert.ok(Array.isArray(completion.values));
    }
  }
}

async function imagesAndRuns() {
  const kept = await tool("run", { image: "tag:base", command: "mkdir /made; echo x >/made/file", disposable: false });
  assert.ok(kept.ok);
  const image = kept.result_image;
  assert.ok((await tool("list_images", {})).images.some((each) => each.uuid === image));
  assert.equal((await tool("get_image", { image })).uuid, image);
  assert.deepEqual((await tool("set_tag", { image_uuid: image, tag: `of-${era}` })).tags, [`of-${era}`]);
  assert.equal((await tool("list_files", { image, path: "/made" })).total, 1);
  assert.equal((await tool("read_file", { image, path: "/made/file" })).content, "x\n");
  assert.ok((await tool("shell_command", { image })).command.includes("shell"));
  const changes = JSON.stringify(await tool("diff", { before: "tag:base", after: image }));
  assert.ok(changes.includes("made/file"), changes);

  const state = await tool("rsync", { source: `${root}/project`, exclude: [".git"] });
  const upload = await tool("upload", { content: "uploaded\n" });
  const run = await tool("run", {
    image, command: "cat file /up; echo done >/done", cwd: "/app", disposable: false,
    directory_state_id: state.directory_state_id, files: { "/up": upload.uuid },
  });
  assert.equal(run.stdout, `${readFileSync(`${root}/project/file`)}uploaded\n`);
  await tool("download", { image: run.result_image, path: "/done", destination: `${root}/done-${era}` });
  assert.equal(String(readFileSync(`${root}/done-${era}`)), "done\n");

  mkdirSync(`${root}/tree-${era}/etc`, { recursive: true });
  writeFileSync(`${root}/tree-${era}/etc/name`, era);
  const imported = await tool("import_image", { registry_url: `rootfs:${root}/tree-${era}`, tag: `tree-${era}` });
  assert.ok(imported.ok && imported.imported);
  return { image, operation: kept.operation_id };
}

async function operations() {
  const started = [];
  for (let i = 0; i < 4; ++i) {
    started.push((await tool("run", { image: "tag:base", command: `echo ${i}`, wait: false })).operation_id);
  }
  const ended = await tool("wait_operations", { operation_ids: started });
  assert.deepEqual([...ended.completed].sort(), [...started].sort());
  assert.equal((await tool("get_operation", { operation_id: started[3] })).stdout, "3\n");
  assert.ok((await tool("list_operations", {})).operations.length >= 4);
  const slow = await tool("run", { image: "tag:base", command: "sleep 600", timeout: 900, wait: false });
  assert.equal((await tool("cancel_operation", { operation_id: slow.operation_id })).status, "CANCELLED");
}

async function pipelines() {
  const { checkpoints } = await tool("pipeline_status", {});
  assert.ok(JSON.stringify(checkpoints).includes("build-complete"));
  assert.ok((await tool("build", { checkpoint: "build-complete" })).ok);
  await tool("why", { checkpoint: "build-complete" });
  assert.ok((await tool("history", { checkpoint: "build-complete" })).total >= 2);
  await tool("diff", { before: "build-complete@-1", after: "build-complete", content: true });
  await tool("rollback", { checkpoint: "deps-installed", dry_run: true });
  await tool("rollback", { checkpoint: "build-complete", to: "@-1" });
  await tool("rollback", { undo: true });
  const { image } = await tool("shell_command", { image: "build-complete" });
  assert.ok(image);
}

async function everyResource(image, operation) {
  for (const section of SECTIONS) {
    const guide = await tool("get_guide", { section });
    assert.equal(guide.section, section);
    const { contents } = await client.readResource({ uri: `mstage://guide/${section}` });
    assert.ok(contents[0].text.length > 100);
  }
  const { resources } = await client.listResources();
  const uris = resources.map((each) => each.uri);
  for (const section of SECTIONS) {
    assert.ok(uris.includes(`mstage://guide/${section}`), section);
  }
  assert.ok(uris.some((uri) => uri.endsWith("/lineage")), "the lineage of tagged images");
  for (const uri of uris) {
    const { contents } = await client.readResource({ uri });
    assert.equal(contents[0].uri, uri);
    assert.ok(contents[0].mimeType, uri);
  }
  const { resourceTemplates } = await client.listResourceTemplates();
  assert.equal(resourceTemplates.length, 5);
  const values = { section: "state", image, path: "made/file", id: operation };
  for (const { uriTemplate } of resourceTemplates) {
    const uri = uriTemplate.replace(/\{\+?(\w+)\}/g, (_, name) => {
      const value = values[name];
      assert.ok(value, `${name} in ${uriTemplate}`);
      return uriTemplate.includes("/ls/") && name === "path" ? "made" : value;
    });
    const { contents } = await client.readResource({ uri });
    assert.ok(contents[0].text, uri);
    for (const name of Object.keys(values).filter((each) => new RegExp(`\\{\\+?${each}\\}`).test(uriTemplate))) {
      const { completion } = await client.complete({
        ref: { type: "ref/resource", uri: uriTemplate },
        argument: { name, value: "" },
        context: { arguments: { image } },
      });
      assert.ok(completion.values.length > 0, `${name} of ${uriTemplate}`);
      assert.ok(completion.values.length <= 100);
    }
  }
  const { contents } = await client.readResource({ uri: `mstage://image/${image}/lineage` });
  assert.ok(contents[0].text.includes(image));
}

async function progress() {
  const told = [];
  const done = await tool("run", { image: "tag:base", command: "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.5; done" },
    { onprogress: (one) => told.push(one), resetTimeoutOnProgress: true });
  assert.ok(done.ok);
  assert.ok(told.length >= 2, `${told.length} notifications`);
  for (let i = 1; i < told.length; ++i) {
    assert.ok(told[i].progress > told[i - 1].progress, "progress grows");
  }
  assert.ok(told.some((one) => /^line \d/.test(one.message ?? "")), "the last line of the output");
}

async function executing() {
  return (await tool("list_operations", { status: "EXECUTING" })).operations.map((each) => each.operation_id);
}

async function cancellation() {
  const controller = new AbortController();
  const running = tool("run", { image: "tag:base", command: "sleep 600", timeout: 900 }, { signal: controller.signal });
  const refused = assert.rejects(running);
  await eventually(async () => (await executing()).length === 1, "it runs");
  const [operation] = await executing();
  controller.abort("enough");
  await refused;
  await eventually(async () => (await tool("get_operation", { operation_id: operation })).status === "CANCELLED",
    "it is cancelled");
}

async function atOnce() {
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => tool("run", { image: "tag:base", command: `echo ${i}` })));
  assert.deepEqual(all.map((each) => each.stdout), Array.from({ length: 20 }, (_, i) => `${i}\n`));
}

async function errors() {
  await assert.rejects(call("get_image", { image: "tag:no-such" }), /no-such/);
  await assert.rejects(client.getPrompt({ name: "no-such", arguments: {} }), INVALID_PARAMS);
  await assert.rejects(client.readResource({ uri: "mstage://guide/no-such" }));
  const tooMuch = call("run", { image: "tag:base", command: "true", timeout: "long" });
  await assert.rejects(tooMuch, /timeout/);
}

negotiation();
const { tools, prompts } = await lists();
await everyPrompt(prompts);
const { image, operation } = await imagesAndRuns();
await operations();
await pipelines();
await everyResource(image, operation);
await progress();
await cancellation();
await atOnce();
await errors();
assert.deepEqual([...called].sort(), tools.map((each) => each.name).sort(), "every tool was called");
await close();
console.log(`${era}: ${tools.length} tools, ${prompts.length} prompts`);
