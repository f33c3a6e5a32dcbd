//! `/metrics`: what other crates count in the process's recorder, and what the stores count, read when it is asked for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use control::Control;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use plane::Plane;

/// Upper ends of the time histograms' buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// How often what was recorded is folded into buckets, so that it takes no memory when nobody asks.
const FOLDING: Duration = Duration::from_secs(5);

/// Whose figures are read when somebody asks.
#[derive(Clone)]
pub enum Source {
    Plane(Plane),
    Control(Control),
}

/// The process's one recorder.
#[derive(Clone)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// To be called once, before anything that counts is made.
    pub fn install() -> anyhow::Result<Recorder> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).context("naming the buckets")?;
        Ok(Recorder(builder.install_recorder().context("installing the recorder")?))
    }

    pub fn routes(&self, sources: Vec<Source>) -> Router {
        let (recorder, sources) = (self.clone(), Arc::new(sources));
        let show = move || {
            let (recorder, sources) = (recorder.clone(), Arc::clone(&sources));
            async move {
                sources.iter().for_each(Source::read);
                ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.0.render())
            }
        };
        Router::new().route("/metrics", get(show))
    }

    /// Folds until it is dropped.
    pub async fn fold(self) {
        let mut ticks = tokio::time::interval(FOLDING);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}

impl Source {
    fn read(&self) {
        match self {
            Source::Plane(plane) => {
                let label = plane.name().environment.word();
                gauge!("counterfoil_payouts_open", "plane" => label)
                    .set(float(plane.work().open_count().max(0).cast_unsigned()));
                store_figures(label, plane.stats(), plane.depth());
            }
            Source::Control(control) => {
                // A store that cannot be read says so in /readyz; the figure stays what it was.
                if let Ok(mails) = control::mail::waiting(control) {
                    gauge!("counterfoil_mail_waiting").set(float(mails as u64));
                }
                store_figures("control", control.stats(), control.depth());
            }
        }
    }
}

fn store_figures(plane: &'static str, stats: &store::Stats, depth: usize) {
    let figures = stats.figures();
    let operations = |lane, number| {
        counter!("counterfoil_committed_operations_total", "plane" => plane, "lane" => lane).absolute(number);
    };
    operations("client", figures.client_operations);
    operations("worker", figures.worker_operations);
    counter!("counterfoil_commits_total", "plane" => plane).absolute(figures.commits);
    counter!("counterfoil_committer_busy_us_total", "plane" => plane).absolute(figures.busy_us);
    counter!("counterfoil_sync_us_total", "plane" => plane).absolute(figures.sync_us);
    counter!("counterfoil_queue_refused_total", "plane" => plane).absolute(figures.refused_queue_full);
    counter!("counterfoil_engine_calls_total", "plane" => plane).absolute(figures.engine_calls);
    gauge!("counterfoil_store_log_bytes", "plane" => plane).set(float(figures.log_bytes));
    gauge!("counterfoil_store_read_only", "plane" => plane).set(float(figures.read_only));
    gauge!("counterfoil_queue_depth", "plane" => plane).set(float(depth as u64));
}

/// Exact up to 2^53; beyond that a gauge may be off by a little.
fn float(number: u64) -> f64 {
    number as f64
}
