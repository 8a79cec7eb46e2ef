//! Lists: what they hold, how they are wrapped, how they are cut into pages; and tags.

use serde_json::{Value, json};

use super::{Bench, NEW};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["DtsJobId"].as_str().unwrap()).collect()
}

#[test]
fn describe_dts_jobs_is_a_bare_list_of_one_type() {
    let bench = Bench::new();
    let migration = bench.put("migration", "Migrating");
    let paused = bench.put("migration", "Suspending");
    let sync = bench.put("sync", "Synchronizing");
    let list = |more: Value| {
        let mut parameters = json!({ "Region": "cn-hangzhou" });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Value::Object(bench.call("DescribeDtsJobs", parameters))
    };
    assert_eq!(ids(&list(json!({}))["DtsJobList"]), [&*migration, &paused], "without a type: migrations");
    assert_eq!(ids(&list(json!({ "JobType": "SYNC" }))["DtsJobList"]), [&*sync]);
    assert_eq!(list(json!({ "DtsJobId": sync }))["DtsJobList"], json!([]), "of another type: an empty list, no error");
    let both = list(json!({ "DtsJobId": format!("{paused},{migration},nobody"), "WithoutDbList": "True" }));
    assert_eq!(ids(&both["DtsJobList"]).len(), 2);
    assert_eq!(both["DtsJobList"][0]["DbObject"], "");
    let instance = list(json!({ "DtsInstanceId": format!("dts{paused}") }));
    let item = &instance["DtsJobList"][0];
    assert_eq!((&item["DtsInstanceID"], &item["Status"]), (&json!(format!("dts{paused}")), &json!("Suspending")));
    assert_eq!(item["DataSynchronizationStatus"]["Status"], "Catched");
    assert!(item.get("ReverseJob").is_none(), "nothing is known of one");
    assert_eq!(ids(&list(json!({ "Status": "Suspending" }))["DtsJobList"]), [&*paused]);
    assert_eq!(ids(&list(json!({ "Type": "instance", "Params": format!("dts{paused}") }))["DtsJobList"]), [&*paused]);
    assert_eq!(ids(&list(json!({ "OrderDirection": "DESC" }))["DtsJobList"]), [&*paused, &migration]);
    let count = json!({ "Region": "cn-hangzhou", "RegionId": "cn-hangzhou" });
    assert_eq!(bench.call("CountJobByCondition", count)["TotalRecordCount"], 2);
}

#[test]
fn a_list_needs_its_region_and_has_pages() {
    let bench = Bench::new();
    assert_eq!(bench.code("DescribeDtsJobs", json!({ "RegionId": "cn-hangzhou" })), "MissingParameter");
    let all: Vec<String> = (0..65).map(|_| bench.put("sync", "Suspending")).collect();
    let page = |number: i64, size: i64| {
        let asked = json!({ "Region": "cn-hangzhou", "JobType": "SYNC", "PageNumber": number, "PageSize": size });
        Value::Object(bench.call("DescribeDtsJobs", asked))
    };
    let third = page(3, 30);
    assert_eq!(ids(&third["DtsJobList"]), all[60..].iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        (&third["TotalRecordCount"], &third["PageRecordCount"], &third["PageNumber"]),
        (&json!(65), &json!(5), &json!(3))
    );
    assert_eq!(ids(&page(1, 1000)["DtsJobList"]).len(), 30);
    assert_eq!(ids(&page(i64::MAX / 1000, 30)["DtsJobList"]).len(), 0);
    for (number, size) in [(0, 30), (1, 0), (1, -1), (i64::MAX, 30)] {
        let asked = json!({ "Region": "cn-hangzhou", "PageNumber": number, "PageSize": size });
        assert_eq!(bench.code("DescribeDtsJobs", asked), "InvalidParameter", "{number} {size}");
    }
    let wrong = json!({ "Region": "cn-hangzhou", "PageSize": "many" });
    assert_eq!(bench.code("DescribeDtsJobs", wrong), "InvalidParameter");
}

#[test]
fn older_lists_are_wrapped() {
    let bench = Bench::new();
    let migration = bench.put_in("2018-08-01", "migration", "Migrating", json!({ "DtsJobName": "alpha" }));
    let sync = bench.put_in("2018-08-01", "sync", "Synchronizing", json!({}));
    let subscription = bench.put_in("2018-08-01", "subscription", "Normal", json!({}));
    assert!([&migration, &sync, &subscription].iter().all(|id| id.starts_with("dts") && id.len() == 18));
    for version in ["2016-08-01", "2018-08-01", NEW] {
        let list = |action: &str| Value::Object(bench.call_in(version, action, &json!({})).unwrap().members);
        let migrations = list("DescribeMigrationJobs");
        let item = &migrations["MigrationJobs"]["MigrationJob"][0];
        assert_eq!((&item["MigrationJobID"], &item["MigrationJobStatus"]), (&json!(migration), &json!("Migrating")));
        assert_eq!(migrations["TotalRecordCount"], 1);
        let syncs = list("DescribeSynchronizationJobs");
        assert_eq!(syncs["SynchronizationInstances"][0]["SynchronizationJobId"], json!(sync));
        let subscriptions = list("DescribeSubscriptionInstances");
        let item = &subscriptions["SubscriptionInstances"]["SubscriptionInstance"][0];
        assert_eq!((&item["SubscriptionInstanceID"], &item["Status"]), (&json!(subscription), &json!("Normal")));
    }
    let misspelt = bench.call_in("2016-08-01", "DescirbeMigrationJobs", &json!({})).unwrap().members;
    assert_eq!(misspelt["MigrationJobs"]["MigrationJob"][0]["MigrationJobName"], "alpha");
    let named = bench.call("DescribeMigrationJobs", json!({ "MigrationJobName": "beta" }));
    assert_eq!(named["MigrationJobs"]["MigrationJob"], json!([]));
    let both = json!({ "SynchronizationJobIdListJsonStr": json!([{ "SynchronizationJobId": sync }, "dtsnobody"]).to_string() });
    let statuses = bench.call("DescribeSynchronizationJobStatusList", both);
    let first = &statuses["SynchronizationJobListStatusList"][0];
    assert_eq!((&first["SynchronizationJobId"], &statuses["TotalRecordCount"]), (&json!(sync), &json!(1)));
    assert_eq!(first["SynchronizationDirectionInfoList"][0]["Status"], "Synchronizing");
}

#[test]
fn tags_come_and_go() {
    let bench = Bench::new();
    let instance = format!("dts{}", bench.put("sync", "Suspending"));
    let of = |more: Value| {
        let mut all =
            json!({ "RegionId": "cn-hangzhou", "ResourceType": "ALIYUN::DTS::INSTANCE", "ResourceId.1": instance });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    bench.call(
        "TagResources",
        of(json!({ "Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "b", "Tag.2.Value": "2" })),
    );
    bench.call("UntagResources", of(json!({ "TagKey.1": "a" })));
    let listed = bench.call("ListTagResources", of(json!({})));
    let expected = json!([{
        "ResourceId": instance, "ResourceType": "ALIYUN::DTS::INSTANCE", "TagKey": "b", "TagValue": "2",
    }]);
    assert_eq!(listed["TagResources"]["TagResource"], expected);
    assert_eq!(
        bench.code("TagResources", json!({ "RegionId": "cn-hangzhou", "ResourceId.1": instance })),
        "MissingParameter"
    );
}
