//! Where workers knock. Open while this process leads, and only then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wire::{Accepted, Connection, OperatorCertificate, Term, accept};

use super::awaited::Awaited;
use super::review::admit;

/// Callers that are looked at at the same time. Who is slow is gone after the handshake's time.
const CALLERS: usize = 32;
/// After a failed accept (no file descriptors, for example) the loop must not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Lets in the workers that are awaited.
pub(in crate::operator) struct Door {
    pub(in crate::operator) client: Client,
    pub(in crate::operator) awaited: Awaited,
    pub(in crate::operator) certificate: OperatorCertificate,
    /// By which workers may change something.
    pub(in crate::operator) term: Option<Term>,
}

impl Door {
    /// Answers until it is dropped.
    pub(in crate::operator) async fn open(self, listener: TcpListener) {
        let door = Arc::new(self);
        let room = Arc::new(Semaphore::new(CALLERS));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, address)) => {
                    // A caller that is gone already is found out soon enough.
                    let _ = stream.set_nodelay(true);
                    let door = Arc::clone(&door);
                    tokio::spawn(async move {
                        door.answer(stream, address).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a worker's connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn answer(&self, stream: TcpStream, address: SocketAddr) {
        let (client, awaited) = (self.client.clone(), self.awaited.clone());
        let admit = move |token| async move { admit(&client, &awaited, token).await };
        let Accepted { admission, io } = match accept(stream, &self.certificate, admit).await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::info!(%address, %error, "a caller is no worker");
                return;
            }
        };
        let (namespace, job) = (&admission.namespace, &admission.uid);
        match Connection::open(io, self.term.clone()).await {
            Ok(connection) => {
                let taken = self.awaited.arrived(&admission, connection);
                tracing::info!(%address, namespace, job, taken, "a worker is connected");
            }
            Err(error) => {
                tracing::warn!(%address, namespace, job, %error, "a worker was let in and is of no use");
            }
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}
