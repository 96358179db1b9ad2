// Judges each line of standard input by a module of the playground, as the page does, and writes an answer in a line.
//
// Usage: node host.mjs MODULE

import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) throw new Error(`the module imports ${JSON.stringify(imports)}`);
const { input, judge, memory, output, output_len } = new WebAssembly.Instance(module, {}).exports;

const answers = [];
const requests = readFileSync(0);
let begin = 0;
while (begin < requests.length) {
  const end = requests.indexOf("\n", begin);
  const request = requests.subarray(begin, end);
  begin = end + 1;
  const address = input(request.length);
  // The memory may have grown, and then its buffer is another one.
  new Uint8Array(memory.buffer).set(request, address);
  judge();
  answers.push(Buffer.from(new Uint8Array(memory.buffer, output(), output_len())));
}
process.stdout.write(Buffer.concat(answers));
