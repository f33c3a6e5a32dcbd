//! What `dev` prints: where everything is, and calls that work when they are pasted into another shell.

use std::io::{IsTerminal, Write};
use std::path::Path;

use super::file::DevFile;
use crate::failure::Failure;

/// On a terminal the calls carry the real key. Where the output is kept (a file, a pipe) they read it from `dev.json`, so
/// that no log of a run holds a key; they work when pasted all the same.
pub fn print(file: &DevFile, data: &Path) -> Result<(), Failure> {
    let data = data.canonicalize()?;
    let key = match std::io::stdout().is_terminal() {
        true => file.keys.sandbox.agent.clone(),
        false => reading_the_file(&DevFile::path(&data)),
    };
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text(file, &data, &key).as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn reading_the_file(path: &Path) -> String {
    format!("$(sed -n 's/.*\"agent\": \"\\(pk_test_[^\"]*\\)\".*/\\1/p' '{}')", path.display())
}

fn text(file: &DevFile, data: &Path, key: &str) -> String {
    let DevFile { control, sandbox, live, metrics, tenant, pid, .. } = file;
    let (dev, shown) = (DevFile::path(data), data.display());
    // New with every start, so that the story can be told again on the same data.
    let id = format!("{}{:05}", base::Clock::now(&base::SystemClock).unix_seconds(), pid % 100_000);
    let transfer = format!(
        r#"{{"id":"{id}","sender_phone":"+15615019469","receiver_phone":"+201001234567","amount":"5.00","service":"1271","receiver_country":"EG","receiver_currency":"EGP","attribute":[{{"name":"receiverName","value":"Mona Hassan"}},{{"name":"receiverAccType","value":"1"}},{{"name":"receiverAccountNumber","value":"100012345678"}},{{"name":"receiverBankName","value":"Bank of Cairo"}}]}}"#
    );
    let get = |path: &str| format!("curl -s -H \"API-KEY: {key}\" {sandbox}{path}");
    let post = |path: &str| {
        format!("curl -s -H \"API-KEY: {key}\" -H 'Content-Type: application/json' -d '{transfer}' {sandbox}{path}")
    };
    let calls = [
        ("What can the agent spend? (cents)", get("/api/agent_balance")),
        ("How much may this receiver get?", get("/api/kyc/201001234567")),
        ("Would this transfer go through, and at which rate?", post("/api/checkTransfer")),
        ("Send it. The same id again gets the same answer, and nothing happens twice.", post("/api/transfer")),
        ("Where is it? 60 with \"final\":1 is paid; that takes about two seconds.", get(&format!("/api/status/{id}"))),
    ];
    let calls: String = calls.iter().map(|(why, call)| format!("# {why}\n{call}\n\n")).collect();
    format!(
        "Counterfoil runs.\n\n\
         control   {control}\nsandbox   {sandbox}\nlive      {live}\nmetrics   {metrics}/metrics\n\
         tenant    {tenant}\ndata      {shown}\nkeys      {dev}\n\n\
         {calls}\
         Ctrl-C stops it; started again, it keeps everything.\n",
        dev = dev.display(),
    )
}
