// Connects one of the official clients to a server of its own; what differs between the two is in here.

import { setTimeout as sleep } from "node:timers/promises";

export const MODERN = "2026-07-28";

async function parts(era) {
  if (era === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    return { Client, StdioClientTransport, options: {} };
  }
  const { Client } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const mode = era === "v2" ? { pin: MODERN } : era === "v2-auto" ? "auto" : "legacy";
  return { Client, StdioClientTransport, options: { versionNegotiation: { mode } } };
}

// era: v1, v2 (pinned to the current revision), v2-auto, v2-legacy.
export async function connect(era, serverArguments) {
  const { Client, StdioClientTransport, options } = await parts(era);
  const client = new Client({ name: "tests", version: "1" }, options);
  const errors = [];
  client.onerror = (error) => errors.push(error);
  const transport = new StdioClientTransport({
    command: process.env.MSTAGE_EXECUTABLE,
    args: ["mcp", ...serverArguments],
    env: process.env,
    stderr: "inherit",
    maxBufferSize: 1 << 26,
  });
  await client.connect(transport);

  // With its structured content looked at by the client, which has read the tools' output schemas.
  async function call(name, args, requestOptions = {}) {
    const all = { timeout: 300000, ...requestOptions };
    const result = era === "v1"
      ? await client.callTool({ name, arguments: args }, undefined, all)
      : await client.callTool({ name, arguments: args }, all);
    if (result.isError) {
      throw new Error(`${name}: ${result.content.map((part) => part.text).join("\n")}`);
    }
    const text = JSON.parse(result.content[0].text);
    if (JSON.stringify(text) !== JSON.stringify(result.structuredContent)) {
      throw new Error(`${name}: the text is not the structured content`);
    }
    return result.structuredContent;
  }

  async function close() {
    await client.close();
    if (errors.length > 0) {
      throw new Error(`the client complained: ${errors.map(String).join("\n")}`);
    }
  }

  return { client, call, close };
}

// The condition comes true within a minute, which only a busy machine needs.
export async function eventually(condition, what) {
  for (let i = 0; i < 600; ++i) {
    if (await condition()) {
      return;
    }
    await sleep(100);
  }
  throw new Error(`did not come true: ${what}`);
}
