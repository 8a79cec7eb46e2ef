// Makes calls with the official Node SDK as it is told on standard input, one JSON object a line, and answers each
// with a line of its own as soon as it is done:
//   {"number", "key": {"secret_id", "secret_key"}, "action", "params"}
//   {"number", "ok", "type", "request_id", "code", "message", "body"}
// The first argument is {"version", "region", "token", "profile"}, the last as the SDK takes it.
'use strict';

const readline = require('node:readline');
const tencentcloud = require('tencentcloud-sdk-nodejs');
const {
  default: TencentCloudSDKHttpException,
} = require('tencentcloud-sdk-nodejs/tencentcloud/common/exception/tencent_cloud_sdk_exception');

const settings = JSON.parse(process.argv[2]);
const DtsClient = tencentcloud.dts[settings.version].Client;
const clients = new Map();

function clientOf({ secret_id: secretId, secret_key: secretKey }) {
  const name = JSON.stringify([secretId, secretKey]);
  if (!clients.has(name)) {
    const credential = { secretId, secretKey, token: settings.token || undefined };
    clients.set(name, new DtsClient({ credential, region: settings.region, profile: settings.profile }));
  }
  return clients.get(name);
}

async function call({ number, key, action, params }) {
  try {
    const body = await clientOf(key)[action](params);
    return { number, ok: true, type: body.constructor.name, request_id: body.RequestId || '', body };
  } catch (refusal) {
    if (!(refusal instanceof TencentCloudSDKHttpException)) {
      return { number, surprise: `${action} threw ${refusal && refusal.stack}` };
    }
    return {
      number,
      ok: false,
      type: refusal.constructor.name,
      request_id: refusal.requestId,
      code: refusal.code === undefined ? null : String(refusal.code),
      message: refusal.message,
    };
  }
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(JSON.stringify(await call(JSON.parse(line))) + '\n');
});
