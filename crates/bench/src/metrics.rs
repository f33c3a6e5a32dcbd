//! Figures that the product publishes, read from Prometheus text. A figure that is not there is `None`.

use crate::connection::{Base, get};

/// One reading of a metrics listener.
#[derive(Clone, Debug, Default)]
pub struct Scrape(String);

/// The product's figures about one plane at one moment; counters only mean something as differences.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Transfers accepted and not yet final.
    pub open_payouts: Option<f64>,
    /// Microseconds that the committer worked, waiting for the disk not counted.
    pub committer_busy_us: Option<f64>,
    /// Operations that clients asked for and that were committed.
    pub client_operations: Option<f64>,
    /// Microseconds spent in syncs, and their number.
    pub sync_us: Option<f64>,
    pub commits: Option<f64>,
}

/// Reads the sandbox plane's figures. A listener that does not answer gives a reading without figures.
pub async fn read(base: &Base) -> Reading {
    match get(base, "/metrics").await {
        Ok((200, body)) => Scrape(String::from_utf8_lossy(&body).into_owned()).reading(),
        _ => Reading::default(),
    }
}

impl Scrape {
    fn reading(&self) -> Reading {
        let plane = ("plane", "sandbox");
        Reading {
            open_payouts: self.sum("counterfoil_payouts_open", &[plane]),
            committer_busy_us: self.sum("counterfoil_committer_busy_us_total", &[plane]),
            client_operations: self.sum("counterfoil_committed_operations_total", &[plane, ("lane", "client")]),
            sync_us: self.sum("counterfoil_sync_us_total", &[plane]),
            commits: self.sum("counterfoil_commits_total", &[plane]),
        }
    }

    /// The sum over all series of that name which carry the labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.0
            .lines()
            .filter_map(|line| series(line, name, labels))
            .fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

fn series(line: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let rest = line.strip_prefix(name)?.strip_prefix('{')?;
    let (carried, value) = rest.rsplit_once('}')?;
    let carries =
        |(key, value): &(&str, &str)| carried.split(',').any(|label| label.trim() == format!("{key}=\"{value}\""));
    if !labels.iter().all(carries) {
        return None;
    }
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_by_name_and_labels() {
        let text = "# TYPE counterfoil_commits_total counter\n\
            counterfoil_commits_total{plane=\"sandbox\"} 41\n\
            counterfoil_commits_total{plane=\"live\"} 7\n\
            counterfoil_commits_total_other{plane=\"sandbox\"} 1000\n\
            counterfoil_committed_operations_total{lane=\"client\",plane=\"sandbox\"} 5\n\
            counterfoil_committed_operations_total{plane=\"sandbox\", lane=\"worker\"} 6\n\
            counterfoil_payouts_open{plane=\"sandbox\",state=\"new\"} 2\n\
            counterfoil_payouts_open{plane=\"sandbox\",state=\"paying\"} 1.5e1 1700000000\n";
        let reading = Scrape(text.to_owned()).reading();
        assert_eq!(reading.commits, Some(41.0));
        assert_eq!(reading.client_operations, Some(5.0));
        assert_eq!(reading.open_payouts, Some(17.0));
        assert_eq!(reading.sync_us, None);
    }

    #[test]
    fn no_metrics_are_no_figures() {
        for text in ["", "<html>", "counterfoil_commits_total", "counterfoil_commits_total{plane=\"sandbox\"} x"] {
            assert_eq!(Scrape(text.to_owned()).reading(), Reading::default(), "{text}");
        }
    }
}
