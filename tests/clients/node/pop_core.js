// Makes calls with @alicloud/pop-core as lines.js hears of them; "version" says which API a call is for.
// The first argument is {"endpoint", "method"}.
'use strict';

const { RPCClient } = require('@alicloud/pop-core');
const { perKey, serve, settings } = require('./lines');

const client = perKey(({ secret_id: accessKeyId, secret_key: accessKeySecret }) => {
  const ofVersion = new Map();
  return (apiVersion) => {
    if (!ofVersion.has(apiVersion)) {
      ofVersion.set(apiVersion, new RPCClient({ accessKeyId, accessKeySecret, endpoint: settings.endpoint, apiVersion }));
    }
    return ofVersion.get(apiVersion);
  };
});

// Its errors have no class of their own: they are named after the code, and hold the answer.
function refused(error) {
  if (!error || !error.data || error.name !== `${error.code}Error`) return null;
  const { RequestId: request_id, Message: message } = error.data; // its own message has the signed URL at the end
  return { ok: false, type: error.name, request_id, code: error.code, message };
}

serve(({ key, action, params, version }) => client(key)(version).request(action, params, { method: settings.method }), refused);
