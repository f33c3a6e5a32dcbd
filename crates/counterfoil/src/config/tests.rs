use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use toml::{Table, Value};
use workers::Post;

use super::ranges::RANGES;
use super::{Checkout, Config, DEFAULT, Problems, Rail, Role, Sources, Variables, defaults};

/// What a start says of this file and these variables.
pub(super) fn start(text: &str, variables: &[(&str, &str)], needed: &[Role]) -> Result<Config, Problems> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sources { file: Some(file.path()), variables: Variables::from_pairs(pairs), needed }.config()
}

pub(super) fn problems(text: &str, variables: &[(&str, &str)]) -> String {
    match start(text, variables, &Role::ALL) {
        Ok(_) => panic!("this was taken:\n{text}\n{variables:?}"),
        Err(Problems(problems)) => problems.join("\n"),
    }
}

/// Every value's path, those of the first corridor included.
fn paths(table: &Table, at: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (key, value) in table {
        let path = [at, std::slice::from_ref(key)].concat();
        match value {
            Value::Table(inner) => found.extend(paths(inner, &path)),
            Value::Array(items) if items.first().is_some_and(Value::is_table) => {
                found.extend(paths(items[0].as_table().unwrap(), &[&path[..], &["0".to_owned()]].concat()));
                found.push(path);
            }
            _ => found.push(path),
        }
    }
    found
}

fn slot<'t>(table: &'t mut Table, path: &[String]) -> &'t mut Table {
    path.iter().fold(table, |table, key| match table.get_mut(key) {
        Some(Value::Table(inner)) => inner,
        other => panic!("no table at {key}: {other:?}"),
    })
}

/// The defaults with one value changed, or removed.
fn with(path: &[String], value: Option<Value>) -> String {
    let mut tree = defaults();
    let (key, before) = path.split_last().unwrap();
    let table = match before.split_last() {
        Some((first, list)) if first == "0" => {
            let (name, section) = list.split_last().unwrap();
            slot(&mut tree, section)[name].as_array_mut().unwrap()[0].as_table_mut().unwrap()
        }
        _ => slot(&mut tree, before),
    };
    match value {
        Some(value) => drop(table.insert(key.clone(), value)),
        None => drop(table.remove(key).expect("there is such a value")),
    }
    toml::to_string(&tree).unwrap()
}

fn written(path: &[String]) -> String {
    path.join(".").replace(".0.", "[0].")
}

#[test]
fn the_defaults_are_good_and_are_what_a_plane_and_the_standard_corridors_are() {
    let config = start(DEFAULT, &[], &Role::ALL).map_err(|problems| problems.0).unwrap();
    assert_eq!(config.live.plane.corridors, plane::Corridors::standard());
    assert_eq!(config.control.settings.plans, control::plans::Plans::published());
    assert!(config.control.settings.approval == control::Approval::Required);
    assert!(matches!(config.control.checkout, Checkout::None));
    let standard = plane::PlaneConfig::new(base::PlaneName::main(base::Environment::Sandbox), "data/sandbox");
    let found = &config.sandbox.plane;
    assert_eq!(found.sandbox_start.balance, standard.sandbox_start.balance);
    assert_eq!(found.sandbox_start.overdraft, standard.sandbox_start.overdraft);
    assert_eq!(found.kyc.unverified_dollars, standard.kyc.unverified_dollars);
    assert_eq!(found.kyc.verified_dollars, standard.kyc.verified_dollars);
    assert_eq!(found.payouts.stage, standard.payouts.stage);
    assert_eq!(found.payouts.retry_most, standard.payouts.retry_most);
    assert_eq!(found.payouts.attempts_most, standard.payouts.attempts_most);
    assert_eq!(found.store_limits.queued, standard.store_limits.queued);
    assert!(matches!(config.live.rail, Rail::Manual));
    assert!(matches!(config.sandbox.rail, Rail::Simulated));
}

