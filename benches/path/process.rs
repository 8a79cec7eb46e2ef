//! A peer as a process, and what it uses, as the kernel counts it (proc(5)).

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// What the kernel counts CPU time in: USER_HZ is 100 on every Linux.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// A process that listens.
pub(super) struct Process {
    /// Where.
    pub(super) address: SocketAddr,
    child: Child,
}

/// CPU time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// Of the process.
    pub(super) own: Duration,
    /// Of its database.
    pub(super) database: Duration,
}

impl Process {
    /// This program as a peer.
    pub(super) async fn peer(arguments: &[&str]) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).stdout(Stdio::piped());
        let mut child = one_worker(command);
        let stdout = child.stdout.take().unwrap();
        Process { address: address(stdout, "listening ").await, child }
    }

    /// A gateway; it logs where it listens.
    pub(super) async fn gateway(program: &Path, config: &Path) -> Process {
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(config).stderr(Stdio::piped());
        let mut child = one_worker(command);
        let stderr = child.stderr.take().unwrap();
        Process { address: address(stderr, "\"public\":\"").await, child }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// CPU time since its start, of all its threads.
    pub(super) fn cpu(&self) -> Duration {
        cpu(self.id()).expect("the process lives")
    }

    /// Memory in use.
    pub(super) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Usage {
    pub(super) fn since(self, before: Usage) -> Usage {
        Usage { own: self.own.saturating_sub(before.own), database: self.database.saturating_sub(before.database) }
    }

    pub(super) fn total(self) -> Duration {
        self.own + self.database
    }
}

/// CPU time of a Postgres server: the process that started a backend, and all that it has started.
pub(super) fn server_cpu(backend: u32) -> Option<Duration> {
    let server = parent(backend)?;
    let numbers = std::fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let backends = numbers.filter(|process| parent(*process) == Some(server)).filter_map(cpu);
    Some(backends.sum::<Duration>() + cpu(server)?)
}

/// One worker thread each: what is compared is the cost of a call, not the number of cores.
fn one_worker(mut command: Command) -> Child {
    command.env("TOKIO_WORKER_THREADS", "1").stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// The address behind `mark`; what the process says after that goes nowhere.
async fn address(output: impl AsyncRead + Unpin + Send + 'static, mark: &str) -> SocketAddr {
    let mut lines = BufReader::new(output).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("the process says where it listens");
        if let Some((_, rest)) = line.split_once(mark) {
            break rest.split('"').next().unwrap().parse().unwrap();
        }
        eprintln!("{line}");
    };
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("{line}");
        }
    });
    address
}

/// Fields 14 to 17 of stat: of the process, and of its children that have ended.
fn cpu(process: u32) -> Option<Duration> {
    let ticks: u32 = fields(process)?.iter().skip(11).take(4).filter_map(|field| field.parse::<u32>().ok()).sum();
    Some(TICK * ticks)
}

fn parent(process: u32) -> Option<u32> {
    fields(process)?.get(1)?.parse().ok()
}

/// What follows the name, which may hold anything.
fn fields(process: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}
