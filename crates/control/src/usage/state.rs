//! Counts by month and environment, and what of them counts against a plan. Pure.

use std::collections::BTreeMap;

use base::{Environment, Month, Time};

use super::UsageRow;

/// What a plane counts, by the names that it uses.
pub const METERS: [&str; 1] = ["transfers"];
/// What plans of verified records are about. No plane counts any yet.
const DELTAS: &str = "deltas";

/// What one environment counted in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub as_of: Time,
    pub meters: BTreeMap<String, u64>,
}

/// All that is known of one tenant.
pub(super) struct Counts(BTreeMap<(Month, Environment), Counted>);

impl Counts {
    pub(super) fn of(rows: Vec<UsageRow>) -> Counts {
        let of_row = |row: UsageRow| {
            let month = row.month.parse::<Month>().ok()?;
            Some(((month, row.environment), Counted { as_of: row.as_of, meters: row.meters }))
        };
        Counts(rows.into_iter().filter_map(of_row).collect())
    }

    /// What is known better.
    pub(super) fn put(&mut self, month: Month, environment: Environment, counted: Counted) {
        self.0.insert((month, environment), counted);
    }

    /// What counts against a plan. What is included for life is used up by the sandbox too; beside a plan that is paid for,
    /// the sandbox costs nothing.
    pub(super) fn deltas(&self, month: Month, for_life: bool) -> u64 {
        let counts =
            |(of, environment): &(Month, Environment)| for_life || (*of == month && *environment == Environment::Live);
        let counted = self.0.iter().filter(|(key, _)| counts(key));
        counted.map(|(_, counted)| counted.meters.get(DELTAS).copied().unwrap_or(0)).sum()
    }

    /// Each environment's, with a zero where nothing was used.
    pub(super) fn in_month(self, month: Month) -> Vec<(Environment, Counted)> {
        let here = self.0.into_iter().filter(|((of, _), _)| *of == month);
        here.map(|((_, environment), mut counted)| {
            for meter in METERS {
                counted.meters.entry(meter.to_owned()).or_default();
            }
            (environment, counted)
        })
        .collect()
    }
}
