//! `counterfoil serve`: one role alone, from one configuration.

use crate::cli::Serve;
use crate::config::{Config, PlaneRole, Role, Sources, Variables};
use crate::failure::Failure;
use crate::house::{RunningControl, RunningMetrics, RunningPlane};
use crate::logs::{self, Levels};
use crate::metrics::Recorder;
use crate::signal::Signals;

/// Runs until it is told to end.
pub fn run(options: &Serve) -> Result<(), Failure> {
    let needed = [options.role];
    let sources =
        Sources { file: options.from.config.as_deref(), variables: Variables::of_the_process(), needed: &needed };
    let config = sources.config()?;
    let levels = logs::start(&config.log);
    let signals = Signals::take()?;
    let recorder = Recorder::install()?;
    match options.role {
        Role::Control => control(&config, &levels, &recorder, signals),
        Role::Sandbox => plane(&config.sandbox, config.metrics.sandbox, &levels, &recorder, signals),
        Role::Live => plane(&config.live, config.metrics.live, &levels, &recorder, signals),
    }
}

fn control(config: &Config, levels: &Levels, recorder: &Recorder, signals: Signals) -> Result<(), Failure> {
    let place = |role: &PlaneRole| role.public_url.clone().unwrap_or_else(|| format!("http://{}", role.listen));
    let mut places =
        vec![("sandbox".to_owned(), place(&config.sandbox), true), ("live".to_owned(), place(&config.live), true)];
    places.extend(config.control.public_url.clone().map(|url| ("here".to_owned(), url, true)));
    let running = RunningControl::start(&config.control, levels, config.control.mail.post.clone(), places)?;
    for role in [&config.sandbox, &config.live] {
        running.clients_reach(role.plane.name.environment, place(role));
    }
    let metrics = RunningMetrics::start(config.metrics.control, recorder, vec![running.source()])?;
    say("control", running.site().address, &metrics);
    signals.wait();
    running.stop();
    metrics.stop();
    Ok(())
}

fn plane(
    role: &PlaneRole,
    metrics: std::net::SocketAddr,
    levels: &Levels,
    recorder: &Recorder,
    signals: Signals,
) -> Result<(), Failure> {
    let running = RunningPlane::start(role, levels)?;
    let metrics = RunningMetrics::start(metrics, recorder, vec![running.source()])?;
    say(role.plane.name.environment.word(), running.site().address, &metrics);
    signals.wait();
    running.stop();
    metrics.stop();
    Ok(())
}

/// One JSON line on stdout when everything accepts, for whoever started the process.
fn say(role: &str, address: std::net::SocketAddr, metrics: &RunningMetrics) {
    let (listening, metrics) = (format!("http://{address}"), format!("http://{}", metrics.address()));
    println!("{}", serde_json::json!({"role": role, "listening": listening, "metrics": metrics}));
}
