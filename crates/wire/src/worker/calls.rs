//! Each call to its store, and the answers back.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use futures::{FutureExt, SinkExt};
use storage::{Contents, Entry, Key, Storage, StorageError};
use tonic::server::StreamingService;
use tonic::{Request, Response, Status, Streaming};

use super::Worker;
use crate::convert::{
    deletion_out, failure, found_out, listed_out, put_out, refused, removed_out, root_out,
    version_in, version_out,
};
use crate::limits::{ENTRIES, LONGEST_WRITE, PART};
use crate::message::{self, Answer, Asked, At, Failure, Told};

/// The one method of the service.
#[derive(Debug)]
pub(super) struct Calls(pub(super) Arc<Worker>);

impl StreamingService<message::Request> for Calls {
    type Response = Answer;
    type ResponseStream = BoxStream<'static, Result<Answer, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<message::Request>>) -> Self::Future {
        let worker = Arc::clone(&self.0);
        async move {
            let mut requests = request.into_inner();
            let asked = next(&mut requests).await?;
            let (answers, told) = mpsc::channel(0);
            let call = Call {
                worker,
                requests,
                answers,
            };
            // The work is a part of the stream: it goes on while somebody takes the answers, and ends with it.
            let work =
                stream::once(call.answer(asked)).filter_map(async |done| done.err().map(Err));
            let told = told.map(|told| Ok(Answer { told: Some(told) }));
            Ok(Response::new(stream::select(told, work).boxed()))
        }
        .boxed()
    }
}

async fn next(requests: &mut Streaming<message::Request>) -> Result<Asked, Status> {
    let request = requests.message().await?;
    request
        .and_then(|request| request.asked)
        .ok_or_else(|| Status::invalid_argument("nothing was asked"))
}

/// One call under way.
struct Call {
    worker: Arc<Worker>,
    requests: Streaming<message::Request>,
    answers: mpsc::Sender<Told>,
}

/// What ends a call early: an answer, or the end of the connection.
enum Ended {
    Failed(Failure),
    Broken(Status),
}

impl From<StorageError> for Ended {
    fn from(error: StorageError) -> Self {
        Self::Failed(failure(&error))
    }
}

impl Call {
    async fn answer(mut self, asked: Asked) -> Result<(), Status> {
        match self.answered(asked).await {
            Ok(()) => Ok(()),
            Err(Ended::Failed(failure)) => match self.tell(Told::Failure(failure)).await {
                Ok(()) | Err(Ended::Failed(_)) => Ok(()),
                Err(Ended::Broken(status)) => Err(status),
            },
            Err(Ended::Broken(status)) => Err(status),
        }
    }

    async fn answered(&mut self, asked: Asked) -> Result<(), Ended> {
        match asked {
            Asked::Introduce(message::Introduce { term }) => self.introduce(term).await,
            Asked::List(at) => self.list(at).await,
            Asked::Stat(at) => {
                let (storage, key) = self.place(Some(at))?;
                let entry = storage.stat(&key).await?;
                let entry = entry.as_ref().map(found_out);
                self.tell(Told::Found(message::Found { entry })).await
            }
            Asked::Read(message::Read { at, limit }) => {
                let (storage, key) = self.place(at)?;
                let contents = storage.read(&key, limit).await?;
                self.contents(contents).await
            }
            Asked::ReadRange(message::ReadRange { at, offset, length }) => {
                let (storage, key) = self.place(at)?;
                let contents = storage.read_range(&key, offset, length).await?;
                self.contents(contents).await
            }
            Asked::Delete(message::Delete {
                at,
                expected,
                permit,
            }) => {
                let (storage, key) = self.place(at)?;
                let expected =
                    version_in(expected).map_err(|_| malformed("a deletion without a version"))?;
                self.admit(permit)?;
                let deletion = storage.delete_if_unchanged(&key, &expected).await?;
                self.tell(Told::Deletion(deletion_out(&deletion))).await
            }
            Asked::RemoveDirectory(message::RemoveDirectory { at, permit }) => {
                let (storage, key) = self.place(at)?;
                self.admit(permit)?;
                let removed = storage.remove_empty_directory(&key).await?;
                self.tell(Told::Removed(removed_out(removed))).await
            }
            Asked::PutIfAbsent(message::Write { at, length, permit }) => {
                let (storage, key) = self.place(at)?;
                let contents = self.received(length).await?;
                self.admit(permit)?;
                let put = storage.put_if_absent(&key, contents).await?;
                self.tell(Told::Put(put_out(put))).await
            }
            Asked::Replace(message::Write { at, length, permit }) => {
                let (storage, key) = self.place(at)?;
                let contents = self.received(length).await?;
                self.admit(permit)?;
                storage.replace(&key, contents).await?;
                self.tell(Told::Replaced(message::Replaced {})).await
            }
            Asked::Part(_) => Err(malformed("a part of nothing")),
        }
    }

