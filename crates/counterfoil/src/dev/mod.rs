//! `counterfoil dev`: everything on this machine, with a tenant and keys to try it with. Each role still has its own
//! threads, store, listener and socket. Keys are kept readable in `dev.json` alone.

mod file;
mod greeting;
mod seed;

use std::path::Path;

use crate::cli;
use crate::config::{Config, Sources, Variables};
use crate::failure::Failure;
use crate::house::{RunningControl, RunningMetrics, RunningPlane};
use crate::logs;
use crate::metrics::Recorder;
use crate::signal::Signals;

use self::file::DevFile;

/// Runs until it is told to end.
pub fn run(options: &cli::Dev) -> Result<(), Failure> {
    let config = config(options)?;
    let levels = logs::start(&config.log);
    let signals = Signals::take()?;
    let recorder = Recorder::install()?;
    let places = [("sandbox", options.sandbox), ("live", options.live), ("metrics", options.metrics)]
        .into_iter()
        .filter(|(_, address)| address.port() != 0)
        .map(|(what, address)| (what.to_owned(), format!("http://{address}"), true));
    make_private_dir(&options.data)?;
    let control = RunningControl::start(&config.control, &levels, places.collect())?;
    let sandbox = RunningPlane::start(&config.sandbox, &levels)?;
    let live = RunningPlane::start(&config.live, &levels)?;
    let sources = vec![sandbox.source(), live.source(), control.source()];
    let metrics = RunningMetrics::start(options.metrics, &recorder, sources)?;

    let seeded = seed::seed(&control, &sandbox, &live, DevFile::read(&options.data))?;
    let url = |address| format!("http://{address}");
    let file = DevFile {
        pid: std::process::id(),
        control: url(control.site().address),
        sandbox: url(sandbox.site().address),
        live: url(live.site().address),
        metrics: url(metrics.address()),
        tenant: seeded.tenant.to_string(),
        business: seeded.tenant.business(),
        keys: seeded.keys,
    };
    file.write(&options.data)?;
    greeting::print(&file, &options.data)?;

    signals.wait();
    // All stop accepting at once, then each drains.
    control.site().begin_closing();
    sandbox.site().begin_closing();
    live.site().begin_closing();
    metrics.begin_closing();
    sandbox.stop();
    live.stop();
    control.stop();
    metrics.stop();
    tracing::info!("closed");
    Ok(())
}

/// The defaults with the variables of the environment, in this directory, at these addresses, with limits that let a load
/// through.
fn config(options: &cli::Dev) -> Result<Config, Failure> {
    let sources = Sources { file: None, variables: Variables::of_the_process(), needed: &crate::config::Role::ALL };
    let mut config = sources.config()?;
    config.control.listen = options.control;
    config.control.data = options.data.join("control");
    let listens = [(&mut config.sandbox, options.sandbox), (&mut config.live, options.live)];
    for (role, listen) in listens {
        role.listen = listen;
        role.plane.dir = options.data.join(role.plane.name.environment.word());
        role.open_wide();
    }
    Ok(config)
}

fn make_private_dir(dir: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| Failure::Fault(anyhow::anyhow!("making the directory {}: {error}", dir.display())))
}
