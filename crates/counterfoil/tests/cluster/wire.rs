//! A connection between two parts of the cluster that can be cut: a port that passes bytes on to another. Cut, it does what
//! a broken network does: what is sent does not arrive, and nobody is told. Mended, what was on its way arrives.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// Passes bytes on until dropped.
pub struct Wire {
    port: u16,
    state: Arc<Switch>,
}

#[derive(Default)]
struct Switch {
    cut: Mutex<bool>,
    changed: Condvar,
}

impl Wire {
    /// From a new port of the loopback address to the port `to`, which nobody needs to listen on yet.
    pub fn to(to: u16) -> Wire {
        let port = pgkit::free_port().expect("a port");
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let state = Arc::new(Switch::default());
        let switch = Arc::clone(&state);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let switch = Arc::clone(&switch);
                std::thread::spawn(move || join(stream, to, &switch));
            }
        });
        Wire { port, state }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn cut(&self) {
        self.set(true);
    }

    pub fn mend(&self) {
        self.set(false);
    }

    fn set(&self, cut: bool) {
        *self.state.cut.lock().expect("no panic inside") = cut;
        self.state.changed.notify_all();
    }
}

impl Switch {
    /// Waits while the wire is cut.
    fn pass(&self) {
        let cut = self.cut.lock().expect("no panic inside");
        drop(self.changed.wait_while(cut, |cut| *cut).expect("no panic inside"));
    }
}

fn join(near: TcpStream, to: u16, switch: &Arc<Switch>) {
    switch.pass();
    let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { return };
    let back = Arc::clone(switch);
    std::thread::spawn(move || carry(far_too, near_too, &back));
    carry(near, far, switch);
}

/// Passes bytes on in one direction until one side closes, and then closes the other.
fn carry(mut from: TcpStream, mut to: TcpStream, switch: &Switch) {
    let _ = to.set_nodelay(true);
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        switch.pass();
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    switch.pass();
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
