//! The network before a server on this machine, with bad weather on demand.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::control_plane::Error;

/// How long the rest of a request is read that was answered already: who still writes would lose the answer.
const REST: Duration = Duration::from_secs(1);

/// What becomes of requests. In a text that they are known by, `…` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    #[default]
    Fair,
    /// Connections are cut, and new ones as soon as they are made.
    Cut,
    /// A connection on which something with this text is asked is silent from then on: what is asked never reaches the
    /// server, and there is no answer until the weather changes. Then it is cut.
    Silent { requests: &'static str },
    /// A connection on which something with this text is asked waits with that, and with all that is asked after it, until
    /// the weather changes.
    Held { requests: &'static str },
    /// The answer is 503 with this body; nothing reaches the server.
    SlowDown { says: &'static str },
}

/// A server's second address, with its own weather.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
}

#[derive(Debug)]
struct Network {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    connections: BTreeMap<u64, [TcpStream; 2]>,
    made: u64,
    held: usize,
    closed: bool,
}

impl Proxy {
    /// Before the server at a port of this machine.
    pub fn before(port: u16) -> Result<Self, Error> {
        let failed = Error::io("listen on", Path::new("127.0.0.1"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (listener, address) = listener
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
            .map_err(failed)?;
        let network = Arc::new(Network {
            server: (Ipv4Addr::LOCALHOST, port).into(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&network);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if accepting.state().closed {
                    return;
                }
                let network = Arc::clone(&accepting);
                // A connection that cannot be made or goes on no more is one that is cut.
                thread::spawn(move || network.connect(client));
            }
        });
        Ok(Self { address, network })
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    pub fn set(&self, weather: Weather) {
        let mut state = self.network.state();
        let was_silent = matches!(state.weather, Weather::Silent { .. });
        if was_silent || weather == Weather::Cut {
            for stream in state.connections.values().flatten() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        state.weather = weather;
        self.network.changed.notify_all();
    }

    /// How many connections wait with what is asked on them.
    #[must_use]
    pub fn held(&self) -> usize {
        self.network.state().held
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.state().connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Weather::Cut);
        self.network.state().closed = true;
        // So that the listener notices.
        let _ = TcpStream::connect(self.address);
    }
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        let ends = [client.try_clone()?, server.try_clone()?];
        let number = {
            let mut state = self.state();
            if state.weather == Weather::Cut {
                return Ok(());
            }
            state.made += 1;
            let number = state.made;
            state.connections.insert(number, ends);
            number
        };
        let (mut answers, mut answered) = (server.try_clone()?, client.try_clone()?);
        let down = thread::spawn(move || {
            let _ = io::copy(&mut answers, &mut answered);
            let _ = answered.shutdown(Shutdown::Both);
        });
        let _ = self.pass_on(client, &server);
        let _ = server.shutdown(Shutdown::Both);
        let _ = down.join();
        self.state().connections.remove(&number);
        Ok(())
    }

    fn wait_for_change(&self) {
        let mut state = self.state();
        let weather = state.weather.clone();
        state.held += 1;
        let mut state = self
            .changed
            .wait_while(state, |state| state.weather == weather)
            .unwrap_or_else(PoisonError::into_inner);
        state.held -= 1;
    }

    fn pass_on(&self, mut client: TcpStream, mut server: &TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut silent = false;
        loop {
            let count = client.read(&mut buffer)?;
            let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
                return Ok(());
            };
            let weather = self.state().weather.clone();
            match weather {
                Weather::Silent { requests } => silent |= contains(part, requests),
                Weather::Held { requests } if contains(part, requests) => self.wait_for_change(),
                Weather::Held { .. } | Weather::Fair => {}
                Weather::Cut => return Ok(()),
                Weather::SlowDown { says } => {
                    let length = says.len();
                    let answer = format!(
                        "HTTP/1.1 503 Slow Down\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{says}"
                    );
                    client.write_all(answer.as_bytes())?;
                    client.shutdown(Shutdown::Write)?;
                    client.set_read_timeout(Some(REST))?;
                    io::copy(&mut client, &mut io::sink())?;
                    return Ok(());
                }
            }
            if !silent {
                server.write_all(part)?;
            }
        }
    }
}

fn contains(mut part: &[u8], text: &str) -> bool {
    text.split('…').filter(|text| !text.is_empty()).all(|text| {
        let found = part
            .windows(text.len())
            .position(|window| window == text.as_bytes());
        part = found.map_or(&[], |at| &part[at + text.len()..]);
        found.is_some()
    })
}
