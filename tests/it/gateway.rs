//! A gateway in this process, with threads of its own: what a test does cannot hold it up, and it can be cut off in
//! mid-air.

use dts_gateway::app::Running;
use dts_gateway::call::Clock;
use dts_gateway::config::Config;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Dispatch;

/// A gateway.
pub struct Gateway {
    pub public: String,
    pub admin: String,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts one by this clock. Its log goes to `log`, if that is given.
    pub async fn start(config: Config, clock: Clock, log: Option<Dispatch>) -> Gateway {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if let Some(log) = log {
            // For as long as the thread lives; other tests' gateways log elsewhere.
            runtime.on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&log)));
        }
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        let running = runtime.spawn(Running::start(config, clock)).await.unwrap().unwrap();
        let public = format!("http://{}", running.public_addr());
        let admin = format!("http://{}", running.admin_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = runtime.spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            running.run_until(until).await.unwrap();
        });
        Gateway { public, admin, runtime: Some(runtime), stop: Some(stop), running: Some(running) }
    }

    /// Tells it to stop, and does not wait for it.
    pub fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops it as SIGTERM does, and waits until everything is written.
    pub async fn stop(mut self) {
        self.tell_to_stop();
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }
}

impl Drop for Gateway {
    /// As SIGKILL: nothing of it runs on, nothing that was not committed is written.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
