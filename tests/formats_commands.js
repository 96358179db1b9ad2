// Holds workflow commands against GitHub's own library: each is taken apart, and issued again by the library
// that actions issue theirs with. It must come out as it went in.
//
// usage: node formats_commands.js FILE, with NODE_PATH where @actions/core is; prints how many of each there are
'use strict';

const fs = require('fs');
const { issueCommand } = require('@actions/core/lib/command');

const undo = (text, codes) => codes.reduce((all, [code, sign]) => all.split(code).join(sign), text);
const ENDS = [['%0D', '\r'], ['%0A', '\n']];
const SIGNS = [['%3A', ':'], ['%2C', ','], ...ENDS];
// Last, or what it escapes would be undone twice.
const PERCENT = [['%25', '%']];

const counts = {};
for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n')) {
  const parts = /^::([a-z]+) (.*?)::(.*)$/.exec(line);
  if (!parts) {
    if (line !== '' && !line.startsWith('ImageGate: ')) throw new Error(`no command: ${line}`);
    continue;
  }
  const [, command, written, message] = parts;
  const properties = {};
  for (const property of written.split(',')) {
    const at = property.indexOf('=');
    properties[property.slice(0, at)] = undo(undo(property.slice(at + 1), SIGNS), PERCENT);
  }
  let issued = '';
  const write = process.stdout.write;
  process.stdout.write = (text) => { issued += text; return true; };
  issueCommand(command, properties, undo(undo(message, ENDS), PERCENT));
  process.stdout.write = write;
  if (issued !== `${line}\n`) throw new Error(`not as the library has it:\n${line}\n${issued}`);
  counts[command] = (counts[command] || 0) + 1;
}
console.log(JSON.stringify(counts));
