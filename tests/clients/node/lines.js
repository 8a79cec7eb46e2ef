// Answers calls that come on standard input, one JSON object a line, with a line each as soon as it is done:
//   {"number", "key": {"secret_id", "secret_key"}, "action", "params", ...}
//   {"number", "ok", "type", "request_id", "code", "message", "body"}
// What an SDK throws that is not its own typed error is told as {"number", "surprise"}.
'use strict';

const readline = require('node:readline');

// The first argument of the program.
exports.settings = JSON.parse(process.argv[2]);

// One client of the SDK for each key pair.
exports.perKey = function perKey(make) {
  const clients = new Map();
  return (key) => {
    const name = JSON.stringify([key.secret_id, key.secret_key]);
    if (!clients.has(name)) clients.set(name, make(key));
    return clients.get(name);
  };
};

// `call` makes one and gives the body; `refused` makes an answer of the SDK's own error, or nothing of any other.
exports.serve = function serve(call, refused) {
  readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const told = JSON.parse(line);
    let answer;
    try {
      const body = await call(told);
      answer = { ok: true, type: (body.constructor || Object).name, request_id: body.RequestId || '', body };
    } catch (error) {
      answer = refused(error) || { surprise: `${told.action} threw ${error && error.stack}` };
    }
    process.stdout.write(JSON.stringify({ number: told.number, ...answer }) + '\n');
  });
};
