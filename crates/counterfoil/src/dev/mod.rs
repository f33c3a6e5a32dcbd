//! `counterfoil dev`: everything on this machine, with a tenant and keys to try it with. Each role still has its own
//! threads, store, listener and socket. Keys are kept readable in `dev.json` alone.

mod file;
mod greeting;
mod seed;

use base::Environment;
use store::PostgresUrl;
use workers::Post;

use crate::cli;
use crate::config::{Checkout, Config, Intercom, Role, Sources, Variables};
use crate::failure::Failure;
use crate::house::{RunningControl, RunningMetrics, RunningPlane, make_private_dir};
use crate::logs;
use crate::metrics::Recorder;
use crate::signal::Signals;

use self::file::DevFile;

/// The folder of mails that would have been sent.
const MAIL: &str = "mail";

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
    make_databases(&config)?;
    let post = Post::Files(options.data.join(MAIL));
    let control = RunningControl::start(&config.control, &levels, post, places.collect())?;
    let sandbox = RunningPlane::start(&config.sandbox, &levels)?;
    let live = RunningPlane::start(&config.live, &levels)?;
    let sources = vec![sandbox.source(), live.source(), control.source()];
    let metrics = RunningMetrics::start(options.metrics, &recorder, sources)?;

    let seeded = seed::seed(&control, &sandbox, &live, DevFile::read(&options.data))?;
    let url = |address| format!("http://{address}");
    control.clients_reach(Environment::Sandbox, url(sandbox.site().address));
    control.clients_reach(Environment::Live, url(live.site().address));
    seed::until_active(&control, &seeded.tenant)?;
    let file = DevFile {
        pid: std::process::id(),
        control: url(control.site().address),
        sandbox: url(sandbox.site().address),
        live: url(live.site().address),
        metrics: url(metrics.address()),
        tenant: seeded.tenant.to_string(),
        business: seeded.tenant.business(),
        email: seeded.owner.email,
        password: seeded.owner.password,
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
    let sources = Sources { file: None, variables: Variables::of_the_process(), needed: &Role::ALL };
    let mut config = sources.config()?;
    config.control.listen = options.control;
    config.control.data = options.data.join("control");
    config.control.intercom = Intercom::beside(&config.control.data);
    config.control.open_wide();
    if let Checkout::None = config.control.checkout {
        config.control.checkout = Checkout::Fake;
    }
    let listens = [(&mut config.sandbox, options.sandbox), (&mut config.live, options.live)];
    for (role, listen) in listens {
        role.listen = listen;
        role.plane.dir = options.data.join(role.plane.name.environment.word());
        role.control.clone_from(&config.control.data);
        role.open_wide();
    }
    if let Some(store) = &options.store {
        config.control.database = Some(database(store, Role::Control)?);
        config.sandbox.plane.database = Some(database(store, Role::Sandbox)?);
        config.live.plane.database = Some(database(store, Role::Live)?);
    }
    Ok(config)
}

/// The role's own database beside the one that the command line names.
fn database(store: &str, role: Role) -> Result<PostgresUrl, Failure> {
    let url =
        PostgresUrl::parse(store).and_then(|url| url.with_database(&format!("{}_{}", url.database(), role.word())));
    // Only our own words: what lies beneath may quote the address, and that may hold a password.
    url.map_err(|fault| Failure::Usage(format!("--store: {fault}: give postgres://user@host/database")))
}

fn make_databases(config: &Config) -> Result<(), Failure> {
    let databases = [&config.control.database, &config.sandbox.plane.database, &config.live.plane.database];
    for database in databases.into_iter().flatten() {
        if database.make_database().map_err(Failure::Store)? {
            tracing::info!(database = database.shown(), "database made");
        }
    }
    Ok(())
}