#[test]
fn every_value_that_is_missing_is_named() {
    for path in paths(&defaults(), &[]) {
        let said = problems(&with(&path, None), &[]);
        assert!(said.starts_with(&format!("`{}` is missing: add ", written(&path))), "{path:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// Values that may be empty because that means something.
const MAY_BE_EMPTY: &[&str] = &[
    ".store",
    "public_url",
    "trusted_proxies",
    "intercom.sandbox",
    "intercom.live",
    "sandbox.control",
    "live.control",
    "kyc.provider_url",
    "kyc.callback_secret_file",
    "rail.base_url",
    "rail.key_file",
    "corridors[0].required",
    "mail.from",
    "mail.smtp_url",
    "mail.smtp_user",
    "mail.smtp_password_file",
    "mail.smtp_ca_file",
    "checkout.provider",
    "checkout.api_secret_file",
    "checkout.events_secret_file",
    "_plans[0].price_usd",
    "_plans[0].deltas",
    "_plans[0].overage_usd",
    "_plans[0].gas_usd",
    "_plans[0].payout_withdrawals",
];

#[test]
fn every_value_that_is_emptied_is_named_unless_empty_means_something() {
    for path in paths(&defaults(), &[]) {
        let empty = match slot_value(&path) {
            Value::String(_) => Value::String(String::new()),
            Value::Array(_) => Value::Array(Vec::new()),
            _ => continue,
        };
        let (text, name) = (with(&path, Some(empty)), written(&path));
        if MAY_BE_EMPTY.iter().any(|end| name.ends_with(end)) {
            assert!(start(&text, &[], &Role::ALL).is_ok(), "{name}");
        } else {
            assert!(problems(&text, &[]).contains(&format!("`{name}` is ")), "{name}: {}", problems(&text, &[]));
        }
    }
}

#[test]
fn every_value_of_another_type_is_named() {
    for path in paths(&defaults(), &[]) {
        let other = match slot_value(&path) {
            Value::Integer(_) => Value::String("7".to_owned()),
            _ => Value::Integer(7),
        };
        let said = problems(&with(&path, Some(other)), &[]);
        assert!(said.starts_with(&format!("`{}` is a", written(&path))), "{path:?}: {said}");
    }
}

#[test]
fn every_number_has_a_range_and_is_named_outside_it() {
    let mut numbers = 0;
    for path in paths(&defaults(), &[]) {
        let Value::Integer(_) = slot_value(&path) else { continue };
        let name = written(&path);
        let range = RANGES.iter().find(|(end, ..)| name.ends_with(end));
        let (_, least, most) = range.unwrap_or_else(|| panic!("{name} has no range"));
        for outside in [least - 1, most + 1, -1, i64::MIN, i64::MAX] {
            let said = problems(&with(&path, Some(Value::Integer(outside))), &[]);
            assert!(said.contains(&format!("`{name}` is {outside}: give a number from {least} to {most}")), "{said}");
        }
        numbers += 1;
    }
    assert!(numbers > 20, "{numbers}");
}

#[test]
fn every_text_that_means_nothing_is_named() {
    for path in paths(&defaults(), &[]) {
        let Value::String(_) = slot_value(&path) else { continue };
        let name = written(&path);
        let paths = [
            ".data",
            "key_file",
            "callback_secret_file",
            "smtp_password_file",
            "intercom.sandbox",
            "intercom.live",
            "sandbox.control",
            "live.control",
        ];
        if paths.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let said = problems(&with(&path, Some(Value::String("nonsense!".to_owned()))), &[]);
        assert!(said.contains(&format!("`{name}` is ")), "{name}: {said}");
    }
}

#[test]
fn every_unknown_value_is_named() {
    let mut sections: Vec<Vec<String>> =
        paths(&defaults(), &[]).into_iter().map(|mut path| path.drain(..path.len() - 1).collect()).collect();
    sections.dedup();
    assert!(sections.len() > 10);
    for section in sections {
        let path = [&section[..], &["tpyo".to_owned()]].concat();
        let said = problems(&with(&path, Some(Value::Integer(1))), &[]);
        assert!(said.starts_with(&format!("`{}` is unknown: remove it", written(&path))), "{said}");
    }
}

#[test]
fn a_role_needs_its_own_section_and_what_all_share() {
    let mut tree = defaults();
    tree.remove("control");
    tree.remove("sandbox");
    let text = toml::to_string(&tree).unwrap();
    assert!(start(&text, &[], &[Role::Live]).is_ok());
    let Err(Problems(said)) = start(&text, &[], &[Role::Sandbox]) else { panic!("it has no sandbox section") };
    assert_eq!(said, ["`sandbox` is missing: add the section; `counterfoil config print` shows it"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let text = DEFAULT.replace("burst = 200", "burst = 0").replace("level = \"info\"", "level = \"loud\"");
    let said = problems(&text, &[]);
    assert!(said.contains("sandbox.limits.burst") && said.contains("live.limits.burst"), "{said}");
    let said = problems(&DEFAULT.replace("level = \"info\"", "level = \"loud\"").replace("\"EG\"", "\"Egypt\""), &[]);
    assert!(said.contains("`log.level`") && said.contains("`corridors[0].country`"), "{said}");
}

#[test]
fn the_environment_wins_over_the_file_and_is_checked_alike() {
    let config = start(
        DEFAULT,
        &[
            ("COUNTERFOIL_SANDBOX__LISTEN", "127.0.0.1:9"),
            ("COUNTERFOIL_SANDBOX__LIMITS__BURST", "17"),
            ("COUNTERFOIL_LIVE__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
            ("COUNTERFOIL_SOAK", "1"),
        ],
        &Role::ALL,
    );
    let config = config.map_err(|problems| problems.0).unwrap();
    assert_eq!(config.sandbox.listen.port(), 9);
    assert_eq!(config.sandbox.limits.burst, 17);
    assert_eq!(config.live.trusted_proxies, ["10.0.0.0/8".parse().unwrap(), "192.0.2.1/32".parse().unwrap()]);

    for (name, value, said) in [
        ("COUNTERFOIL_SANDBOX__LISTN", "127.0.0.1:9", "COUNTERFOIL_SANDBOX__LISTN names no value"),
        ("COUNTERFOIL_SANDBOX__LIMITS__BURST", "many", "COUNTERFOIL_SANDBOX__LIMITS__BURST is not a whole number"),
        ("COUNTERFOIL_SANDBOX__LIMITS__BURST", "0", "`sandbox.limits.burst` is 0"),
        ("COUNTERFOIL_LIVE__LISTEN", "", "`live.listen` is \"\""),
    ] {
        let found = problems(DEFAULT, &[(name, value)]);
        assert!(found.contains(said), "{found}");
    }
    // What is missing in the file may come from the environment.
    let without = with(&["live".to_owned(), "listen".to_owned()], None);
    assert!(start(&without, &[("COUNTERFOIL_LIVE__LISTEN", "127.0.0.1:1")], &Role::ALL).is_ok());
}

#[test]
fn live_cannot_be_given_the_simulated_rail() {
    let said = problems(&DEFAULT.replace("kind = \"manual\"", "kind = \"simulated\""), &[]);
    assert!(said.contains("`live.rail.kind` is \"simulated\": live moves real money"), "{said}");
    let said = problems(&DEFAULT.replace("[sandbox.start]", "[sandbox.rail]\nkind = \"manual\"\n[sandbox.start]"), &[]);
    assert!(said.contains("`sandbox.rail` is unknown"), "{said}");
}

#[test]
fn mails_are_sent_where_people_reach_the_office_and_a_login_is_whole() {
    let server = DEFAULT.replace("smtp_url = \"\"", "smtp_url = \"smtps://mail.example.com\"");
    let said = problems(&server, &[]);
    assert!(said.contains("`control.public_url` is empty while `control.mail.smtp_url` is not"), "{said}");
    let public = ("COUNTERFOIL_CONTROL__PUBLIC_URL", "https://pay.example.com");
    let password = ("COUNTERFOIL_SECRET_CONTROL_SMTP_PASSWORD", "hush");
    let config = start(&server, &[public], &Role::ALL).map_err(|problems| problems.0).unwrap();
    assert!(matches!(config.control.mail.post, Post::Smtp(_)));
    let user = server.replace("smtp_user = \"\"", "smtp_user = \"office\"");
    assert!(start(&user, &[public, password], &Role::ALL).is_ok());
    for (text, variables, said) in [
        (&user, &[public][..], "`control.mail.smtp_password_file` leads to no password"),
        (&server, &[public, password][..], "`control.mail.smtp_user` is empty"),
        (&server.replace("smtps://", "http://"), &[public][..], "`control.mail.smtp_url` is of no use"),
        (&server.replace("smtps://", "smtps://office:hush@"), &[public][..], "`control.mail.smtp_url` is of no use"),
        (&server.replace("from = \"\"", "from = \"office\""), &[public][..], "`control.mail.from` is \"office\""),
        (
            &server.replace("smtp_ca_file = \"\"", "smtp_ca_file = \"/nowhere.pem\""),
            &[public][..],
            "`control.mail.smtp_ca_file` names /nowhere.pem",
        ),
    ] {
        let found = problems(text, variables);
        assert!(found.contains(said) && !found.contains("hush"), "{said}: {found}");
    }
}

#[test]
fn the_cashq_rail_needs_an_address_and_a_private_key_file() {
    let kind = DEFAULT.replace("kind = \"manual\"", "kind = \"cashq\"");
    let said = problems(&kind, &[]);
    assert!(said.contains("`live.rail.base_url` is empty") && said.contains("`live.rail.key_file` is empty"), "{said}");
    let said = problems(&DEFAULT.replace("base_url = \"\"", "base_url = \"https://x.example\""), &[]);
    assert!(said.contains("`live.rail.base_url` is for kind = \"cashq\" alone"), "{said}");

    let mut key = tempfile::NamedTempFile::new().unwrap();
    key.write_all(b"pk_live_abc.def\n").unwrap();
    let path = key.path().display().to_string();
    let base = kind.replace("base_url = \"\"", "base_url = \"https://peer.example\"");
    let whole = base.replace("key_file = \"\"", &format!("key_file = {path:?}"));
    std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(problems(&whole, &[]).contains("which others can read: run chmod 600"));
    std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = start(&whole, &[], &Role::ALL).map_err(|problems| problems.0).unwrap();
    assert!(matches!(config.live.rail, Rail::CashQ(_)));
    let said = problems(&whole.replace("https://peer.example", "http://peer.example"), &[]);
    assert!(said.contains("`live.rail`") && said.contains("https"), "{said}");
    assert!(!said.contains("pk_live_abc"), "{said}");
    // From the environment instead of a file.
    assert!(start(&base, &[("COUNTERFOIL_SECRET_LIVE_RAIL_KEY", "pk_live_abc.def")], &Role::ALL).is_ok());
}

#[test]
fn values_that_contradict_each_other_are_named() {
    for (from, to, said) in [
        ("verified_dollars = 8990", "verified_dollars = 10", "`live.kyc.verified_dollars` is 10"),
        ("retry_most_ms = 300000", "retry_most_ms = 20", "`sandbox.payouts.retry_most_ms` is 20"),
        (
            "provider_url = \"\"",
            "provider_url = \"https://a b\"",
            "`live.kyc.provider_url` is \"https://a b\": it must",
        ),
        ("listen = \"127.0.0.1:7002\"", "listen = \"0.0.0.0:7002\"", "`live.public_url` is empty while"),
        ("service = \"1301\"", "service = \"1271\"", "`corridors[1].service` is \"1271\" a second time"),
        ("largest = \"10000.00\"", "largest = \"0.001\"", "`corridors[0].largest` is \"0.001\""),
        ("rate = \"47.2945\"", "rate = \"47.294500001\"", "`corridors[0].rate` is \"47.294500001\""),
        ("rate = \"47.2945\"", "rate = \"0.0\"", "`corridors[0].rate` is \"0.0\""),
        ("\"receiverAccType\"", "\"receiverShoeSize\"", "`corridors[0].required[1]` is \"receiverShoeSize\""),
        ("tier = \"pilot\"", "tier = \"free\"", "`control.pacspace_plans[1].tier` is \"free\" a second time"),
        ("overage_usd = \"0.020\"", "overage_usd = \"0.0200001\"", "`control.pacspace_plans[1].overage_usd` is"),
        ("public_url = \"\"", "public_url = \"https://a.example/\"", "`live.public_url` is \"https://a.example/\""),
    ] {
        assert!(DEFAULT.contains(from), "{from}");
        let found = problems(&DEFAULT.replace(from, to), &[]);
        assert!(found.contains(said), "{from} → {to}: {found}");
    }
}

#[test]
fn a_file_that_is_none_is_named() {
    let missing = std::path::Path::new("/nowhere/counterfoil.toml");
    let sources = Sources { file: Some(missing), variables: Variables::default(), needed: &[] };
    let Err(Problems(said)) = sources.config() else { panic!("there is no such file") };
    assert!(said[0].contains("/nowhere/counterfoil.toml cannot be read"), "{said:?}");
    assert!(problems("[sandbox\n", &[]).contains("is not TOML"));
}

#[test]
fn the_manual_names_every_value() {
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md")).unwrap();
    for path in paths(&defaults(), &[]).into_iter().filter(|path| path.len() > 1) {
        let shown = match path[0].as_str() {
            "sandbox" | "live" => path[1..].join("."),
            _ if path.contains(&"0".to_owned()) => path[path.len() - 1].clone(),
            _ => path.join("."),
        };
        assert!(manual.contains(&format!("| `{shown}` |")), "{shown}");
    }
}

fn slot_value(path: &[String]) -> Value {
    let mut value = Value::Table(defaults());
    for key in path {
        value = match (&value, key.parse::<usize>()) {
            (Value::Array(items), Ok(at)) => items[at].clone(),
            (value, _) => value[key.as_str()].clone(),
        };
    }
    value
}
