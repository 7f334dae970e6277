/**
 * Drives mem0's npm client: `node node_client.js FOLDER`, where FOLDER has it in node_modules.
 *
 * Reads a call a line as JSON and prints what came of it: {"answer": ...} or {"error": ...}.
 */
"use strict";

const { createRequire } = require("node:module");
const { join, resolve } = require("node:path");
const { createInterface } = require("node:readline");

const load = createRequire(join(resolve(process.argv[2]), "package.json"));
const { MemoryClient } = load("mem0ai");

let client = null;

const driver = {
  async open({ host, key }) {
    client = new MemoryClient({ apiKey: key, host });
    return null;
  },

  async call({ method, args, options }) {
    const given = Object.keys(options).length > 0 ? [...args, options] : args;
    return client[method](...given);
  },

  async methods() {
    const names = Object.getOwnPropertyNames(MemoryClient.prototype);
    return names.filter((name) => name !== "constructor" && !name.startsWith("_"));
  },
};

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: verb, ...asked } = JSON.parse(line);
    let said;
    try {
      said = { answer: (await driver[verb](asked)) ?? null };
    } catch (error) {
      said = { error: { kind: error.name, message: error.message, debug: {} } };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

main();
