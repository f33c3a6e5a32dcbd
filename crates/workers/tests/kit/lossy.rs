//! A network between us and the peer that loses answers, delays requests past our patience, sends them twice, breaks
//! connections and goes away. What it does is drawn from a seed.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::http::{forward, read};

#[derive(Clone)]
pub struct Lossy {
    pub address: SocketAddr,
    peer: SocketAddr,
    chance: Arc<Mutex<fastrand::Rng>>,
    /// What happens to the next requests, whatever the weather.
    planned: Arc<Mutex<VecDeque<Fate>>>,
    fair: Arc<AtomicBool>,
    /// Requests that have not reached the peer yet.
    pub on_their_way: Arc<AtomicUsize>,
    pub lost: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
pub enum Fate {
    Through,
    LostAnswer,
    /// Reaches the peer after we have given up.
    Late,
    Twice,
    Broken,
    HalfAnAnswer,
}

impl Lossy {
    pub async fn start(peer: SocketAddr, seed: u64) -> Lossy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let chance = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        let lossy = Lossy {
            address,
            peer,
            chance,
            planned: Arc::default(),
            fair: Arc::default(),
            on_their_way: Arc::default(),
            lost: Arc::default(),
        };
        tokio::spawn(lossy.clone().listen(listener));
        lossy
    }

    /// A network that does this to the first requests and then nothing bad.
    pub async fn planned(peer: SocketAddr, fates: impl IntoIterator<Item = Fate>) -> Lossy {
        let lossy = Lossy::start(peer, 0).await;
        lossy.clear_up();
        lossy.planned.lock().unwrap().extend(fates);
        lossy
    }

    /// From now on everything goes through.
    pub fn clear_up(&self) {
        self.fair.store(true, Ordering::SeqCst);
    }

    async fn listen(self, mut listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(self.clone().pass(stream));
            if self.draw(60) == 1 {
                // Away: connections are refused for a while.
                drop(listener);
                pause(200).await;
                listener = again(self.address).await;
            }
        }
    }

    async fn pass(self, mut stream: TcpStream) {
        let Some(request) = read(&mut stream).await else { return };
        let fate = self.fate();
        if !matches!(fate, Fate::Through) {
            self.lost.fetch_add(1, Ordering::SeqCst);
        }
        self.on_their_way.fetch_add(1, Ordering::SeqCst);
        if let Fate::Late = fate {
            pause(250 + u64::from(self.draw(300))).await;
        }
        if let Fate::Twice = fate {
            forward(self.peer, &request.raw).await;
        }
        let answer = match fate {
            Fate::Broken => None,
            _ => forward(self.peer, &request.raw).await,
        };
        self.on_their_way.fetch_sub(1, Ordering::SeqCst);
        let Some(answer) = answer else { return };
        match fate {
            Fate::Through | Fate::Twice | Fate::Late => drop(stream.write_all(&answer).await),
            Fate::HalfAnAnswer => drop(stream.write_all(&answer[..answer.len() / 2]).await),
            Fate::LostAnswer | Fate::Broken => {}
        }
    }

    fn fate(&self) -> Fate {
        if let Some(fate) = self.planned.lock().unwrap().pop_front() {
            return fate;
        }
        match self.draw(10) {
            0 => Fate::LostAnswer,
            1 => Fate::Late,
            2 => Fate::Twice,
            3 => Fate::Broken,
            4 => Fate::HalfAnAnswer,
            _ => Fate::Through,
        }
    }

    /// Below `bound`; in fair weather nothing bad comes of it.
    fn draw(&self, bound: u32) -> u32 {
        if self.fair.load(Ordering::SeqCst) { bound - 1 } else { self.chance.lock().unwrap().u32(0..bound) }
    }
}

async fn again(address: SocketAddr) -> TcpListener {
    for _ in 0..100 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        pause(10).await;
    }
    panic!("the port was taken meanwhile");
}

/// The network's own delay; no test waits for it.
async fn pause(millis: u64) {
    let never = std::future::pending::<()>();
    let _ = tokio::time::timeout(Duration::from_millis(millis), never).await;
}
