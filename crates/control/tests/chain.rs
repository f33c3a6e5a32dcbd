//! The audit log over a random walk through the doors of the front office: a line for each change and none for anything else,
//! in chains that show every byte that was changed since, and without a secret.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;
mod walk;

use base::{TenantId, mac};
use control::audit::{self, Line};
use control::{Control, Operator, tenants};
use data_encoding::HEXLOWER;
use kit::desk;
use serde_json::Value;
use walk::Walk;

const STEPS: usize = 300;

/// Every chain as it is exported.
fn exported(control: &Control) -> Vec<String> {
    let operator = Operator::over_the_socket();
    let tenants = tenants::list(control).unwrap();
    let chains = std::iter::once(None).chain(tenants.iter().map(|tenant| Some(&tenant.id)));
    let text = |of: Option<&TenantId>| {
        let (mut export, mut text) = (audit::export_of(control, &operator, of).unwrap(), String::new());
        loop {
            let part = export.part().unwrap();
            if part.is_empty() {
                return text;
            }
            text.extend(part.iter().map(Line::exported));
        }
    };
    chains.map(text).collect()
}

#[tokio::test]
async fn each_change_is_one_line_and_nothing_else_is_one() {
    let seed = kit::seed();
    let mut walk = Walk::begin(seed);
    walk.register().await;
    for step in 0..STEPS {
        walk.read_mails().await;
        let planes = walk.whole().lines;
        desk::provision(walk.control(), &walk.planes).await;
        let before = walk.whole().lines;
        assert!(before - planes <= 2, "step {step}: an environment that settles is one line");
        let expected = walk.step().await;
        assert_eq!(walk.whole().lines, before + expected, "step {step} of seed {seed}");
    }
    walk.read_mails().await;
    let whole = walk.whole();
    assert!(whole.lines > 150 && walk.secrets.len() > 50, "{whole:?}, {} secrets", walk.secrets.len());
    for chain in exported(walk.control()) {
        for secret in &walk.secrets {
            assert!(!chain.contains(secret.as_str()), "a secret stands in {chain}");
        }
        // One line is one line, whatever was called how.
        assert!(chain.lines().all(|line| line.starts_with('{') && !line.chars().any(char::is_control)));
    }
    nowhere_in_the_store(walk);
}

/// Where the store is a file, its bytes hold none of the secrets either.
fn nowhere_in_the_store(walk: Walk) {
    let Walk { house, secrets, .. } = walk;
    house.control.close();
    let mut files = 0;
    for entry in std::fs::read_dir(house.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("store.db") {
            let bytes = std::fs::read(&path).unwrap();
            let there = |secret: &&String| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert_eq!(secrets.iter().find(there), None, "it stands in {}", path.display());
            files += 1;
        }
    }
    assert!(files > 0 || pgkit::wanted());
}

/// What docs/guide/front-office.md tells its readers to do, with nothing of ours but the hash function: the last line's hash, or
/// what is wrong.
fn verified_by_a_reader(of: &str, text: &str) -> Result<String, String> {
    let (mut previous, mut n) = (String::new(), 0);
    for line in text.split_terminator('\n') {
        let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        n += 1;
        let word = |name: &str| line[name].as_str().map(str::to_owned).ok_or_else(|| format!("{n}: no {name}"));
        let at = line["at"].as_i64().ok_or("no time")?;
        let hashed =
            format!("{}\n{}\n{}\n{at}\n{}\n{}", previous, word("of")?, line["n"], word("kind")?, word("facts")?);
        let hash = HEXLOWER.encode(&mac::sha256(&[hashed.as_bytes()]));
        if line["n"] != n || word("of")? != of || word("previous")? != previous || word("hash")? != hash {
            return Err(format!("line {n} does not follow"));
        }
        previous = hash;
    }
    Ok(previous)
}

#[tokio::test]
async fn an_export_is_verified_without_us_and_shows_each_changed_byte() {
    let mut walk = Walk::begin(kit::seed());
    walk.register().await;
    while walk.step().await == 0 || walk.whole().lines < 8 {}
    let of = walk.people[0].tenant.clone();
    let permit = {
        walk.log_in(0).await;
        walk.permit(0)
    };
    let mut export = audit::export(walk.control(), &permit).unwrap();
    let text: String = export.part().unwrap().iter().map(Line::exported).collect();
    assert_eq!(export.part().unwrap(), Vec::new());
    let listed = audit::list(walk.control(), &permit, None, 100).unwrap();
    let last = verified_by_a_reader(&of.to_string(), &text).unwrap();
    assert_eq!((listed.lines[0].hash.as_str(), listed.lines.len()), (last.as_str(), text.lines().count()));

    let mut bytes = text.clone().into_bytes();
    for at in 0..bytes.len() {
        let bit = 1 << walk.random.u32(..8);
        bytes[at] ^= bit;
        let judged = std::str::from_utf8(&bytes)
            .map_or(Err("no text".to_owned()), |text| verified_by_a_reader(&of.to_string(), text));
        assert_ne!(judged.ok(), Some(last.clone()), "byte {at} was changed by {bit}");
        bytes[at] ^= bit;
    }
    for cut in 0..text.lines().count() {
        let without: Vec<&str> = text.lines().enumerate().filter(|(at, _)| *at != cut).map(|(_, line)| line).collect();
        let judged = verified_by_a_reader(&of.to_string(), &(without.join("\n") + "\n"));
        assert_ne!(judged.ok(), Some(last.clone()), "line {cut} is missing");
    }
}

#[tokio::test]
async fn a_log_is_listed_in_pages_the_newest_first_and_to_its_own_tenant_alone() {
    let mut walk = Walk::begin(kit::seed());
    walk.register().await;
    walk.register().await;
    for _ in 0..6 {
        walk.log_in(0).await;
    }
    let (of, permit) = (walk.people[0].tenant.to_string(), walk.permit(0));
    let (mut seen, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = audit::list(walk.control(), &permit, before, 3).unwrap();
        seen.extend(page.lines.iter().map(|line| line.n));
        assert!(page.lines.iter().all(|line| line.of == of && line.facts.contains("\"act\"")));
        pages += 1;
        before = page.before;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), ((1..=8).rev().collect(), 3));
    let beyond = audit::list(walk.control(), &permit, Some(1), 3).unwrap();
    assert_eq!((beyond.lines.len(), beyond.before), (0, None));
}
