//! A worker and an operator in one process, with a real connection between them.

use std::sync::Arc;

use async_trait::async_trait;
use storage::contract::volume::Volume;
use storage::contract::{FileSystemFixture, Fixture};
use storage::{Key, Storage};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wire::{
    Accepted, Access, Connection, Fence, OperatorCertificate, Root, Term, Worker, accept, dial,
    trusting_only,
};

pub(crate) const TOKEN: &str = "of-the-pod";

pub(crate) fn term(number: i64) -> Term {
    Term {
        lease: "0d4b6a0e-8a5e-4b0e-9a53-0b6a0a9a1c11".to_owned(),
        number,
    }
}

pub(crate) fn worker(storage: Arc<dyn Storage>, access: Access) -> Arc<Worker> {
    let root = Root {
        name: "volume".to_owned(),
        storage,
    };
    Worker::new(vec![root], Fence::new(access))
}

/// The worker dials over TCP and TLS, and is let in.
pub(crate) async fn connect(
    worker: &Arc<Worker>,
    term: Option<Term>,
) -> (Connection, JoinHandle<()>) {
    let certificate = OperatorCertificate::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trusted = trusting_only(&certificate.pem).unwrap();
    let worker = Arc::clone(worker);
    let serving = tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let io = dial(stream, trusted, TOKEN).await.unwrap();
        // However it ends.
        let _ = worker.serve(io).await;
    });
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let Accepted { admission, io } = accept(stream, &certificate, |token| async { Ok(token) })
        .await
        .unwrap();
    assert_eq!(admission, TOKEN);
    (Connection::open(io, term).await.unwrap(), serving)
}

/// A directory that only a worker reaches.
pub(crate) struct Wired {
    volume: Volume,
    connection: Connection,
}

impl Wired {
    pub(crate) async fn new() -> Self {
        let volume = Volume::new().await;
        let worker = worker(Arc::new(volume.store.clone()), Access::ReadAndDelete);
        let (connection, _) = connect(&worker, Some(term(1))).await;
        Self { volume, connection }
    }
}

#[async_trait]
impl Fixture for Wired {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(self.connection.root("volume").unwrap())
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        self.volume.write(key, bytes).await;
    }

    async fn remove(&self, key: &Key) {
        self.volume.remove(key).await;
    }
}

#[async_trait]
impl FileSystemFixture for Wired {
    async fn make_directory(&self, key: &Key) {
        self.volume.make_directory(key).await;
    }

    async fn link_outside(&self, key: &Key) {
        self.volume.link_outside(key).await;
    }

    async fn link_to_root(&self, key: &Key) {
        self.volume.link_to_root(key).await;
    }

    async fn make_pipe(&self, key: &Key) {
        self.volume.make_pipe(key).await;
    }

    async fn outside_is_untouched(&self) -> bool {
        self.volume.outside_is_untouched().await
    }
}
