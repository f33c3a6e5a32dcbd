//! The command line of `counterfoil bench`.

use std::path::PathBuf;

use clap::builder::ArgPredicate;

use crate::machine::CpuList;

/// What to measure. The defaults are the figures that the project promises; they take about half an hour.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Which scenario to measure.
    #[arg(long, value_enum, default_value_t = Choice::All, default_value_if("store", ArgPredicate::IsPresent, "transfer"))]
    pub scenario: Choice,
    /// A PostgreSQL database to measure in, beside pgbench; its user may create databases. Databases are made for each round
    /// and dropped after it. Without it, the store is SQLite.
    #[arg(long, value_name = "URL", conflicts_with = "server_cpu")]
    pub store: Option<String>,
    /// Open connections, each with one request in flight. With --store: 1,16,64.
    #[arg(
        long, value_name = "LIST", value_delimiter = ',', default_value = "64,256", value_parser = at_least_one,
        default_value_if("store", ArgPredicate::IsPresent, "1,16,64")
    )]
    pub connections: Vec<usize>,
    /// Tenants that the requests are spread over. `replay` and `balance` take the smallest of the list.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,100", value_parser = at_least_one)]
    pub tenants: Vec<usize>,
    /// Transfers made before measuring. `replay` and `balance` take the smallest of the list. With --store: 0.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "0,1000000",
        default_value_if("store", ArgPredicate::IsPresent, "0")
    )]
    pub preload: Vec<u64>,
    /// Seconds of one round.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Rounds of reference and product, in turns; each figure is their median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: u64,
    /// One JSON object per line instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Cores that the servers may use, such as `0` or `0,2-3`. Default: all.
    #[arg(long, value_name = "LIST")]
    pub server_cpu: Option<CpuList>,
    /// Cores that the load generator may use. Default: all.
    #[arg(long, value_name = "LIST")]
    pub client_cpu: Option<CpuList>,
    /// Threads of the load generator.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub client_threads: usize,
    /// Directory on the disk to be measured; a fresh directory is made below it. Default: the system's temporary one.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Keep the servers' directories (data and logs) and say where they are.
    #[arg(long)]
    pub keep_data: bool,
    /// Seed of ids, receivers and amounts. Default: drawn, and printed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// URL (with path) of a running constant answer that `balance` is compared with, instead of starting one.
    #[arg(long, value_name = "URL")]
    pub balance_reference: Option<String>,
    /// Key to show to `--balance-reference`.
    #[arg(long, value_name = "KEY", requires = "balance_reference")]
    pub balance_reference_key: Option<String>,
    /// Slowest reference, in answers per second, that a judgement is based on.
    #[arg(long, default_value_t = 30_000, hide = true)]
    pub floor: u64,
}

impl Options {
    /// What the parser cannot see.
    ///
    /// # Errors
    /// Says which option does not go with `--store`.
    pub fn check(&self) -> Result<(), &'static str> {
        match self.store {
            Some(_) if self.scenario != Choice::Transfer => Err("--store measures --scenario transfer alone"),
            Some(_) if self.preload != [0] => Err("--store measures fresh databases: --preload must be 0"),
            _ => Ok(()),
        }
    }
}

/// A scenario, or all of them.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// New transfers, with the payout processor running.
    Transfer,
    /// A thousand transfers, asked again and again.
    Replay,
    /// Reads of the agent's balance.
    Balance,
    All,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Line::try_parse_from(std::iter::once("bench").chain(line.split_whitespace())).map(|line| line.options)
    }

    #[test]
    fn the_defaults_are_the_promised_figures() {
        let options = parse("").unwrap();
        assert_eq!(options.scenario, Choice::All);
        assert_eq!(options.connections, [64, 256]);
        assert_eq!(options.tenants, [1, 100]);
        assert_eq!(options.preload, [0, 1_000_000]);
        assert_eq!((options.seconds, options.rounds), (20, 3));
        assert!(!options.json);
    }

    #[test]
    fn beside_postgres_only_fresh_transfers_are_measured() {
        let options = parse("--store postgres://h/d").unwrap();
        assert_eq!((options.scenario, &*options.connections), (Choice::Transfer, &[1, 16, 64][..]));
        assert_eq!((&*options.preload, &*options.tenants), (&[0][..], &[1, 100][..]));
        assert_eq!(options.check(), Ok(()));
        for (more, word) in [("--scenario replay", "--scenario"), ("--preload 5", "--preload")] {
            let wrong = parse(&format!("--store postgres://h/d {more}")).unwrap().check();
            assert!(wrong.unwrap_err().contains(word), "{more}");
        }
        assert!(parse("--store postgres://h/d --server-cpu 0").is_err(), "the database cannot be confined from here");
        assert_eq!(parse("").unwrap().check(), Ok(()));
    }

    #[test]
    fn lists_and_cores_are_read() {
        let options = parse("--scenario replay --connections 1,2,3 --preload 0 --server-cpu 0,2-3 --json").unwrap();
        assert_eq!(options.scenario, Choice::Replay);
        assert_eq!(options.connections, [1, 2, 3]);
        assert_eq!(options.preload, [0]);
        assert_eq!(options.server_cpu, Some("0,2,3".parse().unwrap()));
        assert!(options.json);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "--connections 0",
            "--tenants 0",
            "--seconds 0",
            "--rounds 0",
            "--server-cpu 3-1",
            "--client-cpu x",
            "--scenario deposit",
            "--balance-reference-key k",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