    async fn introduce(&mut self, term: Option<message::Term>) -> Result<(), Ended> {
        let fence = &self.worker.fence;
        if let Some(term) = term {
            fence
                .introduce(term.into())
                .map_err(|refusal| Ended::Failed(refused(&refusal)))?;
        }
        let roots = self.worker.roots.iter().map(|root| {
            let location = root.storage.location(&Key::root());
            root_out(&root.name, location, root.storage.capabilities())
        });
        let introduction = message::Introduction {
            clock_millis: fence.clock_millis(),
            roots: roots.collect(),
        };
        self.tell(Told::Introduction(introduction)).await
    }

    async fn list(&mut self, at: At) -> Result<(), Ended> {
        let (storage, directory) = self.place(Some(at))?;
        let mut listing = storage.list_level(&directory).ready_chunks(ENTRIES);
        let mut count = 0;
        while let Some(some) = listing.next().await {
            let mut failed = None;
            let mut entries = Vec::with_capacity(some.len());
            for entry in some {
                match entry {
                    Ok(entry) => entries.push(listed(&directory, &entry)?),
                    Err(error) => failed = Some(error),
                }
            }
            count += u64::try_from(entries.len()).unwrap_or(u64::MAX);
            self.tell(Told::Entries(message::Entries { entries }))
                .await?;
            if let Some(error) = failed {
                return Err(error.into());
            }
        }
        self.tell(Told::End(message::End { entries: count })).await
    }

    async fn contents(&mut self, contents: Contents) -> Result<(), Ended> {
        let Contents { mut bytes, version } = contents;
        self.tell(Told::Contents(message::Contents {
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            version: Some(version_out(&version)),
        }))
        .await?;
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(PART));
            self.tell(Told::Part(message::Part { bytes: part })).await?;
        }
        Ok(())
    }

    /// Exactly so many bytes. Without the last of them nothing is written.
    async fn received(&mut self, length: u64) -> Result<Bytes, Ended> {
        if length > LONGEST_WRITE {
            return Err(malformed("more than is written at once"));
        }
        let mut contents = BytesMut::new();
        while (contents.len() as u64) < length {
            match next(&mut self.requests).await.map_err(Ended::Broken)? {
                Asked::Part(message::Part { bytes }) if !bytes.is_empty() => {
                    contents.extend_from_slice(&bytes);
                }
                _ => return Err(malformed("something else than the next part")),
            }
        }
        if contents.len() as u64 != length {
            return Err(malformed("more bytes than were announced"));
        }
        Ok(contents.freeze())
    }

    fn admit(&self, permit: Option<message::Permit>) -> Result<(), Ended> {
        let admitted = self.worker.fence.admit(permit);
        admitted.map_err(|refusal| Ended::Failed(refused(&refusal)))
    }

    fn place(&self, at: Option<At>) -> Result<(Arc<dyn Storage>, Key), Ended> {
        let At { root, key } = at.ok_or_else(|| malformed("nowhere"))?;
        let root = usize::try_from(root)
            .ok()
            .and_then(|root| self.worker.roots.get(root))
            .ok_or_else(|| malformed("no root of this worker"))?;
        let key = Key::parse(&key).map_err(|_| malformed("a key that is none"))?;
        Ok((Arc::clone(&root.storage), key))
    }

    /// Waits until the answer has room: a slow reader is never read ahead of.
    async fn tell(&mut self, told: Told) -> Result<(), Ended> {
        let sent = self.answers.send(told).await;
        sent.map_err(|_| Ended::Broken(Status::cancelled("nobody takes the answers")))
    }
}

/// Of another directory it could not be told by its name.
fn listed(directory: &Key, entry: &Entry) -> Result<message::Entry, Ended> {
    if entry.key.parent().as_ref() == Some(directory) {
        Ok(listed_out(entry))
    } else {
        Err(Ended::Broken(Status::internal(
            "a listing with an entry of elsewhere",
        )))
    }
}

fn malformed(what: &'static str) -> Ended {
    Ended::Broken(Status::invalid_argument(what))
}
