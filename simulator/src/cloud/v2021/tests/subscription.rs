//! The life of a subscription, and its consumer groups.

use serde_json::{Value, json};

use super::{Bench, RUN, STEP};

fn configuration(id: &str) -> Value {
    json!({
        "SubscribeId": id, "SubscribeMode": "all", "AccessType": "cdb", "KafkaConfig": {"NumberOfPartitions": 2},
        "Endpoints": [{"DatabaseRegion": "ap-guangzhou", "User": "root", "Password": "hush", "InstanceId": "cdb-1"}],
    })
}

fn shown(bench: &Bench, id: &str) -> Value {
    Value::Object(bench.answer("DescribeSubscribeDetail", json!({ "SubscribeId": id })))
}

fn running(bench: &mut Bench, name: &str) -> String {
    let order = json!({"Product": "mysql", "PayType": 1, "Name": name});
    let id = bench.call("CreateSubscribe", order).unwrap().made.unwrap();
    let one = json!({ "SubscribeId": id });
    assert_eq!(bench.status(&id), "notStarted");
    assert!(bench.call("CreateSubscribeCheckJob", one.clone()).is_err(), "nothing to check");
    bench.answer("ConfigureSubscribeJob", configuration(&id));
    bench.answer("CreateSubscribeCheckJob", one.clone());
    assert_eq!(bench.answer("DescribeSubscribeCheckJob", one.clone())["Status"], "running");
    bench.wait(STEP);
    assert_eq!(bench.answer("DescribeSubscribeCheckJob", one.clone())["Status"], "success");
    bench.answer("StartSubscribe", one);
    assert_eq!(bench.status(&id), "starting");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "running");
    id
}

#[test]
fn a_subscription_lives_and_dies() {
    let mut bench = Bench::new();
    let id = running(&mut bench, "it run-fails");
    let one = json!({ "SubscribeId": id });
    assert_eq!(shown(&bench, &id)["Endpoints"][0]["Password"], "");
    let objects = json!({
        "SubscribeId": id, "SubscribeObjectType": 1,
        "Objects": [{"ObjectsType": 1, "DatabaseName": "shop", "TableNames": ["orders"]}],
    });
    bench.answer("ModifySubscribeObjects", objects);
    let expected = json!([{"ObjectType": "table", "Database": "shop", "Tables": ["orders"]}]);
    assert_eq!(shown(&bench, &id)["SubscribeObjects"], expected);
    bench.answer("ModifySubscribeName", json!({"SubscribeId": id, "SubscribeName": "renamed run-fails"}));
    bench.answer("ModifySubscribeAutoRenewFlag", json!({"SubscribeId": id, "AutoRenewFlag": 1}));
    bench.wait(RUN);
    assert_eq!(bench.status(&id), "error");
    bench.answer("ResumeSubscribe", one.clone());
    assert_eq!(bench.status(&id), "running");
    bench.answer("ResetSubscribe", one.clone());
    let after = shown(&bench, &id);
    assert_eq!((&after["SubsStatus"], &after["Endpoints"]), (&json!("notStarted"), &json!([])));
    assert_eq!((&after["SubscribeName"], &after["AutoRenewFlag"]), (&json!("renamed run-fails"), &json!(1)));
    assert_eq!(bench.answer("DescribeSubscribeReturnable", one.clone())["IsReturnable"], true);
    bench.answer("IsolateSubscribe", one.clone());
    assert_eq!(bench.answer("DescribeSubscribeReturnable", one.clone())["IsReturnable"], false);
    bench.wait(STEP);
    assert_eq!(shown(&bench, &id)["Status"], "isolated");
    bench.answer("DestroyIsolatedSubscribe", one);
    bench.wait(STEP);
    assert_eq!(bench.answer("DescribeSubscribeJobs", json!({ "SubscribeIds": [id] }))["TotalCount"], 0);
}

#[test]
fn consumer_groups_have_full_names() {
    let mut bench = Bench::new();
    let id = running(&mut bench, "groups");
    let short = json!({"SubscribeId": id, "ConsumerGroupName": "g", "AccountName": "a", "Password": "hush"});
    bench.answer("CreateConsumerGroup", short.clone());
    assert!(bench.call("CreateConsumerGroup", short).is_err(), "it exists");
    let list = |bench: &Bench| bench.answer("DescribeConsumerGroups", json!({ "SubscribeId": id }));
    let group = list(&bench)["Items"][0].clone();
    let (name, account) = (format!("consumer-grp-{id}-g"), format!("account-{id}-a"));
    assert_eq!((&group["ConsumerGroupName"], &group["Account"]), (&json!(name), &json!(account)));
    assert_eq!(group["ConsumerGroupState"], "Empty");
    assert_eq!(group["StateOfPartition"].as_array().unwrap().len(), 2);
    let change = |name: &str, account: &str| json!({ "SubscribeId": id, "ConsumerGroupName": name, "AccountName": account, "Description": "new" });
    for (name, account) in [("g", "a"), (account.as_str(), name.as_str()), (name.as_str(), "a")] {
        let code = bench.code("ModifyConsumerGroupDescription", change(name, account));
        assert_eq!(code, "ResourceNotFound.ResourceNotFoundError");
    }
    bench.answer("ModifyConsumerGroupDescription", change(&name, &account));
    assert_eq!(list(&bench)["Items"][0]["Description"], "new");
    bench.answer(
        "DeleteConsumerGroup",
        json!({ "SubscribeId": id, "ConsumerGroupName": name, "AccountName": account, "BackendJobId": "" }),
    );
    assert_eq!(list(&bench)["TotalCount"], 0);
}

#[test]
fn an_offset_is_reset_only_if_nobody_reads() {
    let bench = Bench::new();
    for (state, offset) in [("Dead", 1000), ("Empty", 1000), ("Stable", 0), ("PreparingRebalance", 0)] {
        let groups = json!([{ "ConsumerGroupName": "g", "ConsumerGroupState": state }]);
        let id = bench.put("subscription", "running", None, json!({ "ConsumerGroups": groups }));
        let reset = json!({
            "SubscribeId": id, "TopicName": format!("topic-{id}"), "ConsumerGroupName": format!("consumer-grp-{id}-g"),
            "PartitionNos": [0], "ResetMode": "latest",
        });
        bench.answer("ResetConsumerGroupOffset", reset);
        let group = bench.answer("DescribeConsumerGroups", json!({ "SubscribeId": id }))["Items"][0].clone();
        assert_eq!((&group["ConsumerGroupState"], &group["ConsumerGroupOffset"]), (&json!(state), &json!(offset)));
    }
}

#[test]
fn billing_states_forbid_as_well() {
    let bench = Bench::new();
    for (action, allowed) in [("IsolateSubscribe", "normal"), ("DestroyIsolatedSubscribe", "isolated")] {
        for state in ["normal", "isolating", "isolated", "offlining", "post2PrePayIng", "neverHeardOf"] {
            let id = bench.put("subscription", "running", Some(state), json!({}));
            let result = bench.call(action, json!({ "SubscribeId": id }));
            assert_eq!(result.is_ok(), state == allowed, "{action} at {state}");
        }
    }
    let offsets = |time: &str| {
        let id = bench.put("subscription", "running", None, json!({}));
        bench.call("DescribeOffsetByTime", json!({ "SubscribeId": id, "Time": time }))
    };
    assert_eq!(offsets("2027-01-15 16:00:00").unwrap().members["Items"], json!([{"PartitionNo": 0, "Offset": 0}]));
    assert!(offsets("yesterday").is_err());
}
