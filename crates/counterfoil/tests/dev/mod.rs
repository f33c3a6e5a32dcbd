//! A `counterfoil dev` of a test's own: free ports, a directory that goes away, ended with the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A running server and what it wrote.
pub struct Dev {
    child: Child,
    dir: tempfile::TempDir,
    said: Arc<Mutex<String>>,
    facts: serde_json::Value,
}

impl Dev {
    /// Starts a server in a fresh directory and waits until its `dev.json` is there.
    pub fn start() -> Dev {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        command.arg("dev").arg("--data").arg(&data).current_dir(dir.path());
        for listener in ["--control", "--sandbox", "--live", "--metrics"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the server starts");
        let stdout = child.stdout.take().expect("its output is piped");
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let (ready, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let mut said = heard.lock().expect("nobody panics with it");
                said.push_str(&line);
                said.push('\n');
                if line.contains("Ctrl-C") {
                    let _ = ready.send(());
                }
            }
        });
        wait.recv_timeout(std::time::Duration::from_secs(60)).expect("the server says that it is ready");
        let facts = std::fs::read(data.join("dev.json")).expect("dev.json is there");
        let facts = serde_json::from_slice(&facts).expect("dev.json is JSON");
        Dev { child, dir, said, facts }
    }

    /// Base URL of a listener.
    pub fn base(&self, listener: &str) -> String {
        self.facts[listener].as_str().expect("dev.json names it").to_owned()
    }

    /// Everything printed so far.
    pub fn greeting(&self) -> String {
        self.said.lock().expect("nobody panics with it").clone()
    }

    /// The directory in which the server was started; its data is in `data`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
