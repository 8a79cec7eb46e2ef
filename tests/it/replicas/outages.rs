//! Under load Redis is killed and comes back empty, and a replica is killed: never above the quota, an answer for every
//! call, one change of a task at a time.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::*;

/// How long the cloud takes for a change, in milliseconds: so long two must be apart.
const CHANGE: u32 = 200;

/// A Redis of the test's own.
struct Server {
    port: u16,
    folder: TempDir,
    child: Child,
}

impl Server {
    async fn start() -> Server {
        let folder = TempDir::new().unwrap();
        for _ in 0..5 {
            // Below the range that the kernel hands out by itself: nobody else takes it while the server is away.
            let port = u16::try_from(20_000 + Uuid::new_v4().as_u128() % 12_000).unwrap();
            if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
                let child = Server::run(port, folder.path()).await;
                return Server { port, folder, child };
            }
        }
        panic!("no free port in five tries");
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// As `kill -9`.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Where it was, and empty.
    async fn start_again(&mut self) {
        self.child = Server::run(self.port, self.folder.path()).await;
    }

    async fn run(port: u16, folder: &Path) -> Child {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().expect("redis-server: run scripts/packages.sh");
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
        until("Redis answers", || async { client.get_multiplexed_async_connection().await.ok() }).await;
        child
    }
}

/// Callers who read and change until they are told to stop.
struct Load {
    calls: JoinSet<(usize, BTreeMap<String, usize>)>,
    read: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    tasks: Vec<String>,
}

impl Load {
    /// Ten callers on the first replica, one on each of the others, and one on each that changes the same two tasks.
    async fn start(world: &World, urls: [&str; 3]) -> Load {
        world.fault(json!({"action": "ModifyMigrateJob", "kind": "delay", "ms": CHANGE})).await;
        let tasks = world.tasks("migration", json!(4), 2).await;
        let mut load = Load { calls: JoinSet::new(), read: Arc::default(), stop: watch::Sender::new(false), tasks };
        for index in 0..CALLERS {
            let replica = index.saturating_sub(CALLERS - 3);
            let caller = Caller::with_token(urls[replica], world.token(&format!("load-{index}"), &[]).expose_secret());
            for _ in 0..4 {
                let (caller, task, read) = (caller.clone(), load.tasks[0].clone(), Arc::clone(&load.read));
                load.again_and_again(replica, Duration::ZERO, move || {
                    let (caller, task, read) = (caller.clone(), task.clone(), Arc::clone(&read));
                    async move {
                        let reason = ask(&caller, "DescribeMigrateCheckJob", json!({"JobId": task})).await;
                        if reason == "ok" {
                            read.fetch_add(1, Ordering::Relaxed);
                        }
                        reason
                    }
                });
            }
        }
        for (replica, url) in urls.into_iter().enumerate() {
            let caller = Caller::with_token(url, world.token("all", &[]).expose_secret());
            for task in load.tasks.clone() {
                let caller = caller.clone();
                load.again_and_again(replica, Duration::from_millis(100), move || {
                    let (caller, rename) = (caller.clone(), json!({"JobId": task, "JobName": Uuid::new_v4()}));
                    async move { ask(&caller, "ModifyMigrateJob", rename).await }
                });
            }
        }
        load
    }

    /// One call after another, at most so often, until the end or until there is nobody to answer.
    fn again_and_again<F>(&mut self, replica: usize, every: Duration, call: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = String> + Send,
    {
        let stop = self.stop.subscribe();
        self.calls.spawn(async move {
            let mut answers: BTreeMap<String, usize> = BTreeMap::new();
            let mut tick = interval(every.max(Duration::from_millis(1)));
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !*stop.borrow() {
                tick.tick().await;
                let reason = call().await;
                *answers.entry(reason.clone()).or_default() += 1;
                if reason == NOBODY {
                    break;
                }
            }
            (replica, answers)
        });
    }

    /// Waits until so many more reads were answered by the cloud.
    async fn reads(&self, more: usize) {
        let enough = self.read.load(Ordering::Relaxed) + more;
        until("reads are answered", || async { (self.read.load(Ordering::Relaxed) >= enough).then_some(()) }).await;
    }

    /// Ends it; what was answered, by replica and reason.
    async fn stop(mut self, world: &World) -> Vec<BTreeMap<String, usize>> {
        self.stop.send_replace(true);
        let mut answers = vec![BTreeMap::new(); 3];
        while let Some(counted) = self.calls.join_next().await {
            let (replica, counts): (usize, BTreeMap<String, usize>) = counted.unwrap();
            for (reason, count) in counts {
                *answers[replica].entry(reason).or_default() += count;
            }
        }
        println!("  answers by replica: {answers:?}");
        never_above(world).await;
        one_at_a_time(world, &self.tasks).await;
        answers
    }
}

/// Nobody was there to answer.
const NOBODY: &str = "nobody";

/// `ok`, the gateway's reason, or nobody's.
async fn ask(caller: &Caller, action: &str, parameters: Value) -> String {
    match caller.try_exchange(caller.request(action, &[crate::caller::NO_CACHE], &parameters.to_string())).await {
        None => NOBODY.to_owned(),
        Some(answer) => match answer.header("x-dts-gateway-reason") {
            "" => answer.json()["Response"]["Error"]["Code"].as_str().unwrap_or("ok").to_owned(),
            reason => reason.to_owned(),
        },
    }
}

/// No two changes of a task were in flight at once.
async fn one_at_a_time(world: &World, tasks: &[String]) {
    let requests = world.requests().await;
    for task in tasks {
        let of_task =
            |request: &&Value| request["action"] == "ModifyMigrateJob" && request["params"]["JobId"] == **task;
        let mut times: Vec<f64> =
            requests.iter().filter(of_task).map(|request| request["at"].as_f64().unwrap()).collect();
        times.sort_by(f64::total_cmp);
        println!("  {task}: {} changes", times.len());
        assert!(!times.is_empty(), "{task} was never changed");
        let nearest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::MAX, f64::min);
        assert!(nearest >= f64::from(CHANGE), "{task}: two changes within {nearest} ms");
    }
}

/// What callers may be told while nothing worse than waiting happens.
fn nothing_lost(answers: &BTreeMap<String, usize>) {
    let known = ["ok", "rate-limited", "task-busy"];
    assert!(answers.keys().all(|reason| known.contains(&reason.as_str())), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_comes_back_empty_under_load() {
    let mut server = Server::start().await;
    let (world, others) = world_with(options(&server.url(), &[])).await;
    let load = Load::start(&world, [&world.public, &others[0].public, &others[1].public]).await;
    for _ in 0..if is_soak() { 8 } else { 1 } {
        load.reads(40).await;
        server.kill().await;
        // More than were under way: each goes on with its part.
        load.reads(60).await;
        server.start_again().await;
        load.reads(60).await;
    }
    for answers in load.stop(&world).await {
        nothing_lost(&answers);
    }
    end(world, others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_killed_under_load() {
    for _ in 0..if is_soak() { 4 } else { 1 } {
        let (world, mut others) = world().await;
        let load = Load::start(&world, [&world.public, &others[0].public, &others[1].public]).await;
        load.reads(60).await;
        drop(others.pop());
        // Its part comes back to the others, who are never above the quota meanwhile.
        load.reads(100).await;
        let mut answers = load.stop(&world).await;
        answers.pop();
        for answers in answers {
            nothing_lost(&answers);
        }
        end(world, others).await;
    }
}
