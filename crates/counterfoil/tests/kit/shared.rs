//! One sandbox on a database, served by several processes.

use std::path::Path;

use super::{Server, admin_json, dev_on_files, program, serve_command};

/// What a tenant's agent account starts with.
const START_CENTS: i64 = 100_000_000;

/// Makes a tenant with `dev`, which ends in order; gives its agent key. The sandbox is then in the database beside `store`
/// whose name ends with `_sandbox`.
pub fn seeded(data: &Path, store: &str) -> String {
    let mut command = dev_on_files(data);
    command.args(["--store", store]);
    let server = Server::dev_with(command, data);
    let agent = server.key("sandbox", "agent").to_owned();
    assert_eq!(server.interrupt().status.code(), Some(0));
    agent
}

/// One of the processes that serve the sandbox in `database`, with limits that let a load through.
pub fn process(data: &Path, database: &str) -> Server {
    let mut command = serve_command("sandbox", data);
    command.env("COUNTERFOIL_SANDBOX__STORE", database);
    for limit in ["REQUESTS_PER_SECOND", "BURST"] {
        command.env(format!("COUNTERFOIL_SANDBOX__LIMITS__{limit}"), "1000000");
    }
    Server::serve(command)
}

/// What the tenant has spent, in cents; every process says the same, and the books balance.
pub fn spent(data: &Path, servers: &[Server], agent: &str) -> i64 {
    let balance = |server: &Server| {
        let answer = server.get("listening", "/api/agent_balance", Some(agent));
        answer.json()["balance"]["balance"].as_i64().unwrap_or_else(|| panic!("no balance: {}", answer.body))
    };
    let balances: Vec<i64> = servers.iter().map(balance).collect();
    assert!(balances.iter().all(|balance| *balance == balances[0]), "{balances:?}");
    let books = admin_json(data, &["books", "--env", "sandbox"]).remove(0);
    assert_eq!(books["balanced"], true, "{books}");
    START_CENTS - balances[0]
}

/// How many transfers the sandbox in `database` has. Every row of it is read and compared with its checksum.
pub fn transfers(database: &str) -> u64 {
    let mut command = program();
    command.args(["migrate", "verify", "--env", "sandbox", "--json", "--store", database]);
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line"));
    let transfers = rows.find(|row| row["table"] == "transfer").expect("a table of transfers");
    transfers["rows"].as_u64().expect("a number of rows")
}
