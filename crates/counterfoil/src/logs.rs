//! Structured logs on stderr: text on a terminal, JSON elsewhere unless the configuration says otherwise. Keys and other
//! secrets never reach a log: they have no way to be formatted.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, reload};

use crate::config::{Log, LogFormat};

/// Changes the level of a running process.
#[derive(Clone)]
pub struct Levels(Option<reload::Handle<LevelFilter, Registry>>);

impl Levels {
    /// Answers whether it is in force.
    pub fn set(&self, level: Level) -> bool {
        self.0.as_ref().is_some_and(|handle| handle.reload(LevelFilter::from_level(level)).is_ok())
    }
}

/// Starts logging for the whole process. A second call changes nothing and answers levels that cannot be set.
pub fn start(log: &Log) -> Levels {
    let (level, handle) = reload::Layer::new(LevelFilter::from_level(log.level));
    let json = match log.format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let lines = match json {
        true => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        false => fmt::layer().compact().with_writer(std::io::stderr).boxed(),
    };
    let started = tracing_subscriber::registry().with(level).with(lines).try_init();
    Levels(started.is_ok().then_some(handle))
}

/// Reads `error`, `warn`, `info`, `debug` or `trace`.
pub fn level(word: &str) -> Option<Level> {
    let words = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    words
        .into_iter()
        .find(|level| level.as_str().eq_ignore_ascii_case(word) && word.bytes().all(|b| b.is_ascii_lowercase()))
}
