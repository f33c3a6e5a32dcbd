//! Which settings are measured with servers of their own.

use crate::options::{Choice, Options};
use crate::scenario::Scenario;

/// Lines that share their servers' kind: one scenario, number of tenants and fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub scenario: Scenario,
    pub tenants: usize,
    pub preload: u64,
}

/// Every group that the options name, in the order of measuring.
pub fn groups(options: &Options) -> Vec<Group> {
    let mut groups = Vec::new();
    if matches!(options.scenario, Choice::Transfer | Choice::All) {
        for preload in &options.preload {
            for tenants in &options.tenants {
                groups.push(Group { scenario: Scenario::Transfer, tenants: *tenants, preload: *preload });
            }
        }
    }
    let tenants = options.tenants.iter().copied().min().unwrap_or(1);
    let preload = options.preload.iter().copied().min().unwrap_or(0);
    for (choice, scenario) in [(Choice::Replay, Scenario::Replay), (Choice::Balance, Scenario::Balance)] {
        if options.scenario == choice || options.scenario == Choice::All {
            groups.push(Group { scenario, tenants, preload });
        }
    }
    groups
}
