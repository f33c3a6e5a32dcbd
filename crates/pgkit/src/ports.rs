//! Ports for servers that are stopped and started again.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;

/// Below the ports that the system gives to outgoing connections: one of those could take a server's port while it is down.
const FIRST: u32 = 10_000;
const COUNT: u32 = 20_000;

static ASKED: AtomicU32 = AtomicU32::new(0);

/// A port of the loopback address that nobody listens on now. Another process may take it before the caller does; processes
/// begin their search at different places, so that is rare.
pub fn free_port() -> anyhow::Result<u16> {
    for _ in 0..COUNT {
        let step = ASKED.fetch_add(1, Ordering::Relaxed);
        let number = FIRST + std::process::id().wrapping_mul(101).wrapping_add(step) % COUNT;
        let port = u16::try_from(number).context("a port")?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free between {FIRST} and {}", FIRST + COUNT)
}
