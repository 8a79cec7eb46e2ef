// Makes calls with tencentcloud-sdk-nodejs as lines.js hears of them.
// The first argument is {"version", "region", "token", "profile"}, the last as the SDK takes it.
'use strict';

const tencentcloud = require('tencentcloud-sdk-nodejs');
const {
  default: TencentCloudSDKHttpException,
} = require('tencentcloud-sdk-nodejs/tencentcloud/common/exception/tencent_cloud_sdk_exception');
const { perKey, serve, settings } = require('./lines');

const DtsClient = tencentcloud.dts[settings.version].Client;

const client = perKey(({ secret_id: secretId, secret_key: secretKey }) => {
  const credential = { secretId, secretKey, token: settings.token || undefined };
  return new DtsClient({ credential, region: settings.region, profile: settings.profile });
});

function refused(error) {
  if (!(error instanceof TencentCloudSDKHttpException)) return null;
  return {
    ok: false,
    type: error.constructor.name,
    request_id: error.requestId,
    code: error.code === undefined ? null : String(error.code),
    message: error.message,
  };
}

serve(({ key, action, params }) => client(key)[action](params), refused);
