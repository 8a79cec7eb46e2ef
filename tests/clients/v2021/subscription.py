"""The life of a subscription and of a consumer group: configured, started, read, reset, given back."""

from typing import Any

from steps import Steps, reaches

from .names import DENIED, NOT_FOUND

DETAIL, LIST = "DescribeSubscribeDetail", "DescribeSubscribeJobs"


def live(steps: Steps):
    subscription = buy(steps, "subscribe", steps.named("subscription"))
    one = {"SubscribeId": subscription}
    steps.refused("group-before-start", "CreateConsumerGroup", group(one, "early", steps.password), DENIED)
    running(steps, "subscription", subscription)
    steps.refused("subscription-start-running", "StartSubscribe", one, DENIED)
    renamed(steps, subscription)
    consumer_group(steps, subscription)
    given_back(steps, subscription)


def renamed(steps: Steps, subscription: str):
    one, name = {"SubscribeId": subscription}, steps.named("renamed")
    steps.succeeds("subscription-rename", "ModifySubscribeName", {**one, "SubscribeName": name})
    listed = steps.succeeds("subscription-renamed", LIST, {"SubscribeIds": [subscription], "Limit": 20}).body
    found = [(item["SubscribeId"], item["SubscribeName"]) for item in listed["Items"]]
    steps.expect("subscription-renamed", found == [(subscription, name)], f"it came back as {found!r}")
    wanted = {"ObjectsType": 1, "DatabaseName": "shop", "TableNames": ["orders", "invoices"]}
    steps.succeeds("subscription-objects", "ModifySubscribeObjects", {**one, "SubscribeObjectType": 1, "Objects": [wanted]})


def consumer_group(steps: Steps, subscription: str):
    """It is created by its short name, and known by its full one from then on."""
    one = {"SubscribeId": subscription}
    steps.succeeds("group-create", "CreateConsumerGroup", group(one, "readers", steps.password))
    full = {
        **one,
        "ConsumerGroupName": f"consumer-grp-{subscription}-readers",
        "AccountName": f"account-{subscription}-readers",
    }
    found = steps.succeeds("groups", "DescribeConsumerGroups", {**one, "Offset": 0, "Limit": 10}).body["Items"]
    names = [(item["ConsumerGroupName"], item["Account"]) for item in found]
    steps.expect("groups", names == [(full["ConsumerGroupName"], full["AccountName"])], f"not {names!r}")
    steps.succeeds("group-describe", "ModifyConsumerGroupDescription", {**full, "Description": "读 & write"})
    steps.succeeds("group-password", "ModifyConsumerGroupPassword", {**full, "NewPassword": steps.password + "2"})
    topic = steps.succeeds("group-topic", DETAIL, one).body["Topic"]
    reset = {**one, "TopicName": topic, "ConsumerGroupName": full["ConsumerGroupName"], "PartitionNos": [0]}
    steps.succeeds("group-reset", "ResetConsumerGroupOffset", {**reset, "ResetMode": "latest"})
    after = steps.succeeds("group-was-reset", "DescribeConsumerGroups", one).body["Items"][0]
    steps.expect("group-was-reset", after["Description"] == "读 & write", f"not {after['Description']!r}")
    steps.expect("group-was-reset", after["ConsumerGroupLag"] == 0, f"it lags by {after['ConsumerGroupLag']}")
    steps.succeeds("group-delete", "DeleteConsumerGroup", full)
    reaches(steps, "group-gone", "DescribeConsumerGroups", one, lambda body: body["TotalCount"], 0)
    steps.refused("group-describe-gone", "ModifyConsumerGroupDescription", {**full, "Description": "x"}, NOT_FOUND)


def given_back(steps: Steps, subscription: str):
    one = {"SubscribeId": subscription}
    steps.succeeds("subscription-reset", "ResetSubscribe", one)
    status(steps, "subscription-new", subscription, "notStarted")
    steps.refused("subscription-start-new", "StartSubscribe", one, DENIED)
    steps.refused("subscription-destroy-paid", "DestroyIsolatedSubscribe", one, DENIED)
    returnable = steps.succeeds("subscription-returnable", "DescribeSubscribeReturnable", one).body
    steps.expect("subscription-returnable", returnable["IsReturnable"] is True, f"not {returnable!r}")
    steps.succeeds("subscription-isolate", "IsolateSubscribe", one)
    reaches(steps, "subscription-isolated", DETAIL, one, lambda body: body["Status"], "isolated")
    steps.refused("subscription-configure-isolated", "ConfigureSubscribeJob", configuration(one, steps.password), DENIED)
    steps.refused("subscription-isolate-isolated", "IsolateSubscribe", one, DENIED)
    steps.succeeds("subscription-destroy", "DestroyIsolatedSubscribe", one)
    reaches(steps, "subscription-gone", LIST, one, lambda body: body["TotalCount"], 0)
    steps.refused("subscription-start-gone", "StartSubscribe", one, NOT_FOUND)


def buy(steps: Steps, step: str, name: str) -> str:
    order = {"Product": "mysql", "PayType": 1, "Count": 1, "Name": name}
    bought = steps.succeeds(step, "CreateSubscribe", order).body.get("SubscribeIds") or []
    steps.expect(step, len(bought) == 1, f"one id, not {bought!r}")
    status(steps, step + ":exists", bought[0], "notStarted")
    return bought[0]


def running(steps: Steps, prefix: str, subscription: str):
    one = {"SubscribeId": subscription}
    steps.succeeds(prefix + "-configure", "ConfigureSubscribeJob", configuration(one, steps.password))
    steps.succeeds(prefix + "-check", "CreateSubscribeCheckJob", one)
    reaches(steps, prefix + "-check:passed", "DescribeSubscribeCheckJob", one, lambda body: body["Status"], "success")
    status(steps, prefix + "-check:state", subscription, "checkPass")
    steps.succeeds(prefix + "-start", "StartSubscribe", one)
    status(steps, prefix + "-running", subscription, "running")


def status(steps: Steps, step: str, subscription: str, wanted: str):
    reaches(steps, step, DETAIL, {"SubscribeId": subscription}, lambda body: body["SubsStatus"], wanted)


def group(one: dict[str, str], name: str, password: str) -> dict[str, Any]:
    return {**one, "ConsumerGroupName": name, "AccountName": name, "Password": password}


def configuration(one: dict[str, str], password: str) -> dict[str, Any]:
    """Two tables of a MySQL in the cloud, into two partitions."""
    source = {"DatabaseRegion": "ap-guangzhou", "User": "reader", "Password": password, "InstanceId": "cdb-9dijwkkw"}
    return {
        **one,
        "SubscribeMode": "dml",
        "AccessType": "cdb",
        "Endpoints": [source],
        "KafkaConfig": {"NumberOfPartitions": 2, "DefaultRuleType": "table"},
        "SubscribeObjects": [{"ObjectType": "table", "Database": "shop", "Tables": ["orders"]}],
        "Protocol": "protobuf",
    }
